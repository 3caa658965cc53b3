// `vit check` of what a file declares: names in every branch, each model with its defaults where that is possible, each
// variant, and each `expect`, whose numbers are counted anew.
import type { Diagnostic } from "../../grammar/diagnostic.ts";
import { sortDiagnostics } from "../../grammar/diagnostic.ts";
import type {
  Argument,
  BlockDeclaration,
  ExpectDeclaration,
  Field,
  NumberExpression,
  RecordField,
} from "../../grammar/syntax.ts";
import { pathText } from "../../grammar/syntax.ts";
import type { FileScope, Library } from "../model/library.ts";
import { variantsOf } from "../model/library.ts";
import { checkNames } from "../model/static-names.ts";
import { Builder } from "./builder.ts";
import { checkNamedModels } from "./check-named-models.ts";
import type { Module } from "./lowered.ts";
import { blockNamed, lowerCallable } from "./lower-model.ts";
import * as errors from "./expect-errors.ts";
import { RoleTable } from "./lower/axis.ts";
import { withSettings } from "./lower/bind-settings.ts";
import { showValue } from "./lower/describe-value.ts";
import { Evaluator } from "./lower/evaluator.ts";
import { distributions } from "./lower/initializer.ts";
import { UnmetRules } from "./lower/initializer-rules.ts";
import { Instances } from "./lower/instances.ts";
import { intrinsics } from "./lower/intrinsics/table.ts";
import { constantNames } from "./lower/name.ts";
import { gathered, type Gathered } from "./lower/reporter.ts";
import type { Scope } from "./lower/scope.ts";
import type { CallableValue } from "./lower/value.ts";

/** All that is wrong with the blocks, functions, models and expectations of a file, in the order of its text. */
export function checkFile(library: Library, name: string): Diagnostic[] {
  const file = library.files.get(name);
  if (file === undefined) throw new Error(`the library has no file ${name}`);
  const problems = gathered();
  checkNames(library, file, knownNames).forEach(problems.report);
  const standsAlone = (block: BlockDeclaration) => whatIsOpen(block).length === 0;
  checkNamedModels(library, file, standsAlone).forEach(problems.report);
  if (library.cycles.length === 0) {
    const check = new FileCheck(library, file, problems);
    for (const declaration of file.syntax.declarations) {
      if (declaration.kind === "model" || declaration.kind === "block") check.block(declaration);
      if (declaration.kind === "expect") check.expect(declaration);
    }
    check.rules();
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

interface Counted {
  /** The whole model, with its figures; undefined where it is wrong. */
  readonly top: Module | undefined;
}

class FileCheck {
  private readonly library: Library;
  private readonly file: FileScope;
  private readonly problems: Gathered;
  /** A variant and an expectation of it are lowered once; what is kept of a model is its figures. */
  private readonly counted = new Map<string, Counted>();
  private readonly unmet = new UnmetRules();

  constructor(library: Library, file: FileScope, problems: Gathered) {
    this.library = library;
    this.file = file;
    this.problems = problems;
  }

  /** Rules for initial values that describe no parameter in any model, variant or expectation of the file. */
  rules(): void {
    if (this.problems.found.length > 0) return;
    this.unmet.diagnostics(this.file.name).forEach(this.problems.report);
  }

  /** Each variant; without variants, the block itself where nothing is open. */
  block(declaration: BlockDeclaration): void {
    const { file } = this;
    const callable = blockNamed(declaration.name.text, declaration, file);
    const rows = variantsOf({ declaration, file })?.rows ?? [];
    for (const row of rows) {
      const subject = `${callable.name}(${row.name.text})`;
      const { evaluator, scope } = this.evaluator(subject);
      const first: Argument = {
        kind: "argument",
        name: undefined,
        value: row.name,
        span: row.name.span,
      };
      const at = { file: file.name, start: row.span.start, end: row.span.end };
      const configured = withSettings(evaluator, callable, [first], scope, at);
      if (configured !== undefined) this.lower(configured, subject);
    }
    if (rows.length === 0 && whatIsOpen(declaration).length === 0)
      this.lower(callable, callable.name);
  }

  /** An expectation counts its model anew. */
  expect({ claim, figures }: ExpectDeclaration): void {
    const { file, problems } = this;
    const subject = file.syntax.text.slice(claim.span.start, claim.span.end);
    const { evaluator, scope } = this.evaluator(subject);
    const value = evaluator.evaluate(claim, scope);
    if (value.kind === "poison") return;
    if (value.kind !== "callable" || value.target.kind !== "block") {
      problems.report(
        errors.notAModel({ file: file.name, start: claim.span.start, end: claim.span.end }),
      );
      return;
    }
    const { top } = this.lower(value, subject);
    if (top !== undefined) for (const field of figures?.fields ?? []) this.figure(field, top);
  }

  private figure(field: RecordField, top: Module): void {
    const at = { file: this.file.name, start: field.span.start, end: field.span.end };
    const name = pathText(field.path);
    const { report } = this.problems;
    if (name !== "parameters" && name !== "macs") report(errors.unknownFigure(name, at));
    else if (field.value.kind !== "number") report(errors.figureForm(name, at));
    else if (!agrees(field.value, top[name])) {
      const shown = shownLike(field.value, top[name]);
      report(errors.unexpectedFigure(name, field.value.text, shown, top[name], at));
    }
  }

  private lower(callable: CallableValue, subject: string): Counted {
    if (callable.target.kind !== "block") throw new Error(`${subject} is no block`);
    const { library, problems } = this;
    const { file, declaration } = callable.target;
    const given = [...callable.given].map(
      ([name, value]) => `${name} = ${showValue(value, noNames)}`,
    );
    const key = `${file.name} ${declaration.name.text}(${given.sort().join(", ")})`;
    // Braces look alike in print.
    const hasBraces = [...callable.given.values()].some(
      (value) => value.kind === "callable" && value.name === "",
    );
    const isPlain = callable.overrides.length === 0 && !hasBraces;
    const known = isPlain ? this.counted.get(key) : undefined;
    if (known !== undefined) return known;
    const { model, rules, diagnostics } = lowerCallable(
      library,
      file,
      { ...callable, name: subject },
      [],
      { scopeFile: this.file },
    );
    const counted = { top: model?.modules.find((module) => module.path === "") };
    if (isPlain) this.counted.set(key, counted);
    if (model && rules) this.unmet.add(rules, model.graph.parameters);
    diagnostics.forEach(problems.report);
    return counted;
  }

  private evaluator(subject: string): { readonly evaluator: Evaluator; readonly scope: Scope } {
    const evaluator = new Evaluator({
      library: this.library,
      builder: new Builder(),
      instances: new Instances(),
      subject,
      report: this.problems.report,
    });
    return { evaluator, scope: evaluator.scope(this.file, { training: false }) };
  }
}

const noNames = new RoleTable();

/** Settings without a default and axes of inputs without a size, the batch apart: with none, a block stands alone. */
export function whatIsOpen({ settings, inputs }: BlockDeclaration): string[] {
  const names = settings.map((field) => field.name.text);
  const unset = settings.filter(
    (field) => field.default === undefined && field.type?.kind !== "type-optional",
  );
  const unsized = inputs.flatMap((field) => openAxes(field, names));
  return [...new Set([...unset.map((field) => field.name.text), ...unsized])];
}

function openAxes(field: Field, settings: readonly string[]): string[] {
  const type = field.type?.kind === "type-optional" ? field.type.of : field.type;
  if (type?.kind !== "type-tensor") return [field.name.text];
  return type.shape.axes.flatMap((axis) => {
    if (axis.kind === "axis-size") return [];
    if (axis.kind !== "axis-name") return [`the shape of ${field.name.text}`];
    const name = axis.name.text;
    return axis.size !== undefined || name === "batch" || settings.includes(name) ? [] : [name];
  });
}

// ---------------------------------------------------------------------------------------------- figures

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
