// Finds `x - mean of x` in a graph, in the form that specs and `simplify` leave: a sum, times one over its count, spread
// back over the axes that it ran along.
import { numbers } from "../ops/attributes.ts";
import { elementCount, otherAxes, pick, sameShape } from "../ops/shape.ts";
import type { Node } from "./graph.ts";

export interface Centred {
  readonly x: Node;
  /** Of x over `axes`, which rise. */
  readonly sum: Node;
  readonly axes: readonly number[];
  readonly mean: Node;
}

export function matchCentred(node: Node): Centred | undefined {
  if (node.op !== "subtract") return undefined;
  const [x, spread] = [node.inputs[0]!, node.inputs[1]!];
  const mean = spread.op === "broadcast" ? spread.inputs[0]! : undefined;
  if (mean?.op !== "multiply") return undefined;
  const sum = mean.inputs.find((input) => input.op === "sum" && input.inputs[0] === x);
  const inverse = mean.inputs.find((input) => input !== sum);
  if (sum === undefined || inverse?.op !== "constant") return undefined;
  const axes = numbers(sum.attributes, "axes").toSorted((a, b) => a - b);
  const isInPlace = sameShape(numbers(spread.attributes, "axes"), otherAxes(x.shape.length, axes));
  const isMean = inverse.attributes["value"] === 1 / elementCount(pick(x.shape, axes));
  return isInPlace && isMean ? { x, sum, axes, mean } : undefined;
}
