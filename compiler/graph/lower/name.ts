// What a name means as a value: local values, constants of the language, sizes of axes, then the file's names.
import type { ConstantDeclaration, Expression, NameExpression } from "../../../grammar/syntax.ts";
import { unknownName } from "../../model/errors.ts";
import { findName, namesInReach, type Found } from "../../model/library.ts";
import { bindTuple } from "./binding.ts";
import type { Evaluator } from "./evaluator.ts";
import { intrinsics } from "./intrinsics/table.ts";
import type { Intrinsic } from "./intrinsic.ts";
import type { Scope } from "./scope.ts";
import { bool, none, poison, real, whole, type CallTarget, type Value } from "./value.ts";

export const constantNames = ["true", "false", "none", "training", "pi", "diagonal"] as const;

export function evaluateName(e: Evaluator, expression: NameExpression, scope: Scope): Value {
  const { name } = expression;
  const found = lookUp(e, name, scope);
  if (found !== undefined) return found;
  if (scope.broken) return poison;
  const names = [...scope.names(), ...scope.roles.names(), ...constantNames, ...allNames(e, scope)];
  return e.fail(unknownName(name, names, e.at(expression.span, scope)), scope);
}

/** What is to be applied: a setting such as `dropout = 0.1` does not hide the function of its name. */
export function evaluateCallee(e: Evaluator, expression: Expression, scope: Scope): Value {
  if (expression.kind !== "name") return e.evaluate(expression, scope);
  const local = scope.get(expression.name);
  if (local === undefined || appliable.includes(local.kind))
    return evaluateName(e, expression, scope);
  const beyond = lookUpInFile(e, expression.name, scope);
  return beyond?.kind === "callable" ? beyond : local;
}

const appliable: readonly Value["kind"][] = [
  "callable",
  "net",
  "poison",
  "absent",
  "opaque",
  "declaration",
];

/** Undefined where nothing has the name. */
export function lookUp(e: Evaluator, name: string, scope: Scope): Value | undefined {
  const local = scope.get(name) ?? constantOf(name, scope);
  if (local !== undefined) return local;
  const size = scope.boundSize(name);
  return size === undefined ? lookUpInFile(e, name, scope) : whole(size);
}

function lookUpInFile(e: Evaluator, name: string, scope: Scope): Value | undefined {
  const found = findName(e.library, scope.file, name);
  if (found !== undefined && !found.file.isStandard) return valueOfDeclaration(e, name, found);
  // A schedule of the standard library may bear the name of a function (`rsqrt`): dataflow means the function.
  const intrinsic = e.intrinsics.get(name) ?? intrinsics.get(name);
  if (intrinsic !== undefined) return callable(intrinsic);
  return found === undefined ? undefined : valueOfDeclaration(e, name, found);
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

function valueOfDeclaration(
  e: Evaluator,
  name: string,
  { declaration, file }: Found,
): Value | undefined {
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
  {
    declaration,
    file,
  }: { readonly declaration: ConstantDeclaration; readonly file: Found["file"] },
): Value | undefined {
  const scope = e.scope(file, { training: false });
  bindTuple(e, declaration.binding, e.evaluate(declaration.value, scope), scope);
  return scope.get(name);
}
