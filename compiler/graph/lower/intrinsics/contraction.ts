// Products of two tensors with named axes: `dot` sums `over`, pairs the axes that both have and crosses the rest.
// What compares instead of multiplying (`differ`, `squared_distance`) pairs and crosses in the same way.
import type { Node } from "../../graph.ts";
import { axisOf, hasRole, type Axis } from "../axis.ts";
import { broadcastTo } from "../elementwise.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { evaluateAxes } from "../settings.ts";
import { poison, tensor, type TensorValue, type Value } from "../value.ts";
import { intrinsic, make, placesOf, read, realTensorOf, stopWith, tensorOf } from "./arguments.ts";

export const contractions: readonly Intrinsic[] = [
  intrinsic("dot", "sum of products over axes; pairs shared axes, crosses the rest", ["a", "b", "over"], dot),
  intrinsic("squared_distance", "sum of squared differences over axes; pairs shared axes, crosses the rest", ["a", "b", "over"], squaredDistance),
  intrinsic("differ", "whether elements differ; pairs shared axes, crosses the rest", ["a", "b"], differ),
]; // prettier-ignore

/** Axes of both, in the order of a and then of b; shared ones must agree in size. */
export function crossed(call: IntrinsicCall, a: TensorValue, b: TensorValue): readonly Axis[] {
  for (const axis of a.axes) {
    const other = b.axes.find((each) => each.role !== undefined && each.role === axis.role);
    if (other === undefined || other.size === axis.size) continue;
    stopWith(
      call.evaluator.fail(
        errors.pairedAxes(call.name, axis, other, a, b, call.scope.roles, call.at),
        call.scope,
      ),
    );
  }
  if ([...a.axes, ...b.axes].some((axis) => axis.role === undefined)) {
    stopWith(
      call.evaluator.fail(
        errors.unnamedAxis(call.name, a, b, call.scope.roles, call.at),
        call.scope,
      ),
    );
  }
  return [...a.axes, ...b.axes.filter((axis) => !hasRole(a.axes, axis.role))];
}

function dot(call: IntrinsicCall): Value {
  const a = realTensorOf(call, "a");
  const b = realTensorOf(call, "b");
  const all = crossed(call, a, b);
  const over = rolesOver(call, a, b);
  const isOver = (axis: Axis) => axis.role !== undefined && over.includes(axis.role);
  const shared = a.axes.filter((axis) => hasRole(b.axes, axis.role) && !isOver(axis));
  const summed = a.axes.filter(isOver);
  const placesIn = (x: TensorValue, axes: readonly Axis[]) =>
    axes.map((axis) => axisOf(x.axes, axis.role!));
  const free = (x: TensorValue) =>
    x.axes.filter((axis) => !shared.some((each) => each.role === axis.role) && !isOver(axis));
  const given = [...shared, ...free(a), ...free(b)];
  const wanted = all.filter((axis) => !isOver(axis));
  const node = make(call, () => {
    const product = call.evaluator.builder.dot(a.node, b.node, {
      batch: [placesIn(a, shared), placesIn(b, shared)],
      contract: [placesIn(a, summed), placesIn(b, summed)],
    });
    return inOrder(call, product, given, wanted);
  });
  return tensor(node, wanted);
}

/** The roles that `over` names; both sides must have them. */
function rolesOver(call: IntrinsicCall, a: TensorValue, b: TensorValue): readonly object[] {
  const given = call.arguments.get("over")!;
  const value =
    given.expression === undefined
      ? read(call, given)
      : evaluateAxes(call.evaluator, given.expression, given.scope);
  if (value.kind === "poison") stopWith(poison);
  const places = placesOf(
    { ...call, arguments: new Map([["over", { ...given, expression: undefined, value }]]) },
    "over",
    a,
  );
  const roles = places.map((place) => a.axes[place]!.role!);
  for (const role of roles) {
    if (hasRole(b.axes, role)) continue;
    const name = call.scope.roles.nameOf(role);
    stopWith(
      call.evaluator.fail(errors.noSuchAxis(name, b, call.scope.roles, given.at), call.scope),
    );
  }
  return roles;
}

function inOrder(
  call: IntrinsicCall,
  node: Node,
  given: readonly Axis[],
  wanted: readonly Axis[],
): Node {
  return call.evaluator.builder.permute(
    node,
    wanted.map((axis) => axisOf(given, axis.role!)),
  );
}

function squaredDistance(call: IntrinsicCall): Value {
  const a = realTensorOf(call, "a");
  const b = realTensorOf(call, "b");
  const all = crossed(call, a, b);
  const over = rolesOver(call, a, b);
  const g = call.evaluator.builder;
  const node = make(call, () => {
    const gap = g.subtract(
      broadcastTo(call.evaluator, a, all),
      broadcastTo(call.evaluator, b, all),
    );
    const places = all.flatMap((axis, i) => (axis.role && over.includes(axis.role) ? [i] : []));
    return g.sum(g.multiply(gap, gap), places);
  });
  return tensor(
    node,
    all.filter((axis) => !(axis.role && over.includes(axis.role))),
  );
}

function differ(call: IntrinsicCall): Value {
  const a = tensorOf(call, "a");
  const b = tensorOf(call, "b");
  const all = crossed(call, a, b);
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const other = { ...b, node: g.cast(b.node, a.node.dtype) };
    return g.notEqual(broadcastTo(call.evaluator, a, all), broadcastTo(call.evaluator, other, all));
  });
  return tensor(node, all);
}
