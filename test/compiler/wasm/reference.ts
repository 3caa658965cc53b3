// Kernels in float64, as plainly as can be: what the generated code is compared with.
import type { DType } from "../../../compiler/graph/graph.ts";
import type {
  AttentionKernel,
  Axis,
  ContractionKernel,
  Expression,
  HeadsView,
  Kernel,
  LoopKernel,
  ScatterKernel,
} from "../../../compiler/kernels/kernel.ts";
import { evaluateIndex } from "../../../compiler/ops/index-arithmetic.ts";
import type { Index } from "../../../compiler/ops/index-expression.ts";
import { scalarMeaning } from "../../../compiler/ops/scalar-meaning.ts";
import { randomBits } from "../../../compiler/ops/threefry.ts";
import type { Case } from "./run-kernels.ts";

interface Point {
  readonly axes: number[];
  readonly reduced: number[];
  readonly accumulator: number;
}

export function reference(given: Case): Float64Array[] {
  const memory = given.buffers.map(({ values }) => Float64Array.from(values));
  for (const kernel of given.kernels) runKernel(kernel, memory);
  return memory;
}

function runKernel(kernel: Kernel, memory: Float64Array[]): void {
  switch (kernel.kind) {
    case "loop":
      return loop(kernel, memory);
    case "contraction":
      return contraction(kernel, memory);
    case "attention":
      return kernel.pass === "forward" ? attend(kernel, memory) : attendBack(kernel, memory);
    case "scatter":
      return scatter(kernel, memory);
  }
}

function value(e: Expression, at: Point, memory: Float64Array[]): number {
  const index = (of: Index): number =>
    evaluateIndex(of, at.axes, (data) => value(data.value as Expression, at, memory));
  switch (e.kind) {
    case "constant":
      return e.value;
    case "load": {
      const found = memory[e.buffer]![index(e.index)];
      if (found === undefined) throw new Error(`load outside of buffer ${e.buffer}`);
      return found;
    }
    case "position":
      return index(e.index);
    case "apply":
      return scalarMeaning(
        e.instruction,
        e.dtype,
        e.arguments[0]?.dtype as DType,
      )(
        ...(e.arguments.map((argument) => value(argument, at, memory)) as [number, number, number]),
      );
    case "guard": {
      const holds = e.conditions.every(({ index: of, low, high }) => {
        const position = index(of);
        return low <= position && position < high;
      });
      return value(holds ? e.value : e.otherwise, at, memory);
    }
    case "random":
      return randomBits(
        e.stream,
        value(e.seed, at, memory),
        value(e.step, at, memory),
        index(e.index),
      );
    case "reduced":
      return at.reduced[e.stage]!;
    case "accumulator":
      return at.accumulator;
  }
}

/** Calls `body` at every point of the axes, in order, with positions by axis number. */
function walk(axes: readonly Axis[], start: number[], body: (at: number[]) => void): void {
  const [first, ...rest] = axes;
  if (first === undefined) return body(start);
  for (let i = 0; i < first.extent; i++) {
    const at = start.slice();
    at[first.id] = i;
    walk(rest, at, body);
  }
}

function loop(kernel: LoopKernel, memory: Float64Array[]): void {
  walk(kernel.grid, [], (grid) => {
    const reduced: number[] = [];
    kernel.stages.forEach((stage, number) => {
      if (stage.kind === "store") {
        const axes = stage.over === "row" ? kernel.row : [];
        walk(axes, grid, (at) => {
          const point = { axes: at, reduced, accumulator: 0 };
          const result = value(stage.store.value, point, memory);
          memory[stage.store.buffer]![evaluateIndex(stage.store.index, at)] = result;
        });
        return;
      }
      const isLow = stage.reducer === "min" || stage.reducer === "argmin";
      let best = stage.reducer === "sum" ? 0 : isLow ? Infinity : -Infinity;
      let position = 0;
      let count = 0;
      walk(kernel.row, grid, (at) => {
        const next = value(stage.value, { axes: at, reduced, accumulator: 0 }, memory);
        if (stage.reducer === "sum") best += next;
        else if (isLow ? next < best : next > best) [best, position] = [next, count];
        count++;
      });
      reduced[number] = stage.reducer.startsWith("arg") ? position : best;
    });
  });
}

function contraction(kernel: ContractionKernel, memory: Float64Array[]): void {
  const of = (e: Expression, axes: number[], accumulator = 0): number =>
    value(e, { axes, reduced: [], accumulator }, memory);
  const sums = (
    axes: readonly Axis[],
    e: Expression,
    target: { buffer: number; index: Index },
  ): void =>
    walk([...kernel.batch, ...axes], [], (at) => {
      let sum = 0;
      walk(kernel.k, at, (all) => (sum += of(e, all)));
      memory[target.buffer]![evaluateIndex(target.index, at)] = sum;
    });
  if (kernel.sumOfA !== undefined) sums(kernel.m, kernel.a, kernel.sumOfA);
  if (kernel.sumOfB !== undefined) sums(kernel.n, kernel.b, kernel.sumOfB);
  walk([...kernel.batch, ...kernel.m, ...kernel.n], [], (at) => {
    let sum = 0;
    walk(kernel.k, at, (all) => (sum += of(kernel.a, all) * of(kernel.b, all)));
    for (const store of kernel.stores)
      memory[store.buffer]![evaluateIndex(store.index, at)] = of(store.value, at, sum);
  });
}

type Place = (batch: number[], head: number, token: number, channel: number) => number;

function placeIn(view: HeadsView): Place {
  return (batch, head, token, channel) =>
    [...batch, head, token, channel].reduce(
      (sum, i, axis) => sum + i * view.strides[axis]!,
      view.offset,
    );
}

function heads(
  kernel: AttentionKernel,
  body: (batch: number[], head: number, row: number) => void,
): void {
  let row = 0;
  const axes = kernel.batch.map((extent, id) => ({ id, extent }));
  walk([...axes, { id: axes.length, extent: kernel.heads }], [], (at) => {
    body(at.slice(0, -1), at.at(-1)!, row);
    row += kernel.queries;
  });
}

function attend(kernel: AttentionKernel, memory: Float64Array[]): void {
  const [q, k, v, output] = [kernel.q, kernel.k, kernel.v, kernel.output];
  heads(kernel, (batch, head, row) => {
    for (let i = 0; i < kernel.queries; i++) {
      const scores = Array.from({ length: kernel.keys }, (_, j) => {
        let sum = 0;
        for (let c = 0; c < kernel.channels; c++)
          sum +=
            memory[q.buffer]![placeIn(q)(batch, head, i, c)]! *
            memory[k.buffer]![placeIn(k)(batch, head, j, c)]!;
        return sum * kernel.scale;
      });
      const maximum = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - maximum), 0);
      memory[kernel.statistics]![row + i] = maximum + Math.log(total);
      for (let c = 0; c < kernel.valueChannels; c++)
        memory[output.buffer]![placeIn(output)(batch, head, i, c)] = scores.reduce(
          (sum, score, j) =>
            sum +
            (Math.exp(score - maximum) / total) * memory[v.buffer]![placeIn(v)(batch, head, j, c)]!,
          0,
        );
    }
  });
}

function attendBack(kernel: AttentionKernel, memory: Float64Array[]): void {
  const read = (
    view: HeadsView,
    batch: number[],
    head: number,
    token: number,
    channel: number,
  ): number => memory[view.buffer]![placeIn(view)(batch, head, token, channel)]!;
  const { q, k, v, output, dOutput, dq, dk, dv } = kernel as Required<AttentionKernel>;
  const [channels, width] = [kernel.channels, kernel.valueChannels];
  heads(kernel, (batch, head, row) => {
    const put = (view: HeadsView, token: number, channel: number, sum: number): void => {
      memory[view.buffer]![placeIn(view)(batch, head, token, channel)] = sum;
    };
    const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
    const total = (n: number, term: (i: number) => number): number =>
      range(n).reduce((sum, i) => sum + term(i), 0);
    const p = range(kernel.queries).map((i) =>
      range(kernel.keys).map((j) => {
        const score = total(
          channels,
          (c) => read(q, batch, head, i, c) * read(k, batch, head, j, c),
        );
        return Math.exp(score * kernel.scale - memory[kernel.statistics]![row + i]!);
      }),
    );
    const ds = range(kernel.queries).map((i) => {
      const row = total(
        width,
        (c) => read(dOutput, batch, head, i, c) * read(output, batch, head, i, c),
      );
      return range(kernel.keys).map((j) => {
        const dp = total(
          width,
          (c) => read(dOutput, batch, head, i, c) * read(v, batch, head, j, c),
        );
        return p[i]![j]! * (dp - row) * kernel.scale;
      });
    });
    const results: [HeadsView, number, number, number][] = [];
    for (const i of range(kernel.queries))
      for (const c of range(channels))
        results.push([
          dq,
          i,
          c,
          total(kernel.keys, (j) => ds[i]![j]! * read(k, batch, head, j, c)),
        ]);
    for (const j of range(kernel.keys)) {
      for (const c of range(channels))
        results.push([
          dk,
          j,
          c,
          total(kernel.queries, (i) => ds[i]![j]! * read(q, batch, head, i, c)),
        ]);
      for (const c of range(width))
        results.push([
          dv,
          j,
          c,
          total(kernel.queries, (i) => p[i]![j]! * read(dOutput, batch, head, i, c)),
        ]);
    }
    for (const [view, token, channel, sum] of results) put(view, token, channel, sum);
  });
}

function scatter(kernel: ScatterKernel, memory: Float64Array[]): void {
  const { outer, count, size, inner } = kernel;
  const target = memory[kernel.output]!;
  target.fill(0);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < count; i++) {
      const position = memory[kernel.indices]![o * count + i]!;
      if (position < 0 || position >= size) continue;
      for (let c = 0; c < inner; c++)
        target[(o * size + position) * inner + c]! +=
          memory[kernel.values]![(o * count + i) * inner + c]!;
    }
}
