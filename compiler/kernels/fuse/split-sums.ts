// A loop kernel with few, long rows -> kernels that make a fixed number of partial results and then join them.
// The number depends on the shape alone, so every target and every thread count adds in the same order.
// Reductions that rest on earlier ones are split level by level. Squares about a mean need no level of their own: each
// part sums them about its own mean, and the parts are joined as Chan, Golub and LeVeque do (1979).
import { extentOf } from "../extent.ts";
import type { DType } from "../../graph/graph.ts";
import { add, axisIndex, delinearize, linearIndex, multiply } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import { AxisSubstitution, partsOf, visit } from "../expression.ts";
import type { Axis, Expression, LoopKernel, Stage } from "../kernel.ts";
import { guard } from "./reader.ts";
import { matchSquares, squareInPart, squaresOfPart } from "./part-squares.ts";
import type { Parts, Reduce, Squares } from "./part-squares.ts";

export interface Splitting {
  readonly scratch: (length: number, dtype: DType) => number;
  readonly nextId: () => number;
  /** Told of the kernel that ends a split, and of the buffers of partial results that it alone reads. */
  readonly joined: (kernel: LoopKernel, partials: readonly number[]) => void;
}

const mostParts = 256;
const leastChunk = 64;
/** Points that a kernel should have at least, to fill a large device. */
const enoughPoints = 65536;

export function splitSums(kernel: LoopKernel, splitting: Splitting): LoopKernel[] {
  const parts = partCount(kernel);
  const reduces = kernel.stages.filter((stage) => stage.kind === "reduce");
  const isSplittable = reduces.every(({ reducer }) => reducer !== "argmax" && reducer !== "argmin");
  if (parts < 2 || !isSplittable) return [kernel];
  return new Split(kernel, parts, splitting).run();
}

/** A number of parts that divides the row where there is one near the wanted number. */
function partCount(kernel: LoopKernel): number {
  const [points, length] = [extentOf(kernel.grid), extentOf(kernel.row)];
  const wanted = Math.min(
    mostParts,
    Math.ceil(enoughPoints / points),
    Math.floor(length / leastChunk),
  );
  for (let parts = wanted; parts * 2 > wanted && parts > 1; parts--)
    if (length % parts === 0) return parts;
  // No part is empty.
  return Math.ceil(length / Math.ceil(length / wanted));
}

/** A stage of one level: what its parts reduce, and where their results lie. */
interface Partial {
  readonly number: number;
  readonly reducer: Reduce["reducer"];
  readonly dtype: DType;
  readonly value: Expression;
  readonly buffer: number;
  readonly load: Expression;
}

class Split implements Parts {
  readonly part: Axis;
  readonly chunk: Axis;
  readonly length: number;
  private readonly kernel: LoopKernel;
  private readonly splitting: Splitting;
  private readonly points: number;
  /** Finished results of earlier levels by stage, as loads. */
  private readonly finished = new Map<number, Expression>();
  /** Stages that sum squares about the mean of an earlier stage. */
  private readonly squares = new Map<number, Squares>();

  constructor(kernel: LoopKernel, parts: number, splitting: Splitting) {
    this.kernel = kernel;
    this.splitting = splitting;
    this.points = extentOf(kernel.grid);
    this.length = extentOf(kernel.row);
    const free = 1 + Math.max(-1, ...[...kernel.grid, ...kernel.row].map((axis) => axis.id));
    this.part = { id: free, extent: parts };
    this.chunk = { id: free + 1, extent: Math.ceil(this.length / parts) };
    kernel.stages.forEach((_, number) => {
      const found = matchSquares(kernel.stages, number, this.length);
      if (found !== undefined) this.squares.set(number, found);
    });
  }

  run(): LoopKernel[] {
    const levels = this.levels();
    return levels.flatMap((level, number) => this.splitLevel(level, number === levels.length - 1));
  }

  /** Numbers of the reduce stages, those first that rest on no other; squares about a mean are beside its sum. */
  private levels(): number[][] {
    const levelOf = new Map<number, number>();
    const levels: number[][] = [];
    this.kernel.stages.forEach((stage, number) => {
      if (stage.kind !== "reduce") return;
      let level = 0;
      visit(this.squares.get(number)?.value ?? stage.value, (part) => {
        if (part.kind === "reduced") level = Math.max(level, levelOf.get(part.stage)! + 1);
      });
      levelOf.set(number, level);
      (levels[level] ??= []).push(number);
    });
    return levels;
  }

  private splitLevel(level: readonly number[], isLast: boolean): LoopKernel[] {
    const { kernel, splitting, part } = this;
    const at = linearIndex(kernel.grid.map(indexOf), kernel.grid.map((axis) => axis.extent)); // prettier-ignore
    const partialAt = add(multiply(indexOf(part), this.points), at);
    const inPart = this.valuesInPart(level);
    const partials = level.map((number, stage): Partial => {
      const { reducer, dtype } = kernel.stages[number] as Reduce;
      const buffer = splitting.scratch(this.points * part.extent, dtype);
      const load: Expression = { kind: "load", buffer, index: partialAt, dtype };
      return { number, reducer, dtype, buffer, load, value: inPart[stage]! };
    });
    const first: LoopKernel = {
      ...kernel,
      id: splitting.nextId(),
      label: `${kernel.label} (partial)`,
      grid: [part, ...kernel.grid],
      row: [this.chunk],
      stages: [
        ...partials.map(({ reducer, value, dtype }): Stage => ({
          kind: "reduce",
          reducer,
          value,
          dtype,
        })),
        ...partials.map(({ buffer, dtype }, stage): Stage => ({
          kind: "store",
          over: "grid",
          store: { buffer, index: partialAt, value: { kind: "reduced", stage, dtype } },
        })),
      ],
    };
    const joined = new Map(this.finished);
    partials.forEach(({ number, dtype }, stage) =>
      joined.set(number, { kind: "reduced", stage, dtype }),
    );
    const stores = isLast ? this.finalStores(joined) : this.keep(partials, at);
    const second: LoopKernel = {
      ...kernel,
      macs: 0,
      flops: 0,
      row: [part],
      id: splitting.nextId(),
      stages: [
        ...partials.map((partial): Stage => ({
          kind: "reduce",
          reducer: partial.reducer,
          value: this.ofPart(partial, partials, joined),
          dtype: partial.dtype,
        })),
        ...stores,
      ],
    };
    if (isLast) splitting.joined(second, partials.map(({ buffer }) => buffer)); // prettier-ignore
    return [first, second];
  }

  /** What a part reduces for each stage of a level. */
  private valuesInPart(level: readonly number[]): Expression[] {
    const chunked = this.chunks();
    return level.map((number) => {
      const { reducer, value, dtype } = this.kernel.stages[number] as Reduce;
      const squares = this.squares.get(number);
      const each = chunked.expression(replaceReduced(squares?.value ?? value, this.finished));
      if (squares === undefined) return this.inside(each, reducer, dtype);
      const sum = { kind: "reduced", stage: level.indexOf(squares.sum), dtype } as const;
      return this.inside(squareInPart(each, sum, this), reducer, dtype);
    });
  }

  /** What a part gives to a stage's result over all parts. */
  private ofPart(
    { number, load }: Partial,
    partials: readonly Partial[],
    joined: ReadonlyMap<number, Expression>,
  ): Expression {
    const squares = this.squares.get(number);
    if (squares === undefined) return load;
    const sum = partials.find((other) => other.number === squares.sum)!.load;
    return squaresOfPart(load, sum, replaceReduced(squares.mean, joined), this);
  }

  private finalStores(joined: ReadonlyMap<number, Expression>): Stage[] {
    return this.kernel.stages.flatMap((stage): Stage[] => {
      if (stage.kind !== "store") return [];
      const value = replaceReduced(stage.store.value, joined);
      return [{ ...stage, store: { ...stage.store, value } }];
    });
  }

  /** Stores the results of a level for the levels after it. */
  private keep(partials: readonly Partial[], at: Index): Stage[] {
    return partials.map(({ number, dtype }, stage): Stage => {
      const buffer = this.splitting.scratch(this.points, dtype);
      this.finished.set(number, { kind: "load", buffer, index: at, dtype });
      return {
        kind: "store",
        over: "grid",
        store: { buffer, index: at, value: { kind: "reduced", stage, dtype } },
      };
    });
  }

  /** Positions on the row's axes as quotients and remainders of part * chunk + place. */
  private chunks(): AxisSubstitution {
    const position = this.position();
    const { row } = this.kernel;
    const places = delinearize(position, row.map((axis) => axis.extent)); // prettier-ignore
    const byId = new Map(row.map((axis, i) => [axis.id, places[i]!]));
    return new AxisSubstitution((axis, extent) => byId.get(axis) ?? axisIndex(axis, extent));
  }

  private position(): Index {
    return add(multiply(indexOf(this.part), this.chunk.extent), indexOf(this.chunk));
  }

  /** The last part may be shorter. */
  private inside(value: Expression, reducer: Reduce["reducer"], dtype: DType): Expression {
    const otherwise: Expression = { kind: "constant", value: neutral(reducer, dtype), dtype };
    return guard([{ index: this.position(), low: 0, high: this.length }], value, otherwise);
  }
}

function indexOf(axis: Axis): Index {
  return axisIndex(axis.id, axis.extent);
}

/** Largest finite number of f32: shaders may assume that there is no infinity. */
const largest = 3.4028234663852886e38;

function neutral(reducer: Reduce["reducer"], dtype: DType): number {
  if (reducer === "sum") return 0;
  const isMax = reducer === "max";
  if (dtype === "i32") return isMax ? -(2 ** 31) : 2 ** 31 - 1;
  if (dtype === "u32") return isMax ? 0 : 2 ** 32 - 1;
  return isMax ? -largest : largest;
}

function replaceReduced(expression: Expression, by: ReadonlyMap<number, Expression>): Expression {
  const done = new Map<Expression, Expression>();
  const replace = (part: Expression): Expression => {
    const known = done.get(part);
    if (known !== undefined) return known;
    const made = rebuilt(part);
    done.set(part, made);
    return made;
  };
  const rebuilt = (part: Expression): Expression => {
    if (part.kind === "reduced") return by.get(part.stage) ?? part;
    if (partsOf(part).length === 0) return part;
    switch (part.kind) {
      case "apply":
        return { ...part, arguments: part.arguments.map(replace) };
      case "guard":
        return { ...part, value: replace(part.value), otherwise: replace(part.otherwise) };
      case "random":
        return { ...part, seed: replace(part.seed), step: replace(part.step) };
      default:
        return part;
    }
  };
  return replace(expression);
}
