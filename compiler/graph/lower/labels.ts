// Labels on the way to paths: what stands under a label has its path, and what comes out is what that part gave.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Identifier } from "../../../grammar/syntax.ts";
import { showTensor } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { PathFrame } from "./path-frame.ts";
import type { Scope } from "./scope.ts";
import { poison, type Value } from "./value.ts";

/** Under a label, labels go below it, and what comes out is recorded as what that part gave. */
export function within(
  e: Evaluator,
  scope: Scope,
  label: Identifier | undefined,
  run: (inner: Scope) => Value,
): Value {
  if (label === undefined) return run(scope);
  const at = e.at(label.span, scope);
  const path = takePath(e, scope, label.text, at);
  return path === undefined ? poison : underPath(e, scope, path, at, run);
}

/** The path of a label. Undefined: taken already (reported). */
export function takePath(
  e: Evaluator,
  scope: Scope,
  label: string,
  at: FileSpan,
): string | undefined {
  const taken = scope.place.frame.take(label, at);
  if (!("clash" in taken)) return taken.path;
  e.fail(errors.pathTwice(taken.path, taken.isUnlabelled, taken.clash, at), scope);
  return undefined;
}

export function underPath(
  e: Evaluator,
  scope: Scope,
  path: string,
  at: FileSpan,
  run: (inner: Scope) => Value,
): Value {
  const inner = scope.inner({ ...scope.place, frame: new PathFrame(path, "a block") });
  const origin = e.origin(inner, at);
  e.instances.enter(path, {
    path,
    block: "",
    settings: [],
    output: "",
    origin,
    callable: undefined,
  });
  const result = run(inner);
  if (result.kind === "tensor") e.instances.leave(path, showTensor(result, scope.roles));
  scope.place.application.outputs.set(path, result);
  return result;
}
