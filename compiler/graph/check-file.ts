// `vit check` of what a file declares: names in every branch, each model with its defaults where that is possible, each
// variant, and each `expect`, whose numbers are counted anew.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import { sortDiagnostics } from "../../grammar/diagnostic.ts";
import type {
  Argument,
  BlockDeclaration,
  ExpectDeclaration,
  NumberExpression,
} from "../../grammar/syntax.ts";
import { pathText } from "../../grammar/syntax.ts";
import type { FileScope, Library } from "../model/library.ts";
import { variantsOf } from "../model/library.ts";
import { checkNames } from "../model/static-names.ts";
import { Builder } from "./builder.ts";
import { blockNamed, lowerCallable, type ModelResult } from "./lower-model.ts";
import * as errors from "./expect-errors.ts";
import { Evaluator } from "./lower/evaluator.ts";
import { distributions } from "./lower/initializer.ts";
import { Instances } from "./lower/instances.ts";
import { intrinsics } from "./lower/intrinsics/table.ts";
import { constantNames } from "./lower/name.ts";
import { gathered, type Gathered } from "./lower/reporter.ts";

/** All that is wrong with the blocks, functions, models and expectations of a file, in the order of its text. */
export function checkFile(library: Library, name: string): Diagnostic[] {
  const file = library.files.get(name);
  if (file === undefined) throw new Error(`the library has no file ${name}`);
  const problems = gathered();
  checkNames(library, file, knownNames).forEach(problems.report);
  if (library.cycles.length === 0) {
    for (const declaration of file.syntax.declarations) {
      if (declaration.kind === "model" || declaration.kind === "block") {
        checkBlock(library, file, declaration, problems);
      }
      if (declaration.kind === "expect") checkExpect(library, file, declaration, problems);
    }
  }
  return sortDiagnostics(problems.found);
}

const knownNames = {
  beyond: new Set([...intrinsics.keys(), ...constantNames, ...Object.keys(distributions)]),
  takesWord(callee: string, parameter: string | number): boolean {
    const parameters = intrinsics.get(callee)?.parameters ?? [];
    const wordy = ["over", "keep", "into", "window", "sum", "mode", "shape"];
    if (typeof parameter === "string") return wordy.includes(parameter);
    return [parameters[parameter], parameters[parameter + 1]].some(
      (each) => each && wordy.includes(each.name),
    );
  },
};

/** Each variant; without variants, the block itself where nothing is open. */
function checkBlock(
  library: Library,
  file: FileScope,
  declaration: BlockDeclaration,
  problems: Gathered,
): void {
  const callable = blockNamed(declaration.name.text, declaration, file);
  const rows = variantsOf({ declaration, file })?.rows ?? [];
  for (const row of rows) {
    const first: Argument = {
      kind: "argument",
      name: undefined,
      value: row.name,
      span: row.name.span,
    };
    const result = lowerCallable(library, file, callable, [first], {
      scopeFile: file,
      variant: row.name.value,
    });
    result.diagnostics.forEach(problems.report);
  }
  if (rows.length > 0 || !isClosed(declaration)) return;
  lowerCallable(library, file, callable, [], { scopeFile: file }).diagnostics.forEach(
    problems.report,
  );
}

/** Every setting has a default and every axis of an input but the batch has a size. */
function isClosed(declaration: BlockDeclaration): boolean {
  const names = declaration.settings.map((field) => field.name.text);
  const hasDefaults = declaration.settings.every(
    (field) => field.default !== undefined || field.type?.kind === "type-optional",
  );
  const areSized = declaration.inputs.every((field) => {
    const type = field.type?.kind === "type-optional" ? field.type.of : field.type;
    if (type?.kind !== "type-tensor") return false;
    return type.shape.axes.every((axis) => {
      if (axis.kind === "axis-size") return true;
      if (axis.kind !== "axis-name") return false;
      return (
        axis.size !== undefined || axis.name.text === "batch" || names.includes(axis.name.text)
      );
    });
  });
  return hasDefaults && areSized;
}

// ---------------------------------------------------------------------------------------------- expectations

function checkExpect(
  library: Library,
  file: FileScope,
  declaration: ExpectDeclaration,
  problems: Gathered,
): void {
  const result = lowerClaim(library, file, declaration, problems);
  result?.diagnostics.forEach(problems.report);
  if (result?.model === undefined) return;
  const top = result.model.modules.find((module) => module.path === "");
  for (const field of declaration.figures?.fields ?? []) {
    const at = { file: file.name, start: field.span.start, end: field.span.end };
    const name = pathText(field.path);
    const found = name === "parameters" ? top?.parameters : name === "macs" ? top?.macs : undefined;
    if (found === undefined) problems.report(errors.unknownFigure(name, at));
    else if (field.value.kind !== "number") problems.report(errors.figureForm(name, at));
    else if (!agrees(field.value, found)) {
      problems.report(
        errors.unexpectedFigure(name, field.value.text, shownLike(field.value, found), found, at),
      );
    }
  }
}

/** The model that a claim speaks of. */
function lowerClaim(
  library: Library,
  file: FileScope,
  declaration: ExpectDeclaration,
  problems: Gathered,
): ModelResult | undefined {
  const { claim } = declaration;
  const at: FileSpan = { file: file.name, start: claim.span.start, end: claim.span.end };
  const subject = file.syntax.text.slice(claim.span.start, claim.span.end);
  const evaluator = new Evaluator({
    library,
    builder: new Builder(),
    instances: new Instances(),
    subject,
    report: problems.report,
  });
  const value = evaluator.evaluate(claim, evaluator.scope(file, { training: false }));
  if (value.kind === "poison") return undefined;
  if (value.kind !== "callable" || value.target.kind !== "block") {
    problems.report(errors.notAModel(at));
    return undefined;
  }
  return lowerCallable(library, value.target.file, { ...value, name: subject }, [], {
    scopeFile: file,
  });
}

/** `17.6G` agrees with all that rounds to it; a number without scale agrees with itself. */
function agrees(expected: NumberExpression, found: number): boolean {
  const { step } = precisionOf(expected);
  return step === undefined
    ? found === expected.value
    : Math.abs(found - expected.value) <= step / 2 + 1e-6;
}

function precisionOf({ text }: NumberExpression): {
  step: number | undefined;
  digits: number;
  suffix: string;
} {
  const match = /^[\d_]*\.?(\d*)([KMGT])$/.exec(text);
  if (match === null) return { step: undefined, digits: 0, suffix: "" };
  const scale = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 }[match[2] as "K" | "M" | "G" | "T"];
  const digits = match[1]!.length;
  return { step: scale * 10 ** -digits, digits, suffix: match[2]! };
}

/** What was found in the form of what was expected, so that it can be pasted. */
function shownLike(expected: NumberExpression, found: number): string {
  const { step, digits, suffix } = precisionOf(expected);
  if (step === undefined) return found.toLocaleString("en-US").replaceAll(",", "_");
  return `${(found / (step * 10 ** digits)).toFixed(digits)}${suffix}`;
}
