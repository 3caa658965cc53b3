// Inputs given by name to a part in braces, `model(image, mask = hidden)` -> the operation with them handed to its first
// stage: `{ encoder: MaskedViT("B/16") |> … }` becomes `{ encoder: MaskedViT("B/16")(mask = …) |> … }`.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type {
  Argument,
  CallExpression,
  Expression,
  Stage,
  StageOperation,
} from "../../../grammar/syntax.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Scope } from "./scope.ts";
import type { Value } from "./value.ts";

export type NamedInputs = ReadonlyMap<string, { readonly value: Value; readonly at: FileSpan }>;

/** Undefined where the first stage applies nothing that could take inputs. `scope` is given the values, under names that no text has. */
export function withNamedInputs(
  e: Evaluator,
  operation: Expression,
  named: NamedInputs,
  scope: Scope,
): Expression | undefined {
  if (operation.kind === "pipe") {
    const first = withInputs(e, operation.head.operation, named, scope);
    const head: Stage | undefined = first && { ...operation.head, operation: first };
    return head && { ...operation, head };
  }
  return withInputs(e, operation, named, scope);
}

function withInputs(
  e: Evaluator,
  operation: StageOperation,
  named: NamedInputs,
  scope: Scope,
): CallExpression | undefined {
  if (operation.kind !== "call" && operation.kind !== "name") return undefined;
  const { span } = operation;
  const given = [...named].map(([name, { value }]): Argument => {
    const hidden = `${name} given by name`;
    scope.define(hidden, value);
    return {
      kind: "argument",
      name: { text: name, span },
      value: { kind: "name", name: hidden, span },
      span,
    };
  });
  const isNet = operation.kind === "name" && e.evaluate(operation, scope).kind === "net";
  const settled: Expression =
    operation.kind === "call" || isNet
      ? operation
      : { kind: "call", callee: operation, arguments: [], span };
  return { kind: "call", callee: settled, arguments: given, span };
}
