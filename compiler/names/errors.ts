// What can be wrong with the names of others: one function a diagnostic.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import { nearestHints } from "../model/nearest-name.ts";

export function mapTwice(format: string, block: string, at: FileSpan, first: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "duplicate-name",
    message: `the names of ${format} for \`${block}\` are given twice`,
    span: at,
    labels: [{ span: first, message: "first given here" }],
    hints: ["put all lines into one of them"],
  };
}

export function unknownFormat(name: string, names: Iterable<string>, at: FileSpan): Diagnostic {
  const all = [...names];
  const nearest = nearestHints(name, all);
  return {
    severity: "error",
    code: "unknown-format",
    message: `there is no format \`${name}\``,
    span: at,
    hints:
      nearest.length > 0
        ? nearest
        : [`there are ${all.join(", ")}; declare another with  names ${name}`],
  };
}

export function noMap(format: string, block: string, at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "no-names",
    message: `nothing says what ${format} calls the parts of \`${block}\``,
    span: at,
    hints: [`write it down:  names ${format} of ${block} { "ours" = "theirs" }`],
  };
}

export function formatTwice(name: string, at: FileSpan, first: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "duplicate-name",
    message: `the format \`${name}\` is declared twice`,
    span: at,
    labels: [{ span: first, message: "first declared here" }],
  };
}

export function unknownBlock(name: string, names: Iterable<string>, at: FileSpan): Diagnostic {
  const nearest = nearestHints(name, names);
  return {
    severity: "error",
    code: "unknown-block",
    message: `there is no block or model \`${name}\` here`,
    span: at,
    hints: nearest.length > 0 ? nearest : [`take it from its file:  use "../file.vit".{${name}}`],
  };
}

export function notInBlock(
  name: string,
  block: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  const nearest = nearestHints(name, names);
  return {
    severity: "error",
    code: "matches-nothing",
    message: `\`${block}\` has nothing that \`${name}\` can be`,
    span: at,
    hints: nearest.length > 0 || names.length === 0 ? nearest : [`it has ${names.join(", ")}`],
  };
}

export function badArrow(why: string, at: FileSpan, path?: string): Diagnostic {
  return {
    severity: "error",
    code: "arrow-mismatch",
    message:
      path === undefined
        ? `the arrow does not fit: ${why}`
        : `the arrow does not fit \`${path}\`: ${why}`,
    span: at,
  };
}

export function badHole(text: string, names: readonly string[], at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "unknown-name",
    message: `nothing says what {${text}} is`,
    span: at,
    hints: [
      ...nearestHints(text, names),
      names.length > 0
        ? `it may be counted from ${names.join(", ")}`
        : 'name it on the left:  "layers.{i}" = "blocks.{i}"',
    ].slice(0, 1),
  };
}

export function sameTensor(
  name: string,
  ours: readonly string[],
  at: FileSpan,
  first: FileSpan | undefined,
): Diagnostic {
  const [one, other] = ours;
  return {
    severity: "error",
    code: "same-tensor",
    message:
      one === other || other === undefined
        ? `two lines are about \`${name}\``
        : `\`${one}\` and \`${other}\` are both \`${name}\``,
    span: at,
    ...(first ? { labels: [{ span: first, message: "and here" }] } : {}),
    hints: ["give them names of their own, or say which slice of it each is"],
  };
}

export function unlikeShapes(
  name: string,
  shapes: readonly (readonly number[])[],
  at: FileSpan,
): Diagnostic {
  const [one, other] = shapes.map((shape) => `[${shape.join(", ")}]`);
  return {
    severity: "error",
    code: "arrow-mismatch",
    message: `by one line \`${name}\` is ${one}, by another ${other}`,
    span: at,
  };
}

export function notWhole(name: string, shape: readonly number[], at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "arrow-mismatch",
    message: `the lines leave out a part of \`${name}\`, which is [${shape.join(", ")}]`,
    span: at,
    hints: ["say what the rest of it is, so that it can be written too"],
  };
}

export function needsOneName(path: string, at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "arrow-mismatch",
    message: `\`${path}\` lies below what this line names, so it must name one thing`,
    span: at,
    hints: ["name the parameters themselves, each with its arrow"],
  };
}
