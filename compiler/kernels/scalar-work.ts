// How much elementwise work a kernel does: its instructions, weighed by how long one takes, at every point where they
// run. Unlike the flops of a kernel it counts what is made again by several readers, tells a division from a product, and
// sees positions in memory that take divisions (strides are for free: loops step along).
import { extentOf } from "./extent.ts";
import { axesOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import type { ScalarInstruction } from "../ops/op.ts";
import { indicesOf, partsOf } from "./expression.ts";
import type { Axis, Expression, HostWork, Kernel } from "./kernel.ts";

/** Of one instruction, an addition being 1. */
export function instructionWeight(instruction: ScalarInstruction): number {
  switch (instruction) {
    case "exp":
    case "log":
    case "log1p":
    case "expm1":
    case "sin":
    case "cos":
    case "tanh":
    case "sigmoid":
      return 8;
    case "erf":
    case "power":
    case "atan2":
      return 12;
    case "divide":
    case "sqrt":
    case "rsqrt":
    case "reciprocal":
    case "modulo":
      return 3;
    default:
      return 1;
  }
}

/** Of a random number. */
export const randomWeight = 20;

/** Weighed instructions. What a product, attention or a scatter does inside is not counted, nor is the host's work. */
export function scalarWork(kernel: Kernel | HostWork): number {
  switch (kernel.kind) {
    case "loop": {
      const all = [...kernel.grid, ...kernel.row];
      const values = kernel.stages.map((stage) =>
        stage.kind === "reduce" ? stage.value : stage.store.value,
      );
      const added = kernel.stages.filter(({ kind }) => kind === "reduce").length * extentOf(all);
      return added + workOf(values, all, kernel.grid);
    }
    case "contraction": {
      const { batch, m, n, k, a, b, stores } = kernel;
      const values = stores.map(({ value }) => value);
      const points = [...batch, ...m, ...n];
      return (
        workOf([a], [...batch, ...m, ...k]) +
        workOf([b], [...batch, ...k, ...n]) +
        workOf(values, points, points)
      );
    }
    case "attention":
    case "scatter":
    case "host":
      return 0;
  }
}

/**
 * Each distinct part runs once for each point of those axes that it depends on. Of a finished sum no index says so:
 * there is one at each point of `summed`.
 */
function workOf(
  values: readonly Expression[],
  axes: readonly Axis[],
  summed: readonly Axis[] = [],
): number {
  const known = new Map<Expression, ReadonlySet<number>>();
  let work = 0;
  const dependsOn = (part: Expression): ReadonlySet<number> => {
    const found = known.get(part);
    if (found !== undefined) return found;
    const used = new Set<number>();
    known.set(part, used);
    for (const index of indicesOf(part)) axesOf(index, used);
    if (part.kind === "accumulator" || part.kind === "reduced")
      for (const axis of summed) used.add(axis.id);
    for (const inner of partsOf(part)) for (const axis of dependsOn(inner)) used.add(axis);
    work += weightOf(part) * extentOf(axes.filter((axis) => used.has(axis.id)));
    return used;
  };
  values.forEach(dependsOn);
  return work;
}

function weightOf(part: Expression): number {
  const divisions = indicesOf(part).reduce((sum, index) => sum + divisionsIn(index), 0);
  return divisions * instructionWeight("divide") + ownWeight(part);
}

function ownWeight(part: Expression): number {
  if (part.kind === "apply") return instructionWeight(part.instruction);
  if (part.kind === "guard") return part.conditions.length;
  return part.kind === "random" ? randomWeight : 0;
}

function divisionsIn(index: Index): number {
  switch (index.kind) {
    case "axis":
    case "constant":
    case "data":
      return 0;
    case "add":
      return index.terms.reduce((sum, term) => sum + divisionsIn(term), 0);
    case "multiply":
      return divisionsIn(index.of);
    case "divide":
    case "modulo":
      return 1 + divisionsIn(index.of);
  }
}
