// A value of dataflow that is known while compiling, or at each step -> the setting of a recipe that it is.
import type { Value } from "../lower/value.ts";
import { hostValue, numberValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";

/** Undefined for what computes on tensors, and for blocks and functions. */
export function settingValue(value: Value): RecipeValue | undefined {
  switch (value.kind) {
    case "number":
      return numberValue(value.value);
    case "host":
      return hostValue(value.expression);
    case "bool":
    case "string":
    case "none":
      return value;
    case "duration":
      return { kind: "duration", amount: value.amount, unit: value.unit };
    case "choice":
      return { kind: "word", word: value.word };
    case "list":
    case "tuple": {
      const items = value.elements.map(settingValue);
      return items.every((item) => item !== undefined) ? { kind: value.kind, items } : undefined;
    }
    case "course": {
      const [from, to] = [settingValue(value.from), settingValue(value.to)];
      return from && to ? { kind: "course", from, to } : undefined;
    }
    case "poison":
      return { kind: "unknown" };
    case "opaque":
      return isDataset(value.content) ? value.content : undefined;
    default:
      return undefined;
  }
}

/** `size(train)` in the course of a loss. */
function isDataset(content: unknown): content is RecipeValue & { readonly kind: "dataset" } {
  const kind = (content as { readonly kind?: unknown } | null)?.kind;
  return kind === "dataset";
}
