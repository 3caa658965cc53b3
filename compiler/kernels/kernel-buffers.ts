// Which buffers a kernel reads and writes, each once, in the order in which its expressions name them.
import type { Index } from "../ops/index-expression.ts";
import type { Expression, HostWork, Kernel } from "./kernel.ts";

interface Access {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly all: readonly number[];
}

/** Expressions are walked once a kernel: every stage behind fusion asks what it touches. */
const known = new WeakMap<Kernel | HostWork, Access>();

function accessOf(kernel: Kernel | HostWork): Access {
  let access = known.get(kernel);
  if (access === undefined) {
    const [reads, writes] = [readsOfKernel(kernel), writesOfKernel(kernel)];
    access = { reads, writes, all: unique([...reads, ...writes]) };
    known.set(kernel, access);
  }
  return access;
}

/** Buffers that a kernel reads; one that it also writes is among them. */
export function kernelReads(kernel: Kernel | HostWork): readonly number[] {
  return accessOf(kernel).reads;
}

/** Buffers that a kernel writes. */
export function kernelWrites(kernel: Kernel | HostWork): readonly number[] {
  return accessOf(kernel).writes;
}

/** Buffers of a kernel, each once, in the order in which they are first met. */
export function buffersOf(kernel: Kernel | HostWork): readonly number[] {
  return accessOf(kernel).all;
}

/** The same kernel at another place of its list. */
export function numbered<K extends Kernel | HostWork>(kernel: K, id: number): K {
  const copy = { ...kernel, id };
  known.set(copy, accessOf(kernel));
  return copy;
}

function readsOfKernel(kernel: Kernel | HostWork): number[] {
  const found = new Set<number>();
  switch (kernel.kind) {
    case "loop":
      for (const stage of kernel.stages) {
        if (stage.kind === "reduce") readsOf(stage.value, found);
        else {
          readsOf(stage.store.value, found);
          indexReads(stage.store.index, found);
        }
      }
      break;
    case "contraction":
      readsOf(kernel.a, found);
      readsOf(kernel.b, found);
      for (const store of kernel.stores) readsOf(store.value, found);
      break;
    case "attention": {
      const forward = [kernel.q, kernel.k, kernel.v];
      const backward = kernel.pass === "backward" ? [kernel.output, kernel.dOutput!] : [];
      for (const view of [...forward, ...backward]) found.add(view.buffer);
      if (kernel.pass === "backward") found.add(kernel.statistics);
      break;
    }
    case "scatter":
      found.add(kernel.indices);
      found.add(kernel.values);
      break;
    case "host":
      for (const { buffer } of kernel.inputs) found.add(buffer);
      break;
  }
  return [...found];
}

function writesOfKernel(kernel: Kernel | HostWork): number[] {
  switch (kernel.kind) {
    case "loop":
      return unique(
        kernel.stages.flatMap((stage) => (stage.kind === "store" ? [stage.store.buffer] : [])),
      );
    case "contraction": {
      const sums = [kernel.sumOfA, kernel.sumOfB].flatMap((sum) => (sum ? [sum.buffer] : []));
      return unique([...kernel.stores.map((store) => store.buffer), ...sums]);
    }
    case "attention": {
      const { pass, output, statistics, dq, dk, dv } = kernel;
      return pass === "forward"
        ? [output.buffer, statistics]
        : unique([dq!, dk!, dv!].map((view) => view.buffer));
    }
    case "scatter":
      return [kernel.output];
    case "host":
      return [kernel.output.buffer];
  }
}

function unique(buffers: readonly number[]): number[] {
  return [...new Set(buffers)];
}

function readsOf(expression: Expression, found: Set<number>, seen = new Set<Expression>()): void {
  if (seen.has(expression)) return;
  seen.add(expression);
  switch (expression.kind) {
    case "load":
      found.add(expression.buffer);
      return indexReads(expression.index, found, seen);
    case "position":
      return indexReads(expression.index, found, seen);
    case "apply":
      for (const argument of expression.arguments) readsOf(argument, found, seen);
      return;
    case "guard":
      for (const { index } of expression.conditions) indexReads(index, found, seen);
      readsOf(expression.value, found, seen);
      return readsOf(expression.otherwise, found, seen);
    case "random":
      readsOf(expression.seed, found, seen);
      readsOf(expression.step, found, seen);
      return indexReads(expression.index, found, seen);
    case "constant":
    case "reduced":
    case "accumulator":
      return;
  }
}

/** A gather's index is data. */
function indexReads(index: Index, found: Set<number>, seen = new Set<Expression>()): void {
  switch (index.kind) {
    case "add":
      for (const term of index.terms) indexReads(term, found, seen);
      return;
    case "multiply":
    case "divide":
    case "modulo":
      return indexReads(index.of, found, seen);
    case "data":
      return readsOf(index.value as Expression, found, seen);
    case "axis":
    case "constant":
      return;
  }
}
