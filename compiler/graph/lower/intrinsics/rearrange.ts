// What moves elements without computing: joining, padding, rolling, reversing, resizing.
import type { Node } from "../../graph.ts";
import { hasRole, type Axis } from "../axis.ts";
import { broadcastTo } from "../elementwise.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { elementsOf, tensor, type TensorValue, type Value } from "../value.ts";
import { boolOf, countsOf, intrinsic, make, numberOf, placeOf, placesOf, realTensorOf, shapeOf, stopWith, tensorOf, valueOf, wordOf } from "./arguments.ts"; // prettier-ignore

export const rearrangements: readonly Intrinsic[] = [
  intrinsic("prepend", "puts an item (or several) before the first along an axis", ["x", "item", "over"], (call) => attach(call, true)),
  intrinsic("append", "puts an item (or several) after the last along an axis", ["x", "item", "over"], (call) => attach(call, false)),
  intrinsic("concat", "joins tensors along an axis", ["parts", "over"], concat),
  intrinsic("pad", "grows axes at both ends (or `before`, `after`) with 0, or with what is inside (reflect, edge)", ["x", "over", "by?", "before?", "after?", "mode?", "value?"], pad),
  intrinsic("roll", "moves elements along axes; what leaves at one end enters at the other", ["x", "over", "by"], roll),
  intrinsic("reverse", "turns axes around", ["x", "over"], reverse),
  intrinsic("resize", "interpolates along axes (half-pixel centres)", ["x", "over", "size", "mode?", "antialias?"], resize),
  intrinsic("resize_matrix", "the matrix that resizes a line: [new, old]", ["shape", "mode?", "antialias?"], resizeMatrix),
  intrinsic("pseudo_inverse", "of a resize matrix, transposed: patches of the new size give what the old ones gave", ["matrix"], pseudoInverse),
]; // prettier-ignore

// ---------------------------------------------------------------------------------------------- joining

function attach(call: IntrinsicCall, isBefore: boolean): Value {
  const x = tensorOf(call, "x");
  const item = tensorOf(call, "item");
  const place = placeOf(call, "over", x);
  const axis = x.axes[place]!;
  const strange = item.axes.find((each) => each.role === undefined || !hasRole(x.axes, each.role));
  if (strange !== undefined) {
    return call.evaluator.fail(
      errors.joinAxes(call.name, item, x, call.scope.roles, call.at),
      call.scope,
    );
  }
  const own = item.axes.find((each) => each.role === axis.role);
  const count = own?.size ?? 1;
  checkOthers(call, item, x, axis);
  const target = x.axes.map((each, i): Axis => (i === place ? { ...each, size: count } : each));
  const widened = own === undefined ? target.filter((_, i) => i !== place) : target;
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const typed = { ...item, node: g.cast(item.node, x.node.dtype) };
    const spread = g.reshape(
      broadcastTo(call.evaluator, typed, widened),
      target.map((each) => each.size),
    );
    return g.concat(isBefore ? [spread, x.node] : [x.node, spread], place);
  });
  return tensor(node, grown(call, x, place, axis.size + count, count));
}

function grown(
  call: IntrinsicCall,
  x: TensorValue,
  place: number,
  size: number,
  by: number,
): Axis[] {
  return x.axes.map((axis, i) => {
    if (i !== place) return axis;
    const before = axis.origin?.derivation ?? String(axis.size);
    return {
      ...axis,
      size,
      origin: { by: `\`${call.name}\``, at: call.at, derivation: `${before} + ${by}` },
    };
  });
}

/** Every axis but the one of joining must agree. */
function checkOthers(call: IntrinsicCall, item: TensorValue, x: TensorValue, along: Axis): void {
  for (const axis of item.axes) {
    const other = x.axes.find((each) => each.role === axis.role)!;
    if (axis.role === along.role || axis.size === other.size) continue;
    stopWith(
      call.evaluator.fail(
        errors.pairedAxes(call.name, other, axis, x, item, call.scope.roles, call.at),
        call.scope,
      ),
    );
  }
}

function concat(call: IntrinsicCall): Value {
  const given = valueOf(call, "parts");
  const parts = (elementsOf(given) ?? [given]).map((each) =>
    each.kind === "tensor"
      ? each
      : stopWith(call.evaluator.fail(errors.concatParts(call.at), call.scope)),
  );
  const [first, ...others] = parts;
  if (first === undefined) return call.evaluator.fail(errors.concatParts(call.at), call.scope);
  const place = placeOf(call, "over", first);
  const along = first.axes[place]!;
  for (const part of others) {
    const isAlike =
      part.axes.length === first.axes.length &&
      part.axes.every((axis) => hasRole(first.axes, axis.role));
    if (!isAlike) {
      return call.evaluator.fail(
        errors.joinAxes(call.name, part, first, call.scope.roles, call.at),
        call.scope,
      );
    }
    checkOthers(call, part, first, along);
  }
  const sizes = parts.map((part) => part.axes.find((axis) => axis.role === along.role)!.size);
  const node = make(call, () => {
    const nodes = parts.map((part, i) => {
      const target = first.axes.map((axis, j): Axis =>
        j === place ? { ...axis, size: sizes[i]! } : axis,
      );
      return broadcastTo(call.evaluator, part, target);
    });
    return call.evaluator.builder.concat(nodes, place);
  });
  const size = sizes.reduce((sum, each) => sum + each, 0);
  const origin = { by: "`concat`", at: call.at, derivation: sizes.join(" + ") };
  return tensor(
    node,
    first.axes.map((axis, i) => (i === place ? { ...axis, size, origin } : axis)),
  );
}

// ---------------------------------------------------------------------------------------------- moving

function pad(call: IntrinsicCall): Value {
  const x = tensorOf(call, "x");
  const places = placesOf(call, "over", x);
  const both = countsOf(
    call,
    "by",
    places.length,
    places.map(() => 0),
  );
  const isOneSided = call.arguments.has("before") || call.arguments.has("after");
  const rest = isOneSided ? places.map(() => 0) : both;
  const before = countsOf(call, "before", places.length, rest);
  const after = countsOf(call, "after", places.length, rest);
  const mode = wordOf(call, "mode", ["zero", "reflect", "edge"], "zero");
  const value = numberOf(call, "value", 0);
  const node = make(call, () =>
    mode === "zero"
      ? padWith(call, x, places, before, after, value)
      : places.reduce(
          (node, place, i) => mirror(call, node, place, before[i]!, after[i]!, mode),
          x.node,
        ),
  );
  const axes = places.reduce<readonly Axis[]>((current, place, i) => {
    const by = before[i]! + after[i]!;
    return grown(call, { ...x, axes: current }, place, current[place]!.size + by, by);
  }, x.axes);
  return tensor(node, axes);
}

function padWith(
  call: IntrinsicCall,
  x: TensorValue,
  places: readonly number[],
  before: readonly number[],
  after: readonly number[],
  value: number,
): Node {
  const of = (counts: readonly number[]) => x.axes.map((_, i) => counts[places.indexOf(i)] ?? 0);
  return call.evaluator.builder.pad(x.node, of(before), of(after), value);
}

/** Reflection leaves the border's own element out; `edge` repeats it. */
function mirror(
  call: IntrinsicCall,
  node: Node,
  place: number,
  before: number,
  after: number,
  mode: string,
): Node {
  const g = call.evaluator.builder;
  const size = node.shape[place]!;
  const piece = (start: number, count: number) =>
    g.flip(g.sliceAxis(node, place, start, count), [place]);
  const edge = (start: number) => g.sliceAxis(node, place, start, 1);
  const parts: Node[] = [];
  if (mode === "reflect") {
    if (Math.max(before, after) >= size) {
      stopWith(
        call.evaluator.fail(
          errors.reflectTooFar(Math.max(before, after), size, call.at),
          call.scope,
        ),
      );
    }
    if (before > 0) parts.push(piece(1, before));
    parts.push(node);
    if (after > 0) parts.push(piece(size - 1 - after, after));
  } else {
    for (let i = 0; i < before; i++) parts.push(edge(0));
    parts.push(node);
    for (let i = 0; i < after; i++) parts.push(edge(size - 1));
  }
  return g.concat(parts, place);
}

function roll(call: IntrinsicCall): Value {
  const x = tensorOf(call, "x");
  const places = placesOf(call, "over", x);
  const by = countsOf(call, "by", places.length, []);
  const shifts = by.map((each, i) => mod(each, x.axes[places[i]!]!.size));
  if (shifts.every((shift) => shift === 0)) return x;
  return tensor(
    make(call, () => call.evaluator.builder.roll(x.node, places, shifts)),
    x.axes,
  );
}

function mod(value: number, size: number): number {
  return ((value % size) + size) % size;
}

function reverse(call: IntrinsicCall): Value {
  const x = tensorOf(call, "x");
  const places = placesOf(call, "over", x);
  return tensor(
    make(call, () => call.evaluator.builder.flip(x.node, places)),
    x.axes,
  );
}

// ---------------------------------------------------------------------------------------------- resizing

const modes = ["linear", "cubic", "bilinear", "bicubic"];

function interpolation(call: IntrinsicCall): {
  readonly mode: string;
  readonly antialias: boolean;
} {
  const word = wordOf(call, "mode", modes, "linear");
  return { mode: word.replace("bi", ""), antialias: boolOf(call, "antialias", false) };
}

function resize(call: IntrinsicCall): Value {
  const x = realTensorOf(call, "x");
  const places = placesOf(call, "over", x);
  const sizes = countsOf(call, "size", places.length, []);
  const settings = interpolation(call);
  const node = make(call, () =>
    places.reduce((node, place, i) => along(call, node, place, sizes[i]!, settings), x.node),
  );
  return tensor(
    node,
    x.axes.map((axis, i) =>
      places.includes(i)
        ? { ...axis, size: sizes[places.indexOf(i)]!, origin: { by: "`resize`", at: call.at } }
        : axis,
    ),
  );
}

function along(
  call: IntrinsicCall,
  node: Node,
  place: number,
  size: number,
  settings: { readonly mode: string; readonly antialias: boolean },
): Node {
  const g = call.evaluator.builder;
  const from = node.shape[place]!;
  if (from === size) return node;
  const table = g.table("resize_matrix", { from: [from], to: [size], ...settings }, [size, from]);
  const product = g.dot(node, table, { contract: [[place], [1]] });
  const order = node.shape.map((_, i) =>
    i === place ? node.shape.length - 1 : i < place ? i : i - 1,
  );
  return g.permute(product, order);
}

function resizeMatrix(call: IntrinsicCall): Value {
  const [old, fresh] = shapeOf(call, "shape", 2);
  const settings = { from: [old!.size], to: [fresh!.size], ...interpolation(call) };
  const shape = [fresh!.size, old!.size];
  return tensor(
    make(call, () => call.evaluator.builder.table("resize_matrix", settings, shape)),
    [fresh!, old!],
  );
}

function pseudoInverse(call: IntrinsicCall): Value {
  const x = tensorOf(call, "matrix");
  const { node } = x;
  const settings = node.attributes["settings"];
  if (
    node.op !== "table" ||
    node.attributes["generator"] !== "resize_matrix" ||
    !isSettings(settings)
  ) {
    return call.evaluator.fail(errors.notAResizeMatrix(call.at), call.scope);
  }
  return tensor(
    make(call, () => call.evaluator.builder.table("pseudo_inverse_resize", settings, node.shape)),
    x.axes,
  );
}

function isSettings(value: unknown): value is Readonly<Record<string, never>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
