// A kernel done plainly in float64, by nested loops over its axes: what generated code is compared with.
import { evaluateIndex } from "../../../compiler/ops/index-arithmetic.ts";
import type { Index } from "../../../compiler/ops/index-expression.ts";
import { scalarMeaning } from "../../../compiler/ops/scalar-meaning.ts";
import { randomBits } from "../../../compiler/ops/threefry.ts";
import type {
  AttentionKernel,
  Axis,
  ContractionKernel,
  Expression,
  HeadsView,
  Kernel,
  LoopKernel,
  ScatterKernel,
  Store,
} from "../../../compiler/kernels/kernel.ts";

/** Values of buffers by id. */
export type Memory = Map<number, Float64Array>;

interface Point {
  readonly positions: number[];
  readonly reduced: number[];
  accumulator: number;
}

export function runPlainly(kernel: Kernel, memory: Memory): void {
  switch (kernel.kind) {
    case "loop":
      return runLoop(kernel, memory);
    case "contraction":
      return runContraction(kernel, memory);
    case "attention":
      return kernel.pass === "forward" ? attend(kernel, memory) : attendBackward(kernel, memory);
    case "scatter":
      return runScatter(kernel, memory);
  }
}

function evaluate(expression: Expression, point: Point, memory: Memory): number {
  const value = (of: Expression): number => evaluate(of, point, memory);
  const at = (index: Index): number =>
    evaluateIndex(index, point.positions, (data) => value(data.value as Expression));
  switch (expression.kind) {
    case "constant":
      return expression.value;
    case "load":
      return memory.get(expression.buffer)![at(expression.index)]!;
    case "position":
      return at(expression.index);
    case "apply": {
      const from = expression.arguments[expression.instruction === "select" ? 1 : 0]!.dtype;
      const [a = 0, b = 0, c = 0] = expression.arguments.map(value);
      return scalarMeaning(expression.instruction, expression.dtype, from)(a, b, c);
    }
    case "guard": {
      const isInside = expression.conditions.every(({ index, low, high }) => {
        const position = at(index);
        return low <= position && position < high;
      });
      return value(isInside ? expression.value : expression.otherwise);
    }
    case "random":
      return randomBits(
        expression.stream,
        value(expression.seed),
        value(expression.step),
        at(expression.index),
      );
    case "reduced":
      return point.reduced[expression.stage]!;
    case "accumulator":
      return point.accumulator;
  }
}

function store(store: Store, point: Point, memory: Memory): void {
  const position = evaluateIndex(store.index, point.positions, (data) =>
    evaluate(data.value as Expression, point, memory),
  );
  memory.get(store.buffer)![position] = evaluate(store.value, point, memory);
}

/** Visits every point of the axes, the last one fastest. */
function forEach(axes: readonly Axis[], point: Point, visit: (flat: number) => void): void {
  const count = axes.reduce((product, axis) => product * axis.extent, 1);
  for (let flat = 0; flat < count; flat++) {
    let rest = flat;
    for (const axis of axes.toReversed()) {
      point.positions[axis.id] = rest % axis.extent;
      rest = Math.floor(rest / axis.extent);
    }
    visit(flat);
  }
}

function runLoop(kernel: LoopKernel, memory: Memory): void {
  const point: Point = { positions: [], reduced: [], accumulator: 0 };
  forEach(kernel.grid, point, (place) => {
    kernel.stages.forEach((stage, number) => {
      if (stage.kind === "store") {
        if (stage.over === "grid") store(stage.store, point, memory);
        else if (stage.over === "row")
          forEach(kernel.row, point, () => store(stage.store, point, memory));
        else addColumns(kernel, stage.store, place, point, memory);
        return;
      }
      const values: number[] = [];
      forEach(kernel.row, point, () => values.push(evaluate(stage.value, point, memory)));
      point.reduced[number] = reduce(stage.reducer, values);
    });
  });
}

/** Adds a row to the sums of its part, which begin with the part's first row. */
function addColumns(
  { row, parts }: LoopKernel,
  { buffer, index, value }: Store,
  place: number,
  point: Point,
  memory: Memory,
): void {
  const { axis, rows } = parts!;
  point.positions[axis.id] = Math.floor(place / rows);
  forEach(row, point, () => {
    const at = evaluateIndex(index, point.positions);
    const before = place % rows === 0 ? 0 : memory.get(buffer)![at]!;
    memory.get(buffer)![at] = before + evaluate(value, point, memory);
  });
}

function reduce(reducer: "sum" | "max" | "min" | "argmax" | "argmin", values: number[]): number {
  switch (reducer) {
    case "sum":
      return values.reduce((sum, value) => sum + value, 0);
    case "max":
      return values.reduce((a, b) => Math.max(a, b));
    case "min":
      return values.reduce((a, b) => Math.min(a, b));
    case "argmax":
      return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
    case "argmin":
      return values.indexOf(values.reduce((a, b) => Math.min(a, b)));
  }
}

function runContraction(kernel: ContractionKernel, memory: Memory): void {
  const point: Point = { positions: [], reduced: [], accumulator: 0 };
  const sum = (value: () => number): number => {
    let total = 0;
    forEach(kernel.k, point, () => (total += value()));
    return total;
  };
  const sumOperand = (
    target: { readonly buffer: number; readonly index: Index } | undefined,
    axes: readonly Axis[],
    operand: Expression,
  ): void => {
    if (target === undefined) return;
    forEach(axes, point, () => {
      const total = sum(() => evaluate(operand, point, memory));
      memory.get(target.buffer)![evaluateIndex(target.index, point.positions)] = total;
    });
  };
  forEach([...kernel.batch, ...kernel.m, ...kernel.n], point, () => {
    point.accumulator = sum(
      () => evaluate(kernel.a, point, memory) * evaluate(kernel.b, point, memory),
    );
    for (const each of kernel.stores) store(each, point, memory);
  });
  sumOperand(kernel.sumOfA, [...kernel.batch, ...kernel.m], kernel.a);
  sumOperand(kernel.sumOfB, [...kernel.batch, ...kernel.n], kernel.b);
}

function runScatter(kernel: ScatterKernel, memory: Memory): void {
  const { outer, count, size, inner } = kernel;
  const output = memory.get(kernel.output)!.fill(0);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < count; i++) {
      const position = memory.get(kernel.indices)![o * count + i]!;
      for (let c = 0; c < inner; c++)
        output[(o * size + position) * inner + c]! += memory.get(kernel.values)![(o * count + i) * inner + c]!; // prettier-ignore
    }
}

/** Element (token, channel) of a view, for one batch entry and head. */
type Matrix = { get(t: number, c: number): number; set(t: number, c: number, value: number): void };

function matrixOf(view: HeadsView, outer: readonly number[], memory: Memory): Matrix {
  const values = memory.get(view.buffer)!;
  const base = outer.reduce((sum, at, axis) => sum + at * view.strides[axis]!, view.offset);
  const [token, channel] = [view.strides.at(-2)!, view.strides.at(-1)!];
  return {
    get: (t, c) => values[base + t * token + c * channel]!,
    set: (t, c, value) => (values[base + t * token + c * channel] = value),
  };
}

function forEachHead(
  kernel: AttentionKernel,
  visit: (outer: number[], flat: number) => void,
): void {
  const axes = [...kernel.batch, kernel.heads].map((extent, id) => ({ id, extent }));
  const point: Point = { positions: [], reduced: [], accumulator: 0 };
  forEach(axes, point, (flat) => visit([...point.positions], flat));
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function attend(kernel: AttentionKernel, memory: Memory): void {
  const { queries, keys, channels, valueChannels, scale } = kernel;
  forEachHead(kernel, (outer, flat) => {
    const [q, k, v, output] = [kernel.q, kernel.k, kernel.v, kernel.output].map((view) => matrixOf(view, outer, memory)) as [Matrix, Matrix, Matrix, Matrix]; // prettier-ignore
    for (let i = 0; i < queries; i++) {
      const scores = range(keys).map((j) =>
        range(channels).reduce((sum, c) => sum + q.get(i, c) * k.get(j, c) * scale, 0),
      );
      const largest = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
      const statistic = largest + Math.log(total);
      memory.get(kernel.statistics)![flat * queries + i] = statistic;
      for (let c = 0; c < valueChannels; c++)
        output.set(i, c, range(keys).reduce((sum, j) => sum + Math.exp(scores[j]! - statistic) * v.get(j, c), 0)); // prettier-ignore
    }
  });
}

function attendBackward(kernel: AttentionKernel, memory: Memory): void {
  const { queries, keys, channels, valueChannels, scale } = kernel;
  forEachHead(kernel, (outer, flat) => {
    const of = (view: HeadsView): Matrix => matrixOf(view, outer, memory);
    const [q, k, v, o, dO] = [of(kernel.q), of(kernel.k), of(kernel.v), of(kernel.output), of(kernel.dOutput!)]; // prettier-ignore
    const [dq, dk, dv] = [of(kernel.dq!), of(kernel.dk!), of(kernel.dv!)];
    const dot = (a: Matrix, i: number, b: Matrix, j: number, count: number): number =>
      range(count).reduce((sum, c) => sum + a.get(i, c) * b.get(j, c), 0);
    const p = range(queries).map((i) =>
      range(keys).map((j) =>
        Math.exp(
          scale * dot(q, i, k, j, channels) - memory.get(kernel.statistics)![flat * queries + i]!,
        ),
      ),
    );
    const dS = p.map(
      (row, i) =>
      row.map((weight, j) => weight * (dot(dO, i, v, j, valueChannels) - dot(dO, i, o, i, valueChannels)) * scale), // prettier-ignore
    );
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < queries; i++) dq.set(i, c, range(keys).reduce((sum, j) => sum + dS[i]![j]! * k.get(j, c), 0)); // prettier-ignore
      for (let j = 0; j < keys; j++) dk.set(j, c, range(queries).reduce((sum, i) => sum + dS[i]![j]! * q.get(i, c), 0)); // prettier-ignore
    }
    for (let c = 0; c < valueChannels; c++)
      for (let j = 0; j < keys; j++) dv.set(j, c, range(queries).reduce((sum, i) => sum + p[i]![j]! * dO.get(i, c), 0)); // prettier-ignore
  });
}
