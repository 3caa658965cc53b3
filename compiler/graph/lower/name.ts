// What a name means as a value: local values, constants of the language, sizes of axes, then the file's names.
import type { ConstantDeclaration, NameExpression } from "../../../grammar/syntax.ts";
import { unknownName } from "../../model/errors.ts";
import { findName, namesInReach, type Found } from "../../model/library.ts";
import { bindTuple } from "./binding.ts";
import type { Evaluator } from "./evaluator.ts";
import { intrinsics } from "./intrinsics/table.ts";
import type { Intrinsic } from "./intrinsic.ts";
import type { Scope } from "./scope.ts";
import { bool, none, real, whole, type CallTarget, type Value } from "./value.ts";

export const constantNames = ["true", "false", "none", "training", "pi", "diagonal"] as const;

export function evaluateName(e: Evaluator, expression: NameExpression, scope: Scope): Value {
  const { name } = expression;
  const found = lookUp(e, name, scope);
  if (found !== undefined) return found;
  const names = [...scope.names(), ...scope.roles.names(), ...constantNames, ...allNames(e, scope)];
  return e.fail(unknownName(name, names, e.at(expression.span, scope)), scope);
}

/** Undefined where nothing has the name. */
export function lookUp(e: Evaluator, name: string, scope: Scope): Value | undefined {
  const local = scope.get(name) ?? constantOf(name, scope);
  if (local !== undefined) return local;
  const size = scope.boundSize(name);
  if (size !== undefined) return whole(size);
  const found = findName(e.library, scope.file, name);
  const extra = e.intrinsics.get(name);
  if (extra !== undefined && (found === undefined || found.file.isStandard)) return callable(extra);
  if (found !== undefined) return valueOfDeclaration(e, name, found);
  const intrinsic = intrinsics.get(name);
  return intrinsic === undefined ? undefined : callable(intrinsic);
}

function allNames(e: Evaluator, scope: Scope): string[] {
  return [...namesInReach(e.library, scope.file), ...e.intrinsics.keys(), ...intrinsics.keys()];
}

function constantOf(name: string, scope: Scope): Value | undefined {
  switch (name) {
    case "true":
    case "false":
      return bool(name === "true");
    case "none":
      return none;
    case "training":
      return bool(scope.place.training);
    case "pi":
      return real(Math.PI);
    case "diagonal":
      return { kind: "diagonal" };
    default:
      return undefined;
  }
}

function callable(intrinsic: Intrinsic): Value {
  return named(intrinsic.name, { kind: "intrinsic", intrinsic });
}

function named(name: string, target: CallTarget): Value {
  return { kind: "callable", target, name, given: new Map(), overrides: [] };
}

function valueOfDeclaration(e: Evaluator, name: string, { declaration, file }: Found): Value | undefined {
  switch (declaration.kind) {
    case "block":
    case "model":
      return named(name, { kind: "block", declaration, file });
    case "function":
      return named(name, { kind: "function", declaration, file });
    case "optimizer":
    case "recipe":
      return { kind: "declaration", declaration, file };
    case "let":
      return constantOfFile(e, name, { declaration, file });
    case "sweep":
      return undefined;
  }
}

/** A `let` of a file, evaluated where it stands. */
function constantOfFile(
  e: Evaluator,
  name: string,
  { declaration, file }: { readonly declaration: ConstantDeclaration; readonly file: Found["file"] },
): Value | undefined {
  const scope = e.scope(file, { training: false });
  bindTuple(e, declaration.binding, e.evaluate(declaration.value, scope), scope);
  return scope.get(name);
}
