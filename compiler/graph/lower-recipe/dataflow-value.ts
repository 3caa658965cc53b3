// A setting of a recipe -> the value that the evaluator of dataflow knows for it.
import type { Type } from "../../../grammar/syntax.ts";
import { none, poison, real, whole } from "../lower/value.ts";
import type { Value } from "../lower/value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { wordsOf } from "./setting-types.ts";

/** Undefined for what only the evaluator itself can read: blocks and functions, kept as text. */
export function dataflowValue(value: RecipeValue, type?: Type): Value | undefined {
  switch (value.kind) {
    case "number":
      if (value.host.kind !== "number") return { kind: "host", expression: value.host };
      return isReal(type) || !Number.isInteger(value.host.value)
        ? real(value.host.value)
        : whole(value.host.value);
    case "duration":
      return { kind: "duration", amount: value.amount, unit: value.unit };
    case "bool":
    case "string":
      return value;
    case "word":
      return { kind: "choice", word: value.word, options: type ? wordsOf(type) : [value.word] };
    case "none":
      return none;
    case "list":
    case "tuple":
      return {
        kind: value.kind,
        elements: value.items.map((item, i) => dataflowValue(item, elementType(type, i)) ?? poison),
      };
    case "record":
      return {
        kind: "record",
        fields: new Map(
          [...value.fields].map(([name, field]) => [name, dataflowValue(field) ?? poison]),
        ),
      };
    case "range":
    case "course":
      return {
        kind: value.kind,
        from: dataflowValue(value.from) ?? poison,
        to: dataflowValue(value.to) ?? poison,
      };
    case "source":
      return { kind: "opaque", what: "a data set", content: value.name };
    case "unknown":
      return poison;
    case "dataset":
    case "function":
    case "text":
      return undefined;
  }
}

function isReal(type: Type | undefined): boolean {
  if (type?.kind === "type-optional") return isReal(type.of);
  return type?.kind === "type-name" && (type.name === "real" || type.name === "prob");
}

function elementType(type: Type | undefined, place: number): Type | undefined {
  if (type?.kind === "type-list") return type.element;
  return type?.kind === "type-tuple" ? type.elements[place] : undefined;
}
