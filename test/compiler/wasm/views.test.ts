// Chains of views drawn at random (reshape, permute, flip, slice, roll, pad, broadcast), read by every template:
// whatever index comes out, vector or lane by lane, the values are the reference's.
import { describe, test } from "vitest";
import type { Axis, ContractionKernel, Expression } from "../../../compiler/kernels/kernel.ts";
import {
  add, axisIndices, constantIndex, delinearize, linearIndex, modulo, multiply,
} from "../../../compiler/ops/index-arithmetic.ts"; // prettier-ignore
import type { Condition, Index } from "../../../compiler/ops/index-expression.ts";
import { apply, base, check, load, loopKernel, noise, number, reduced } from "./kernel-notation.ts";

/** Draws in order, the same for each seed. */
class Draws {
  private readonly numbers: number[];
  private at = 0;
  constructor(seed: number) {
    this.numbers = noise(400, seed);
  }
  below(count: number): number {
    return Math.floor(((this.numbers[this.at++]! + 1) / 2) * count);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** What is read for an output position: indices into an array of `shape`, under conditions. */
interface Read {
  readonly indices: readonly Index[];
  readonly shape: readonly number[];
  readonly conditions: readonly Condition[];
}

const product = (shape: readonly number[]): number =>
  shape.reduce((all, extent) => all * extent, 1);

function reshaped(draws: Draws, shape: readonly number[]): number[] {
  let rest = product(shape);
  const result: number[] = [];
  for (let axis = 0; axis < 2; axis++) {
    const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((i) => rest % i === 0);
    const extent = draws.pick(divisors);
    result.push(extent);
    rest /= extent;
  }
  return [...result, rest];
}

function view(draws: Draws, { indices, shape, conditions }: Read): Read {
  const axis = draws.below(shape.length);
  const extent = shape[axis]!;
  const change = (index: Index, size = extent, more: Condition[] = []): Read => ({
    indices: indices.with(axis, index),
    shape: shape.with(axis, size),
    conditions: [...conditions, ...more],
  });
  const own = indices[axis]!;
  switch (draws.below(7)) {
    case 0: {
      const next = reshaped(draws, shape);
      return { indices: delinearize(linearIndex(indices, shape), next), shape: next, conditions };
    }
    case 1: {
      const order = shape.map((_, at) => (at + 1 + axis) % shape.length);
      return {
        indices: order.map((at) => indices[at]!),
        shape: order.map((at) => shape[at]!),
        conditions,
      };
    }
    case 2:
      return change(add(constantIndex(extent - 1), multiply(own, -1)));
    case 3:
      return change(add(own, constantIndex(draws.below(4))), extent + 4);
    case 4:
      return change(modulo(add(own, constantIndex(draws.below(extent))), extent));
    case 5: {
      const before = draws.below(3);
      if (extent <= before + 1) return change(own);
      const index = add(own, constantIndex(-before));
      return change(index, extent - before - 1, [{ index, low: 0, high: extent - before - 1 }]);
    }
    default:
      return change(constantIndex(0), 1 + draws.below(3));
  }
}

/** A load of `buffer` through up to four views of an array with these axes; and the elements it needs. */
function drawRead(
  draws: Draws,
  buffer: number,
  axes: readonly Axis[],
): { value: Expression; length: number } {
  const shape = axes.map((axis) => axis.extent);
  let read: Read = { indices: axisIndices(shape), shape, conditions: [] };
  for (let count = draws.below(5); count > 0; count--) read = view(draws, read);
  const value = load(buffer, linearIndex(read.indices, read.shape));
  const guarded: Expression = {
    kind: "guard",
    conditions: read.conditions,
    value,
    otherwise: number(0.25),
    dtype: "f32",
  };
  return { value: read.conditions.length === 0 ? value : guarded, length: product(read.shape) };
}

function drawAxes(draws: Draws): Axis[] {
  return [0, 1, 2].map((id) => ({ id, extent: draws.pick([1, 2, 3, 4, 5, 6, 8, 12, 16, 17]) }));
}

const over = (axes: readonly Axis[]): Index =>
  linearIndex(axes.map((axis) => (axis.extent === 1 ? constantIndex(0) : { kind: "axis", axis: axis.id, extent: axis.extent })), axes.map((axis) => axis.extent)); // prettier-ignore
const zeros = (axes: readonly Axis[]): number[] => Array.from({ length: product(axes.map((axis) => axis.extent)) }, () => 0); // prettier-ignore

const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1);

describe("views drawn at random", () => {
  test.each(seeds)("elementwise, seed %i", async (seed) => {
    const draws = new Draws(seed);
    const axes = drawAxes(draws);
    const [a, b] = [drawRead(draws, 0, axes), drawRead(draws, 1, axes)];
    const value = apply("add", [a.value, b.value]);
    await check({
      buffers: [
        { values: noise(a.length, 2) },
        { values: noise(b.length, 3) },
        { values: zeros(axes) },
      ],
      kernels: [
        loopKernel(
          axes,
          [],
          [{ kind: "store", over: "grid", store: { buffer: 2, index: over(axes), value } }],
        ),
      ],
    });
  });

  test.each(seeds)("a reduction and a store over the row, seed %i", async (seed) => {
    const draws = new Draws(seed + 100);
    const axes = drawAxes(draws);
    const row = axes.filter(() => draws.below(2) === 0);
    const grid = axes.filter((axis) => !row.includes(axis));
    const [a, b] = [drawRead(draws, 0, axes), drawRead(draws, 1, axes)];
    const value = apply("multiply", [a.value, b.value]);
    const difference = apply("subtract", [a.value, reduced(0)]);
    await check(
      {
        buffers: [
          { values: noise(a.length, 2) },
          { values: noise(b.length, 3) },
          { values: zeros(grid) },
          { values: zeros(axes) },
        ],
        kernels: [
          loopKernel(grid, row, [
            {
              kind: "reduce",
              reducer: draws.pick(["sum", "max", "min"] as const),
              value,
              dtype: "f32",
            },
            {
              kind: "store",
              over: "grid",
              store: { buffer: 2, index: over(grid), value: reduced(0) },
            },
            {
              kind: "store",
              over: "row",
              store: { buffer: 3, index: over(axes), value: difference },
            },
          ]),
        ],
      },
      1e-5,
    );
  });

  test.each(seeds)("both sides of a product, seed %i", async (seed) => {
    const draws = new Draws(seed + 200);
    const all = [...drawAxes(draws), ...drawAxes(draws)].map(({ extent }, id) => ({
      id,
      extent: Math.min(extent, 8),
    }));
    const [batch, m, n, k] = [all.slice(0, 1), all.slice(1, 3), all.slice(3, 4), all.slice(4, 6)];
    const renumber = (axes: Axis[]) => (e: { value: Expression; length: number }) => ({
      ...e,
      value: rename(e.value, axes),
    });
    const left = [...batch, ...m, ...k];
    const right = [...batch, ...k, ...n];
    const asFirst = (axes: Axis[]): Axis[] => axes.map(({ extent }, id) => ({ id, extent }));
    const a = renumber(left)(drawRead(draws, 0, asFirst(left)));
    const b = renumber(right)(drawRead(draws, 1, asFirst(right)));
    const output = [...batch, ...m, ...n];
    const kernel: ContractionKernel = {
      ...base, kind: "contraction", batch, m, n, k, a: a.value, b: b.value,
      stores: [{ buffer: 2, index: over(output), value: { kind: "accumulator", dtype: "f32" } }],
    }; // prettier-ignore
    await check({
      buffers: [
        { values: noise(a.length, 2) },
        { values: noise(b.length, 3) },
        { values: zeros(output) },
      ],
      kernels: [kernel],
    });
  });
});

/** Axis numbers 0, 1, ... become those of `axes`. */
function rename(value: Expression, axes: readonly Axis[]): Expression {
  const index = (of: Index): Index => {
    switch (of.kind) {
      case "axis":
        return { ...of, axis: axes[of.axis]!.id };
      case "constant":
      case "data":
        return of;
      case "add":
        return { ...of, terms: of.terms.map(index) };
      case "multiply":
      case "divide":
      case "modulo":
        return { ...of, of: index(of.of) };
    }
  };
  if (value.kind === "load") return { ...value, index: index(value.index) };
  if (value.kind !== "guard") return value;
  const conditions = value.conditions.map((condition) => ({
    ...condition,
    index: index(condition.index),
  }));
  return { ...value, conditions, value: rename(value.value, axes), otherwise: value.otherwise };
}
