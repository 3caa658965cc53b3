// What a setting of a recipe may be: known before anything is computed, but for numbers that change with the step.
// `unknown` stands for what has already been reported; whoever meets it stays silent.
import type { Expression, FunctionDeclaration, Unit } from "../../../grammar/syntax.ts";
import type { ResolvedDataset, DatasetFacts } from "../../model/catalog.ts";
import type { FileScope } from "../../model/library.ts";
import { printHost } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";

export type RecipeValue =
  | { readonly kind: "number"; readonly host: HostExpression }
  | { readonly kind: "duration"; readonly amount: number; readonly unit: Unit }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  /** A word of a closed set, such as `epoch` in `by = epoch`. */
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "none" }
  | { readonly kind: "list"; readonly items: readonly RecipeValue[] }
  | { readonly kind: "tuple"; readonly items: readonly RecipeValue[] }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, RecipeValue> }
  | { readonly kind: "range"; readonly from: RecipeValue; readonly to: RecipeValue }
  | { readonly kind: "course"; readonly from: RecipeValue; readonly to: RecipeValue }
  /** A data set of the catalog, as a setting: `source = mnist`. */
  | { readonly kind: "source"; readonly name: string }
  /** A `data` clause. */
  | { readonly kind: "dataset"; readonly dataset: ResolvedDataset; readonly facts: DatasetFacts }
  | FunctionValue
  /** Text for the evaluator of dataflow: a block, a net, anything that is not a plain setting. */
  | { readonly kind: "text"; readonly expression: Expression; readonly file: FileScope }
  | { readonly kind: "unknown" };

export interface FunctionValue {
  readonly kind: "function";
  readonly declaration: FunctionDeclaration;
  readonly file: string;
  /** What its body sees: declarations of its file, what that imports, and `std`. */
  readonly globals: (name: string) => RecipeValue | undefined;
}

export const unknownValue: RecipeValue = { kind: "unknown" };

export function numberValue(value: number): RecipeValue {
  return { kind: "number", host: { kind: "number", value } };
}

export function hostValue(host: HostExpression): RecipeValue {
  return { kind: "number", host };
}

/** A number that is known, or undefined. */
export function knownNumber(value: RecipeValue): number | undefined {
  return value.kind === "number" && value.host.kind === "number" ? value.host.value : undefined;
}

/** What a value is, for messages: `a duration`, `3`, `the word epoch`. */
export function describeValue(value: RecipeValue): string {
  switch (value.kind) {
    case "number":
      return value.host.kind === "number"
        ? String(value.host.value)
        : "a number that changes with the step";
    case "duration":
      return `the duration ${printValue(value)}`;
    case "word":
      return `the word \`${value.word}\``;
    case "source":
      return `the data set \`${value.name}\``;
    case "dataset":
      return `the data \`${value.dataset.name}\``;
    case "function":
      return `the function \`${value.declaration.name.text}\``;
    case "text":
      return "dataflow";
    case "list":
    case "tuple":
    case "record":
    case "course":
    case "range":
      return `the ${value.kind} ${printValue(value)}`;
    default:
      return printValue(value);
  }
}

/** The value as `.vit` text. */
export function printValue(value: RecipeValue): string {
  switch (value.kind) {
    case "number":
      return printHost(value.host);
    case "duration":
      return `${value.amount} ${value.unit}`;
    case "bool":
      return String(value.value);
    case "string":
      return JSON.stringify(value.value);
    case "word":
      return value.word;
    case "none":
      return "none";
    case "list":
      return `[${value.items.map(printValue).join(", ")}]`;
    case "tuple":
      return `(${value.items.map(printValue).join(", ")})`;
    case "record":
      return `{ ${[...value.fields].map(([name, field]) => `${name} = ${printValue(field)}`).join(", ")} }`;
    case "range":
      return `${printValue(value.from)}..${printValue(value.to)}`;
    case "course":
      return `${printValue(value.from)} to ${printValue(value.to)}`;
    case "source":
      return value.name;
    case "dataset":
      return value.dataset.name;
    case "function":
      return value.declaration.name.text;
    case "text":
      return "…";
    case "unknown":
      return "?";
  }
}
