// Values on their way through a signature: into a body as its inputs say, and out of it as its result says.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Field, Type } from "../../../grammar/syntax.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { matchInput, matchResult } from "./shape.ts";
import { poison, type Value } from "./value.ts";

/** A value against the declared type of an input. Undefined: reported. */
export function meetInput(
  e: Evaluator,
  callee: string,
  field: Field,
  value: Value,
  signature: Scope,
  use: { readonly scope: Scope; readonly at: FileSpan },
): Value | undefined {
  const type = field.type?.kind === "type-optional" ? field.type.of : field.type;
  if (type === undefined || type.kind !== "type-tensor") return value;
  if (value.kind === "diagonal") return value;
  const x = e.tensor(value, use.scope, use.at);
  if (x === undefined) return undefined;
  const element = type.element?.text;
  if (!fitsElement(element, x.node.dtype)) {
    e.fail(
      errors.elementType(
        callee,
        field.name.text,
        element!,
        describeValue(x, use.scope.roles),
        use.at,
      ),
      use.scope,
    );
    return undefined;
  }
  return matchInput(e, field.name.text, type.shape, x, signature, { ...use, callee });
}

function fitsElement(element: string | undefined, dtype: string): boolean {
  switch (element) {
    case "int":
      return dtype === "i32" || dtype === "u32";
    case "bool":
      return dtype === "bool";
    case "real":
      return dtype === "f32" || dtype === "f16" || dtype === "bf16";
    default:
      return true;
  }
}

/** What a body gives, as its signature says it, for the caller. */
export function leaveBody(
  e: Evaluator,
  value: Value,
  type: Type,
  callee: string,
  signature: Scope,
  caller: Scope,
): Value {
  if (value.kind === "poison" || value.kind === "absent") return value;
  switch (type.kind) {
    case "type-tensor": {
      if (value.kind === "diagonal") return value;
      if (value.kind !== "tensor" && value.kind !== "number" && value.kind !== "host") {
        const found = describeValue(value, signature.roles);
        return e.fail(errors.resultKind(callee, found, e.at(type.span, signature)), signature);
      }
      const x = e.tensor(value, signature, e.at(type.span, signature));
      if (x === undefined) return poison;
      const met = matchResult(e, type.shape, x, signature, caller, callee);
      return met ?? poison;
    }
    case "type-record":
      return leaveRecord(e, value, type, callee, signature, caller);
    case "type-tuple": {
      if (value.kind !== "tuple" || value.elements.length !== type.elements.length) {
        const found = describeValue(value, signature.roles);
        return e.fail(errors.resultKind(callee, found, e.at(type.span, signature)), signature);
      }
      const elements = value.elements.map((each, i) =>
        leaveBody(e, each, type.elements[i]!, callee, signature, caller),
      );
      return elements.some((each) => each.kind === "poison") ? poison : { kind: "tuple", elements };
    }
    case "type-optional":
      return value.kind === "none"
        ? value
        : leaveBody(e, value, type.of, callee, signature, caller);
    default:
      return value;
  }
}

function leaveRecord(
  e: Evaluator,
  value: Value,
  type: Extract<Type, { kind: "type-record" }>,
  callee: string,
  signature: Scope,
  caller: Scope,
): Value {
  const at = e.at(type.span, signature);
  if (value.kind !== "record") {
    return e.fail(errors.resultKind(callee, describeValue(value, signature.roles), at), signature);
  }
  const fields = new Map<string, Value>();
  for (const field of type.fields) {
    const found = value.fields.get(field.name.text);
    if (found === undefined) {
      return e.fail(
        errors.missingField(callee, field.name.text, [...value.fields.keys()], at),
        signature,
      );
    }
    fields.set(field.name.text, leaveBody(e, found, field.type, callee, signature, caller));
  }
  return { kind: "record", fields };
}
