// `grid.0`, `o.label`, `o.encoder`, `online.encoder`: elements of tuples, fields of records, parts of nets and of what
// nets gave.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { MemberExpression } from "../../../grammar/syntax.ts";
import { describeValue } from "./describe-value.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { partOf } from "./net.ts";
import { isUnder, joinPath } from "./path-frame.ts";
import type { Scope } from "./scope.ts";
import { elementsOf, poison, withParts, type PartsValue, type Value } from "./value.ts";

export function evaluateMember(e: Evaluator, expression: MemberExpression, scope: Scope): Value {
  const target = e.evaluate(expression.target, scope);
  const name = expression.member.text;
  const at = e.at(expression.member.span, scope);
  return memberOf(e, target, name, scope, at);
}

function memberOf(e: Evaluator, target: Value, name: string, scope: Scope, at: FileSpan): Value {
  switch (target.kind) {
    case "poison":
    case "absent":
      return target;
    case "tuple":
    case "list": {
      const element = /^\d+$/.test(name) ? elementsOf(target)![Number(name)] : undefined;
      return element ?? e.fail(errors.noElement(name, elementsOf(target)!.length, at), scope);
    }
    case "record": {
      const field = target.fields.get(name);
      if (field !== undefined) return field;
      if (target.parts !== undefined) return memberOf(e, target.parts, name, scope, at);
      return e.fail(errors.noMember(name, "this record", [...target.fields.keys()], at), scope);
    }
    case "tensor":
      if (target.parts !== undefined) return memberOf(e, target.parts, name, scope, at);
      return e.fail(errors.noMember(name, describeValue(target, scope.roles), [], at), scope);
    case "parts":
      return partResult(e, target, name, scope, at);
    case "net":
      return partOf(e, target, name, scope, at);
    case "opaque": {
      const member = target.member?.(name, at);
      return member ?? e.fail(errors.noMember(name, target.what, target.members ?? [], at), scope);
    }
    default:
      return e.fail(errors.noMember(name, describeValue(target, scope.roles), [], at), scope);
  }
}

/** What a part gave in an application. */
function partResult(
  e: Evaluator,
  parts: PartsValue,
  name: string,
  scope: Scope,
  at: FileSpan,
): Value {
  const path = joinPath(parts.path, name);
  const { outputs } = parts.application;
  const below: PartsValue = { ...parts, path };
  const value = outputs.get(path);
  if (value !== undefined) return value.kind === "poison" ? poison : withParts(value, below);
  if ([...outputs.keys()].some((each) => isUnder(each, path))) return below;
  return e.fail(errors.noMember(name, `the part \`${parts.path}\``, partNames(parts), at), scope);
}

function partNames(parts: PartsValue): string[] {
  const start = parts.path === "" ? 0 : parts.path.length + 1;
  const names = [...parts.application.outputs.keys()]
    .filter((path) => isUnder(path, parts.path) && path !== parts.path)
    .map((path) => path.slice(start).split(".")[0]!);
  return [...new Set(names)];
}
