// A contraction with a single column for each batch, such as a depthwise convolution -> the same as a loop kernel.
// Tiles of products have nothing to share there: each number that is packed is used once. A loop with its lanes along
// the batch (the channels) reads both sides where they lie.
import { expressionsOf, indicesOf, visit } from "../kernels/expression.ts";
import type { Axis, ContractionKernel, Expression, LoopKernel } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";
import { FactTable } from "./expression-facts.ts";
import { laneStride } from "./lanes.ts";

/** Undefined where products in tiles are better: several columns, or a batch that does not lie in a row. */
export function depthwiseLoop(kernel: ContractionKernel): LoopKernel | undefined {
  const { batch, m, n, k, a, b, stores, sumOfA, sumOfB, ...base } = kernel;
  const channels = batch.at(-1);
  if (channels === undefined || channels.extent < 4 || sumOfA || sumOfB) return undefined;
  if (n.some(({ extent }) => extent > 1) || !liesInRow(kernel, channels)) return undefined;
  const product: Expression = { kind: "apply", instruction: "multiply", arguments: [a, b], dtype: "f32" }; // prettier-ignore
  const sum = withSum();
  return {
    ...base,
    kind: "loop",
    grid: [...batch.slice(0, -1), ...m, ...n, channels],
    row: k,
    stages: [
      { kind: "reduce", reducer: "sum", value: product, dtype: "f32" },
      ...stores.map((store) => ({ kind: "store", over: "grid", store: { ...store, value: sum(store.value) } }) as const), // prettier-ignore
    ],
  };
}

/** Everything is read and written element by element along the axis, or is the same for all of it. */
function liesInRow(kernel: ContractionKernel, { id }: Axis): boolean {
  const facts = new FactTable();
  const stride = (index: Index): number | undefined => laneStride(index, id, facts);
  const indices: Index[] = [];
  for (const expression of expressionsOf(kernel))
    visit(expression, (part) => indices.push(...(part.kind === "load" ? indicesOf(part) : [])));
  return (
    indices.every((index) => stride(index) === 0 || stride(index) === 1) &&
    kernel.stores.every(({ index }) => stride(index) === 1)
  );
}

/** Puts the loop's sum in place of the contraction's; what was shared stays shared. */
function withSum(): (expression: Expression) => Expression {
  const done = new Map<Expression, Expression>();
  const rebuild = (expression: Expression): Expression => {
    switch (expression.kind) {
      case "accumulator":
        return { kind: "reduced", stage: 0, dtype: expression.dtype };
      case "apply":
        return { ...expression, arguments: expression.arguments.map(replace) };
      case "guard":
        return { ...expression, value: replace(expression.value), otherwise: replace(expression.otherwise) }; // prettier-ignore
      case "constant":
      case "load":
      case "position":
      case "random":
      case "reduced":
        return expression;
    }
  };
  const replace = (expression: Expression): Expression => {
    const made = done.get(expression) ?? rebuild(expression);
    done.set(expression, made);
    return made;
  };
  return replace;
}
