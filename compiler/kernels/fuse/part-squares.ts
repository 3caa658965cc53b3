// Squares about a mean in a walk that is cut into parts. A part knows its own mean alone, so it sums the squares about
// that; then, with n, s and q the count, sum and squares of a part, all squares about the mean m of all are
// the sum over parts of q + n (s / n - m)^2 (Chan, Golub and LeVeque, 1979). Nothing large is taken from something large.
import type { Axis, Expression, Stage } from "../kernel.ts";
import { axisIndex } from "../../ops/index-arithmetic.ts";
import { guard } from "./reader.ts";

export type Reduce = Stage & { readonly kind: "reduce" };

/** A stage that sums (value - mean)^2, the mean being made of what an earlier stage sums of the same value. */
export interface Squares {
  /** Number of the earlier stage. */
  readonly sum: number;
  readonly value: Expression;
  readonly mean: Expression;
}

export function matchSquares(
  stages: readonly Stage[],
  number: number,
  length: number,
): Squares | undefined {
  const stage = stages[number];
  if (stage?.kind !== "reduce" || stage.reducer !== "sum" || stage.dtype !== "f32")
    return undefined;
  const [difference, other] = argumentsOf(stage.value, "multiply");
  if (difference === undefined || difference !== other) return undefined;
  const [value, mean] = argumentsOf(difference, "subtract");
  if (value === undefined || mean === undefined) return undefined;
  const factors = argumentsOf(mean, "multiply");
  const sum = factors.find((factor) => factor.kind === "reduced")?.stage;
  const isMean = factors.some(
    (factor) => factor.kind === "constant" && factor.value === 1 / length,
  );
  if (sum === undefined || !isMean) return undefined;
  const summed = stages[sum];
  const isOfValue = summed?.kind === "reduce" && summed.reducer === "sum" && summed.value === value;
  return isOfValue ? { sum, value, mean } : undefined;
}

function argumentsOf(expression: Expression, instruction: string): readonly Expression[] {
  const fits = expression.kind === "apply" && expression.instruction === instruction;
  return fits ? expression.arguments : [];
}

/** Parts of equal length, the last one maybe shorter. */
export interface Parts {
  readonly part: Axis;
  readonly chunk: Axis;
  readonly length: number;
}

/** In a part: the square of a value about the mean of the part, whose sum is given. */
export function squareInPart(value: Expression, sum: Expression, parts: Parts): Expression {
  const difference = f32("subtract", value, f32("multiply", sum, inverseCount(parts)));
  return f32("multiply", difference, difference);
}

/** Over the parts: what one part adds to the squares about the mean of all. */
export function squaresOfPart(
  squares: Expression,
  sum: Expression,
  mean: Expression,
  parts: Parts,
): Expression {
  const difference = f32("subtract", f32("multiply", sum, inverseCount(parts)), mean);
  const between = f32("multiply", f32("multiply", difference, difference), count(parts));
  return f32("add", squares, between);
}

function f32(instruction: "add" | "subtract" | "multiply", ...given: Expression[]): Expression {
  return { kind: "apply", instruction, arguments: given, dtype: "f32" };
}

function count(parts: Parts): Expression {
  return ofPart(parts, (elements) => elements);
}

function inverseCount(parts: Parts): Expression {
  return ofPart(parts, (elements) => 1 / elements);
}

/** A number of a part that follows from how many elements it has. */
function ofPart({ part, chunk, length }: Parts, value: (elements: number) => number): Expression {
  const last = part.extent - 1;
  const [usual, ending] = [chunk.extent, length - last * chunk.extent].map(
    (elements): Expression => ({ kind: "constant", value: value(elements), dtype: "f32" }),
  );
  if (length === part.extent * chunk.extent) return usual!;
  return guard([{ index: axisIndex(part.id, part.extent), low: 0, high: last }], usual!, ending!);
}
