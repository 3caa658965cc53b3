// Tensors made from settings, and what asks or changes the kind of a value: casts, choice by data, sizes.
import type { DType, Node } from "../../graph.ts";
import { sizesOf, type Axis } from "../axis.ts";
import { elementwise } from "../elementwise.ts";
import * as errors from "../errors.ts";
import { isTruth } from "../host-value.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { labelOf } from "../operator.ts";
import { bool, real, tensor, whole, type Value } from "../value.ts";
import { intrinsic, make, numberOf, placeOf, shapeOf, tensorOf, valueOf } from "./arguments.ts"; // prettier-ignore

export const makers: readonly Intrinsic[] = [
  intrinsic("indices", "0, 1, … along a new axis", ["shape"], (call) => counted(call, 1, (_, [i]) => i!)),
  intrinsic("offsets", "i - j for each pair of two new axes", ["shape"], (call) => counted(call, 2, (g, [i, j]) => g.subtract(i!, j!))),
  intrinsic("distances", "row of a table of relative positions for each pair of two new axes; the shorter one is stretched", ["shape"], distances),
  intrinsic("one_hot", "1 at the place that an int tensor names along a new axis, else 0", ["x", "shape", "smoothing?"], oneHot),
  intrinsic("zeros", "a tensor of zeros", ["shape"], (call) => full(call, 0)),
  intrinsic("ones", "a tensor of ones", ["shape"], (call) => full(call, 1)),
  intrinsic("sincos", "fixed positions of a grid: [rows, cols, width] of sines and cosines (MAE)", ["shape"], sincos),
]; // prettier-ignore

export const conversions: readonly Intrinsic[] = [
  intrinsic("int", "as whole numbers, fractions cut off", ["x"], (call) => converted(call, "i32")),
  intrinsic("float", "as reals; true is 1", ["x"], (call) => converted(call, "f32")),
  intrinsic("stop", "the same value, through which no gradient flows", ["x"], (call) => {
    const x = tensorOf(call, "x");
    return { ...x, node: make(call, () => call.evaluator.builder.stop(x.node)) };
  }),
  intrinsic("where", "one or the other, element by element", ["condition", "then", "else"], where),
  intrinsic("add", "x + y, as a stage", ["x", "y"], (call) =>
    elementwise(
      call.evaluator,
      "add",
      [valueOf(call, "x"), valueOf(call, "y")],
      call.scope,
      call.at,
      "add",
      [
        labelOf(call.arguments.get("x")?.expression, "the pipe carries"),
        labelOf(call.arguments.get("y")?.expression, "the other has"),
      ],
    ),
  ),
  intrinsic(
    "size",
    "how long an axis is; without one, how many elements there are",
    ["x", "over?"],
    size,
  ),
  intrinsic("same", "what comes in", ["x"], (call) => valueOf(call, "x")),
  intrinsic("is_int", "whether a tensor holds whole numbers", ["x"], (call) => {
    const { dtype } = tensorOf(call, "x").node;
    return bool(dtype === "i32" || dtype === "u32");
  }),
  intrinsic("last_axis", "the last axis of a tensor", ["x"], lastAxis),
  intrinsic(
    "targets",
    "the targets of a loss over an axis: `diagonal` is each row's own place",
    ["target", "logits", "over"],
    targets,
  ),
];

type Graph = IntrinsicCall["evaluator"]["builder"];

function counted(
  call: IntrinsicCall,
  count: number,
  combine: (g: Graph, places: readonly Node[]) => Node,
): Value {
  const axes = shapeOf(call, "shape", count);
  const g = call.evaluator.builder;
  const shape = sizesOf(axes);
  return tensor(
    make(call, () =>
      combine(
        g,
        axes.map((_, i) => g.iota(shape, i)),
      ),
    ),
    axes,
  );
}

/** Improved MViT: positions of the shorter side are spread over the longer one, rounded down, and the least distance is 0. */
function distances(call: IntrinsicCall): Value {
  return counted(call, 2, (g, [i, j]) => {
    const [n, m] = i!.shape as [number, number];
    const longer = Math.max(n, m);
    const spread = (place: Node, side: number) =>
      longer % side === 0
        ? g.multiply(place, longer / side)
        : g.divide(g.multiply(place, longer), side);
    return g.plus(spread(i!, n), spread(g.subtract(m - 1, j!), m));
  });
}

function oneHot(call: IntrinsicCall): Value {
  const x = tensorOf(call, "x");
  const [axis] = shapeOf(call, "shape", 1);
  const smoothing = numberOf(call, "smoothing", 0);
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const hot = g.oneHot(g.cast(x.node, "i32"), axis!.size);
    return smoothing === 0 ? hot : g.plus(g.multiply(hot, 1 - smoothing), smoothing / axis!.size);
  });
  return tensor(node, [...x.axes, axis!]);
}

function full(call: IntrinsicCall, value: number): Value {
  const axes = shapeOf(call, "shape");
  return tensor(
    make(call, () => call.evaluator.builder.constant(value, { shape: sizesOf(axes) })),
    axes,
  );
}

function sincos(call: IntrinsicCall): Value {
  const axes = shapeOf(call, "shape", 3);
  const [rows, cols, width] = sizesOf(axes) as [number, number, number];
  const settings = { rows, cols, width };
  if (width % 4 !== 0) return call.evaluator.fail(errors.sincosWidth(width, call.at), call.scope);
  const node = make(call, () => {
    const g = call.evaluator.builder;
    return g.reshape(g.table("sincos_2d", settings, [rows * cols, width]), [rows, cols, width]);
  });
  return tensor(node, axes);
}

function converted(call: IntrinsicCall, dtype: DType): Value {
  const value = valueOf(call, "x");
  if (value.kind === "number")
    return dtype === "i32" ? whole(Math.trunc(value.value)) : real(value.value);
  if (value.kind === "bool")
    return dtype === "i32" ? whole(Number(value.value)) : real(Number(value.value));
  const x = tensorOf(call, "x");
  return tensor(
    make(call, () => call.evaluator.builder.cast(x.node, dtype)),
    x.axes,
  );
}

function where(call: IntrinsicCall): Value {
  const condition = valueOf(call, "condition");
  const values = [condition, valueOf(call, "then"), valueOf(call, "else")];
  if (condition.kind === "bool") return values[condition.value ? 1 : 2]!;
  const isOfStep = condition.kind === "host" && isTruth(condition.expression);
  if (condition.kind !== "tensor" && !isOfStep) {
    const at = call.arguments.get("condition")!.at;
    return call.evaluator.fail(errors.whereCondition(at), call.scope);
  }
  return elementwise(call.evaluator, "select", values, call.scope, call.at, "where");
}

function size(call: IntrinsicCall): Value {
  const x = tensorOf(call, "x");
  if (call.arguments.has("over")) return whole(x.axes[placeOf(call, "over", x)]!.size);
  return whole(x.axes.reduce((product, axis) => product * axis.size, 1));
}

function lastAxis(call: IntrinsicCall): Value {
  const role = tensorOf(call, "x").axes.at(-1)?.role;
  if (role !== undefined) return { kind: "axis", role };
  return call.evaluator.fail(errors.noLastAxis(call.at), call.scope);
}

/** `diagonal` counts along the one axis that the logits have beside `over`. */
function targets(call: IntrinsicCall): Value {
  const target = valueOf(call, "target");
  if (target.kind !== "diagonal") return target;
  const logits = tensorOf(call, "logits");
  const over = placeOf(call, "over", logits);
  const others: Axis[] = logits.axes.filter((_, i) => i !== over);
  const [rows] = others;
  if (others.length !== 1 || rows === undefined || rows.size !== logits.axes[over]!.size) {
    return call.evaluator.fail(errors.notSquare(logits, call.scope.roles, call.at), call.scope);
  }
  return tensor(
    make(call, () => call.evaluator.builder.iota([rows.size], 0)),
    [rows],
  );
}
