// Runs a kernel graph in float64: what `fuse` is held against, with no code generator between.
// Plain: each kernel walks its axes in order; an expression is turned into a closure once.
// Expects: verify(kernels) holds.
import type { AttributeValue, DType } from "../graph/graph.ts";
import { attentionBackward, attentionForward, attentionStatistics } from "../ops/attention-rows.ts";
import { generate } from "../ops/generators/registry.ts";
import { floorModulo } from "../ops/index-arithmetic.ts";
import type { Condition, Index } from "../ops/index-expression.ts";
import type { Values } from "../ops/op.ts";
import { op as opByName } from "../ops/registry.ts";
import { scalarMeaning } from "../ops/scalar-meaning.ts";
import { elementCount } from "../ops/shape.ts";
import { randomBits } from "../ops/threefry.ts";
import { addedUp, emptied, partsOfGrid } from "./columns.ts";
import type {
  AttentionKernel,
  Axis,
  ContractionKernel,
  Expression,
  HeadsView,
  HostWork,
  Kernel,
  KernelGraph,
  LoopKernel,
  ScatterKernel,
  Stage,
  Store,
} from "./kernel.ts";

export interface InterpretedKernels {
  /** Each output by its name. */
  readonly outputs: ReadonlyMap<string, Values>;
  /** Each resident array by its name, as the kernels leave it. */
  readonly residents: ReadonlyMap<string, Values>;
}

/**
 * @param inputs value of each input by name
 * @param arrays value of each resident by name; they are not changed
 */
export function interpretKernels(
  { buffers, kernels }: KernelGraph,
  inputs: ReadonlyMap<string, Values>,
  arrays: ReadonlyMap<string, Values> = new Map(),
): InterpretedKernels {
  const memory: Values[] = [];
  const outputs = new Map<string, Values>();
  const residents = new Map<string, Values>();
  const given = (map: ReadonlyMap<string, Values>, name: string, length: number): Values => {
    const value = map.get(name);
    if (value?.length !== length) throw new Error(`\`${name}\` needs ${length} values`);
    return value.slice();
  };
  // What was never written must never be read: it spoils every result.
  for (const { id, length, role, within } of buffers) {
    if (within !== undefined) continue;
    switch (role.kind) {
      case "input":
        memory[id] = given(inputs, role.name, length);
        break;
      case "resident":
        residents.set(role.name, (memory[id] = given(arrays, role.name, length)));
        break;
      case "table":
        memory[id] = generate(role.generator, role.settings as AttributeValue, role.shape);
        break;
      case "output":
        outputs.set(role.name, (memory[id] = new Float64Array(length).fill(NaN)));
        break;
      case "scratch":
        memory[id] = new Float64Array(length).fill(NaN);
    }
  }
  const placed = (id: number): Values => {
    const { within, length } = buffers[id]!;
    if (within === undefined) return memory[id]!;
    return placed(within.buffer).subarray(within.offset, within.offset + length);
  };
  const values = buffers.map(({ id }) => placed(id));
  for (const kernel of kernels) runKernel(kernel, values);
  return { outputs, residents };
}

export function runKernel(kernel: Kernel | HostWork, memory: readonly Values[]): void {
  switch (kernel.kind) {
    case "loop":
      return runLoop(kernel, memory);
    case "contraction":
      return runContraction(kernel, memory);
    case "attention":
      return runAttention(kernel, memory);
    case "scatter":
      return runScatter(kernel, memory);
    case "host":
      return runOnHost(kernel, memory);
  }
}

type Evaluate = () => number;

/** Closures over the present positions, reduced values and sum. */
class Machine {
  readonly positions: number[] = [];
  readonly reduced: number[] = [];
  accumulator = 0;
  private readonly memory: readonly Values[];
  private readonly known = new Map<Expression, Evaluate>();

  constructor(memory: readonly Values[]) {
    this.memory = memory;
  }

  index(index: Index): Evaluate {
    const { positions } = this;
    switch (index.kind) {
      case "axis":
        return () => positions[index.axis]!;
      case "constant":
        return () => index.value;
      case "add": {
        const terms = index.terms.map((term) => this.index(term));
        return () => terms.reduce((sum, term) => sum + term(), 0);
      }
      case "multiply": {
        const of = this.index(index.of);
        return () => index.by * of();
      }
      case "divide": {
        const of = this.index(index.of);
        return () => Math.floor(of() / index.by);
      }
      case "modulo": {
        const of = this.index(index.of);
        return () => floorModulo(of(), index.by);
      }
      case "data": {
        const value = this.expression(index.value as Expression);
        return () => Math.min(Math.max(value(), 0), index.extent - 1);
      }
    }
  }

  expression(expression: Expression): Evaluate {
    const known = this.known.get(expression);
    if (known !== undefined) return known;
    const made = this.make(expression);
    this.known.set(expression, made);
    return made;
  }

  private make(expression: Expression): Evaluate {
    switch (expression.kind) {
      case "constant":
        return () => expression.value;
      case "load":
        return this.load(expression.buffer, this.index(expression.index));
      case "position":
        return this.index(expression.index);
      case "apply":
        return this.apply(expression);
      case "guard": {
        const conditions = expression.conditions.map((condition) => this.condition(condition));
        const [value, otherwise] = [expression.value, expression.otherwise].map((part) => this.expression(part)); // prettier-ignore
        return () => (conditions.every((holds) => holds()) ? value! : otherwise!)();
      }
      case "random": {
        const [seed, step] = [this.expression(expression.seed), this.expression(expression.step)];
        const index = this.index(expression.index);
        return () => randomBits(expression.stream, seed(), step(), index());
      }
      case "reduced":
        return () => this.reduced[expression.stage]!;
      case "accumulator":
        return () => this.accumulator;
    }
  }

  private load(buffer: number, index: Evaluate): Evaluate {
    const values = this.memory[buffer]!;
    return () => {
      const at = index();
      if (at < 0 || at >= values.length) throw new Error(`load at ${at} of buffer ${buffer}`);
      return values[at]!;
    };
  }

  private apply({ instruction, dtype, arguments: list }: Expression & { kind: "apply" }): Evaluate {
    const meaning = scalarMeaning(instruction, dtype, list[0]?.dtype as DType);
    const [a, b, c] = list.map((argument) => this.expression(argument));
    if (c !== undefined) return () => meaning(a!(), b!(), c());
    if (b !== undefined) return () => meaning(a!(), b(), 0);
    return () => meaning(a!(), 0, 0);
  }

  condition({ index, low, high }: Condition): () => boolean {
    const position = this.index(index);
    return () => {
      const at = position();
      return low <= at && at < high;
    };
  }

  /** Writes values where they belong, at each call: all are made before the first is written. */
  stores(stores: readonly Store[]): () => void {
    const writes = stores.map(({ buffer, index, value }) => {
      const values = this.memory[buffer]!;
      const [at, evaluate] = [this.index(index), this.expression(value)];
      return { buffer, values, at, evaluate };
    });
    return () => {
      const made = writes.map(({ evaluate }) => evaluate());
      writes.forEach(({ buffer, values, at }, i) => {
        const position = at();
        if (position < 0 || position >= values.length)
          throw new Error(`store at ${position} of buffer ${buffer}`);
        values[position] = made[i]!;
      });
    };
  }

  /** Calls `body` at every point of the axes, in order. */
  walk(axes: readonly Axis[], body: () => void, from = 0): void {
    const axis = axes[from];
    if (axis === undefined) return body();
    for (let i = 0; i < axis.extent; i++) {
      this.positions[axis.id] = i;
      this.walk(axes, body, from + 1);
    }
  }
}

function runLoop(kernel: LoopKernel, memory: readonly Values[]): void {
  const machine = new Machine(memory);
  const stages = kernel.stages.flatMap((stage, number): (() => void)[] => {
    if (stage.kind === "reduce") return [reduceStage(machine, kernel, stage, number)];
    const before = kernel.stages[number - 1];
    if (before?.kind === "store" && before.over === stage.over) return [];
    const stores = storesFrom(kernel.stages, number, stage.over);
    if (stage.over === "columns") return [columnStage(machine, kernel, stores)];
    const write = machine.stores(stores);
    return [stage.over === "row" ? () => machine.walk(kernel.row, write) : write];
  });
  let point = 0;
  machine.walk(kernel.grid, () => {
    if (kernel.parts !== undefined)
      machine.positions[kernel.parts.axis.id] = Math.floor(point++ / kernel.parts.rows);
    stages.forEach((run) => run());
  });
}

/** Adds each row to what its part has summed up so far; before the first row of a part that is nothing. */
function columnStage(machine: Machine, kernel: LoopKernel, stores: readonly Store[]): () => void {
  const { axis } = partsOfGrid(kernel);
  const [begin, add] = [emptied, addedUp].map((made) => machine.stores(stores.map(made)));
  let part = -1;
  return () => {
    const present = machine.positions[axis.id]!;
    if (present !== part) machine.walk(kernel.row, begin!);
    part = present;
    machine.walk(kernel.row, add!);
  };
}

/** The stores over the same axes that follow each other from a stage on. */
function storesFrom(
  stages: readonly Stage[],
  from: number,
  over: "grid" | "row" | "columns",
): Store[] {
  const stores: Store[] = [];
  for (const stage of stages.slice(from)) {
    if (stage.kind !== "store" || stage.over !== over) break;
    stores.push(stage.store);
  }
  return stores;
}

function reduceStage(
  machine: Machine,
  kernel: LoopKernel,
  { reducer, value, dtype }: Stage & { readonly kind: "reduce" },
  number: number,
): () => void {
  const evaluate = machine.expression(value);
  const wrap = dtype === "i32" ? (x: number) => x | 0 : dtype === "u32" ? (x: number) => x >>> 0 : (x: number) => x; // prettier-ignore
  if (reducer === "sum")
    return () => {
      let sum = 0;
      machine.walk(kernel.row, () => (sum += evaluate()));
      machine.reduced[number] = wrap(sum);
    };
  const isLow = reducer === "min" || reducer === "argmin";
  return () => {
    let best = isLow ? Infinity : -Infinity;
    let position = 0;
    let count = 0;
    machine.walk(kernel.row, () => {
      const next = evaluate();
      if (isLow ? next < best : next > best) [best, position] = [next, count];
      count++;
    });
    machine.reduced[number] = reducer.startsWith("arg") ? position : best;
  };
}

function runContraction(kernel: ContractionKernel, memory: readonly Values[]): void {
  const machine = new Machine(memory);
  const [a, b] = [machine.expression(kernel.a), machine.expression(kernel.b)];
  const sumOver = (
    axes: readonly Axis[],
    value: Evaluate,
    target: { buffer: number; index: Index },
  ) => {
    const values = memory[target.buffer]!;
    const at = machine.index(target.index);
    machine.walk([...kernel.batch, ...axes], () => {
      let sum = 0;
      machine.walk(kernel.k, () => (sum += value()));
      values[at()] = sum;
    });
  };
  if (kernel.sumOfA !== undefined) sumOver(kernel.m, a, kernel.sumOfA);
  if (kernel.sumOfB !== undefined) sumOver(kernel.n, b, kernel.sumOfB);
  const write = machine.stores(kernel.stores);
  machine.walk([...kernel.batch, ...kernel.m, ...kernel.n], () => {
    let sum = 0;
    machine.walk(kernel.k, () => (sum += a() * b()));
    machine.accumulator = sum;
    write();
  });
}

/** Visits every element of a strided operand in the order batch, head, token, channel. */
function visitHeads(
  kernel: AttentionKernel,
  view: HeadsView,
  tokens: number,
  channels: number,
  visit: (dense: number, place: number) => void,
): void {
  const extents = [...kernel.batch, kernel.heads, tokens, channels];
  const count = elementCount(extents);
  for (let dense = 0; dense < count; dense++) {
    let rest = dense;
    let place = view.offset;
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      place += (rest % extents[axis]!) * view.strides[axis]!;
      rest = Math.floor(rest / extents[axis]!);
    }
    visit(dense, place);
  }
}

function runAttention(kernel: AttentionKernel, memory: readonly Values[]): void {
  const { queries, keys, channels, valueChannels, scale } = kernel;
  const outer = elementCount(kernel.batch) * kernel.heads;
  const extents = { outer, queries, keys, channels, valueChannels };
  const read = (view: HeadsView, tokens: number, width: number): Values => {
    const values = new Float64Array(outer * tokens * width);
    visitHeads(kernel, view, tokens, width, (dense, place) => (values[dense] = memory[view.buffer]![place]!)); // prettier-ignore
    return values;
  };
  const write = (view: HeadsView, tokens: number, width: number, values: Values): void =>
    visitHeads(kernel, view, tokens, width, (dense, place) => (memory[view.buffer]![place] = values[dense]!)); // prettier-ignore
  const [q, k] = [read(kernel.q, queries, channels), read(kernel.k, keys, channels)];
  const v = read(kernel.v, keys, valueChannels);
  if (kernel.pass === "forward") {
    memory[kernel.statistics]!.set(attentionStatistics(q, k, scale, extents));
    return write(kernel.output, queries, valueChannels, attentionForward(q, k, v, scale, extents));
  }
  const { dOutput, dq, dk, dv } = kernel as Required<AttentionKernel>;
  const saved = {
    q,
    k,
    v,
    out: read(kernel.output, queries, valueChannels),
    statistics: memory[kernel.statistics]!,
    dOut: read(dOutput, queries, valueChannels),
  };
  write(dq, queries, channels, attentionBackward("q", saved, scale, extents));
  write(dk, keys, channels, attentionBackward("k", saved, scale, extents));
  write(dv, keys, valueChannels, attentionBackward("v", saved, scale, extents));
}

function runOnHost({ op, inputs, output, attributes }: HostWork, memory: readonly Values[]): void {
  const values = inputs.map(({ buffer }) => memory[buffer]!);
  memory[output.buffer]!.set(opByName(op).evaluate(values, { inputs, output, attributes }));
}

function runScatter(kernel: ScatterKernel, memory: readonly Values[]): void {
  const { outer, count, size, inner } = kernel;
  const [indices, values] = [memory[kernel.indices]!, memory[kernel.values]!];
  const output = memory[kernel.output]!.fill(0);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < count; i++) {
      const position = indices[o * count + i]!;
      if (position < 0 || position >= size) continue;
      const [from, to] = [(o * count + i) * inner, (o * size + position) * inner];
      for (let c = 0; c < inner; c++) output[to + c]! += values[from + c]!;
    }
}
