// What can be wrong with an `expect`.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";

export function unexpectedFigure(
  name: string,
  expected: string,
  shown: string,
  found: number,
  at: FileSpan,
): Diagnostic {
  const exact = found.toLocaleString("en-US").replaceAll(",", "_");
  return {
    severity: "error",
    code: "unexpected-figure",
    message: `expected ${expected} ${name}, but there are ${shown}`,
    span: at,
    because: shown === exact ? [] : [`counted: ${exact}`],
    hints: [`${name} = ${shown}`],
  };
}

export function unknownFigure(name: string, at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "unknown-figure",
    message: `nothing counts \`${name}\``,
    span: at,
    hints: ["what is counted: parameters, macs"],
  };
}

export function figureForm(name: string, at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "wrong-type",
    message: `\`${name}\` is expected to be a number, such as 86_567_656 or 17.6G`,
    span: at,
  };
}

export function notAModel(at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "not-a-model",
    message: "an expectation speaks of a model with its settings",
    span: at,
    hints: ['expect ViT("B/16") { parameters = 86_567_656 }'],
  };
}
