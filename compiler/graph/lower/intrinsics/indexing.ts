// Elements chosen by data: taking, scattering, ordering, matching.
import type { Node } from "../../graph.ts";
import { axisOf, hasRole, type Axis } from "../axis.ts";
import { describeValue } from "../describe-value.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { tensor, type TensorValue, type Value } from "../value.ts";
import { intrinsic, make, placeOf, realTensorOf, stopWith, tensorOf, valueOf, wholeOf } from "./arguments.ts"; // prettier-ignore

export const indexing: readonly Intrinsic[] = [
  intrinsic("take", "one entry along an axis, or entries by an int tensor, whose axes take the axis's place", ["x", "over", "index"], take),
  intrinsic("scatter", "adds entries to the places of an axis of zeros that an int tensor names", ["x", "index", "into"], scatter),
  intrinsic("kth_smallest", "the n-th smallest along an axis", ["x", "n", "over"], kthSmallest),
  intrinsic("matching", "for each entry of one axis another entry of a second, such that the costs add up to the least (on the host)", ["cost", "of", "among"], matching),
  intrinsic("top", "places of the n largest along an axis, largest first", ["x", "n", "over"], top),
]; // prettier-ignore

function take(call: IntrinsicCall): Value {
  const x = tensorOf(call, "x");
  const place = placeOf(call, "over", x);
  const index = valueOf(call, "index");
  const axis = x.axes[place]!;
  if (index.kind === "number") {
    const at = index.value < 0 ? axis.size + index.value : index.value;
    if (!Number.isInteger(at) || at < 0 || at >= axis.size) {
      return call.evaluator.fail(
        errors.takeOutside(index.value, axis, call.scope.roles, call.at),
        call.scope,
      );
    }
    const kept = x.axes.filter((_, i) => i !== place);
    const node = make(call, () => {
      const g = call.evaluator.builder;
      const one = g.sliceAxis(x.node, place, at, 1);
      return g.reshape(
        one,
        kept.map((each) => each.size),
      );
    });
    return tensor(node, kept);
  }
  if (index.kind === "tensor") return gather(call, x, place, index);
  const found = describeValue(index, call.scope.roles);
  return call.evaluator.fail(
    errors.argumentType("take", "index", "a number or an int tensor", found, call.at),
    call.scope,
  );
}

/** Axes that x and the index share are paired; the index's others take the place of the axis. */
export function gather(
  call: IntrinsicCall,
  x: TensorValue,
  place: number,
  index: TensorValue,
): TensorValue {
  const along = x.axes[place]!;
  const shared = index.axes.filter(
    (axis) => axis.role !== along.role && hasRole(x.axes, axis.role),
  );
  for (const axis of shared) {
    const own = x.axes.find((each) => each.role === axis.role)!;
    if (own.size === axis.size) continue;
    stopWith(
      call.evaluator.fail(
        errors.pairedAxes(call.name, own, axis, x, index, call.scope.roles, call.at),
        call.scope,
      ),
    );
  }
  const isShared = (axis: Axis) => shared.some((each) => each.role === axis.role);
  const added = index.axes.filter((axis) => !isShared(axis));
  const before = x.axes.slice(0, place).filter((axis) => !isShared(axis));
  const after = x.axes.slice(place + 1).filter((axis) => !isShared(axis));
  const given = [...shared, ...before, ...added, ...after];
  const wanted = [...x.axes.slice(0, place), ...added, ...x.axes.slice(place + 1)];
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const ordered = [...shared, ...before, along, ...after];
    const moved = g.permute(
      x.node,
      ordered.map((axis) => x.axes.findIndex((each) => same(each, axis))),
    );
    const places = [...shared, ...added].map((axis) =>
      index.axes.findIndex((each) => same(each, axis)),
    );
    const indices = g.permute(g.cast(index.node, "i32"), places);
    const taken = g.gather(moved, indices, {
      axis: shared.length + before.length,
      batch: shared.length,
    });
    return inOrder(call, taken, given, wanted);
  });
  return tensor(node, wanted);
}

function same(a: Axis, b: Axis): boolean {
  return a === b || (a.role !== undefined && a.role === b.role);
}

function inOrder(
  call: IntrinsicCall,
  node: Node,
  given: readonly Axis[],
  wanted: readonly Axis[],
): Node {
  return call.evaluator.builder.permute(
    node,
    wanted.map((axis) => given.findIndex((each) => same(each, axis))),
  );
}

/** `scatter(x, kept, into = batch)`: the axis has the size that its name has as a number here. */
function scatter(call: IntrinsicCall): Value {
  const x = realTensorOf(call, "x");
  const index = tensorOf(call, "index");
  const place = placeOf(call, "into", x);
  const axis = x.axes[place]!;
  const name = call.scope.roles.nameOf(axis.role!);
  const size = call.scope.sizeOf(name);
  if (size === undefined) {
    return call.evaluator.fail(
      errors.sizeUnknown(name, call.arguments.get("into")!.at),
      call.scope,
    );
  }
  if (
    index.axes.length !== 1 ||
    axisOf(index.axes, axis.role!) !== 0 ||
    index.axes[0]!.size !== axis.size
  ) {
    return call.evaluator.fail(
      errors.scatterIndex(name, index, call.scope.roles, call.at),
      call.scope,
    );
  }
  const order = [place, ...x.axes.flatMap((_, i) => (i === place ? [] : [i]))];
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const moved = g.permute(x.node, order);
    const sum = g.scatterAdd(moved, g.cast(index.node, "i32"), { batch: 0, size });
    return g.permute(
      sum,
      order.map((_, i) => order.indexOf(i)),
    );
  });
  const origin = { by: "`scatter`", at: call.at };
  return tensor(
    node,
    x.axes.map((each, i) => (i === place ? { ...each, size, origin } : each)),
  );
}

/** `matching(cost, of = objects, among = tokens)`: int[.., objects], the place in `among` of each; no two the same. */
function matching(call: IntrinsicCall): Value {
  const cost = realTensorOf(call, "cost");
  const [of, among] = [placeOf(call, "of", cost), placeOf(call, "among", cost)];
  const rest = cost.axes.flatMap((_, i) => (i === of || i === among ? [] : [i]));
  const node = make(call, () => {
    const g = call.evaluator.builder;
    return g.add("assign", [g.permute(cost.node, [...rest, of, among])]);
  });
  return tensor(
    node,
    [...rest, of].map((i) => cost.axes[i]!),
  );
}

function countOf(call: IntrinsicCall, axis: Axis): number {
  const n = wholeOf(call, "n");
  if (n >= 1 && n <= axis.size) return n;
  return stopWith(
    call.evaluator.fail(errors.takeOutside(n, axis, call.scope.roles, call.at), call.scope),
  );
}

function top(call: IntrinsicCall): Value {
  const x = realTensorOf(call, "x");
  const place = placeOf(call, "over", x);
  const n = countOf(call, x.axes[place]!);
  const node = make(call, () => call.evaluator.builder.topK(x.node, place, n));
  const origin = { by: "`top`", at: call.at };
  return tensor(
    node,
    x.axes.map((axis, i) => (i === place ? { ...axis, size: n, origin } : axis)),
  );
}

function kthSmallest(call: IntrinsicCall): Value {
  const x = realTensorOf(call, "x");
  const place = placeOf(call, "over", x);
  const n = countOf(call, x.axes[place]!);
  const kept = x.axes.filter((_, i) => i !== place);
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const order = g.argsort(x.node, place);
    const one = g.sliceAxis(order, place, n - 1, 1);
    return g.reshape(
      one,
      kept.map((axis) => axis.size),
    );
  });
  return gather(call, x, place, tensor(node, kept));
}
