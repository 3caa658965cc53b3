// One name, or a tuple of names, bound to a value.
import type { Binding } from "../../../grammar/syntax.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import { elementsOf, poison, type Value } from "./value.ts";

/** False where the value has not as many elements as there are names (reported). */
export function bindTuple(e: Evaluator, binding: Binding, value: Value, scope: Scope): boolean {
  if (value.kind === "poison") scope.break();
  if (!binding.isTuple) {
    for (const name of binding.names) scope.define(name.text, value);
    return true;
  }
  const elements = elementsOf(value);
  if (elements?.length === binding.names.length) {
    binding.names.forEach((name, i) => scope.define(name.text, elements[i]!));
    return true;
  }
  for (const name of binding.names)
    scope.define(name.text, value.kind === "absent" ? value : poison);
  if (value.kind === "poison" || value.kind === "absent") return value.kind === "absent";
  const at = e.at(binding.span, scope);
  e.fail(errors.wrongCount(binding.names.length, value, scope.roles, at), scope);
  return false;
}
