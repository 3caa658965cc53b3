// Expression -> WGSL statements that leave its value under a name. A node shared by identity is written once a scope;
// what a guard protects is written inside its branch, so that loads of the branch not taken are not made, unless that is
// but a load or so: then both sides are made and one is selected, since a branch costs more (and much time to compile
// on software adapters). A load outside of its buffer is harmless in WebGPU: it reads some other element.
import type { Index } from "../ops/index-expression.ts";
import { rangeOf } from "../ops/index-arithmetic.ts";
import type { Expression, Store } from "../kernels/kernel.ts";
import { isHalf } from "../ops/half.ts";
import { convert, literal, wgslType } from "./dtype-text.ts";
import { nodeCount } from "./expression-parts.ts";
import { indexText } from "./index-text.ts";
import { instructionText } from "./instruction-text.ts";
import type { KernelText } from "./kernel-text.ts";
import { Scope } from "./scope.ts";

type Guard = Expression & { kind: "guard" };

/** Writes what is needed and returns the text of the value: a name or a literal, in the WGSL type of its dtype. */
export function expressionText(text: KernelText, scope: Scope, expression: Expression): string {
  if (expression.kind === "constant") return literal(expression.value, expression.dtype);
  if (expression.kind === "accumulator") return scope.accumulator;
  if (expression.kind === "reduced") return scope.reducedValue(expression.stage);
  const known = scope.known(expression);
  if (known !== undefined) return known;
  const name =
    expression.kind === "guard"
      ? guardText(text, scope, expression)
      : text.define("v", valueText(text, scope, expression));
  scope.remember(expression, name);
  return name;
}

/** All values are made before the first is stored: a new value may lie where an old one is that another still reads. */
export function storesText(text: KernelText, scope: Scope, stores: readonly Store[]): void {
  const writes = stores.map(({ buffer, index, value }) => ({
    buffer,
    position: positionText(text, scope, index),
    value: convert(expressionText(text, scope, value), value.dtype, text.dtypeOf(buffer)),
  }));
  for (const { buffer, position, value } of writes) text.store(buffer, position, value);
}

export function positionText(text: KernelText, scope: Scope, index: Index): string {
  return indexText(text, scope, index, (value) => {
    const expression = value as Expression;
    return convert(expressionText(text, scope, expression), expression.dtype, "i32");
  });
}

function valueText(
  text: KernelText,
  scope: Scope,
  expression: Exclude<Expression, { kind: "constant" | "accumulator" | "reduced" | "guard" }>,
): string {
  switch (expression.kind) {
    case "load":
      return convert(
        text.load(expression.buffer, positionText(text, scope, expression.index)),
        text.dtypeOf(expression.buffer),
        expression.dtype,
      );
    case "position":
      return convert(positionText(text, scope, expression.index), "i32", expression.dtype);
    case "apply":
      return applyText(text, scope, expression);
    case "random":
      return randomText(text, scope, expression);
  }
}

function applyText(
  text: KernelText,
  scope: Scope,
  expression: Expression & { kind: "apply" },
): string {
  const { instruction, dtype } = expression;
  const value = computedText(text, scope, expression);
  // A cast rounds by itself, and a choice among halves is one.
  const isRounded = instruction === "cast" || instruction === "select";
  return isHalf(dtype) && !isRounded ? text.rounded(value, dtype) : value;
}

function computedText(
  text: KernelText,
  scope: Scope,
  expression: Expression & { kind: "apply" },
): string {
  const first = expression.arguments[expression.instruction === "select" ? 1 : 0]!;
  const power = smallPower(text, scope, expression);
  if (power !== undefined) return power;
  return instructionText(text, {
    instruction: expression.instruction,
    arguments: expression.arguments.map((argument) => expressionText(text, scope, argument)),
    operand: first.dtype,
    dtype: expression.dtype,
  });
}

/** x ^ 2 and the like, which need no logarithm. */
function smallPower(
  text: KernelText,
  scope: Scope,
  expression: Expression & { kind: "apply" },
): string | undefined {
  const [base, exponent] = expression.arguments;
  if (expression.instruction !== "power" || exponent?.kind !== "constant") return undefined;
  const x = expressionText(text, scope, base!);
  switch (exponent.value) {
    case 1:
      return x;
    case 2:
      return `(${x} * ${x})`;
    case 3:
      return `(${x} * ${x} * ${x})`;
    case 4:
      return `((${x} * ${x}) * (${x} * ${x}))`;
    case 0.5:
      return `sqrt(${x})`;
    case -1:
      return `(1.0 / ${x})`;
    default:
      return undefined;
  }
}

function randomText(
  text: KernelText,
  scope: Scope,
  { stream, seed, step, index }: Expression & { kind: "random" },
): string {
  const word = (value: Expression): string =>
    convert(expressionText(text, scope, value), value.dtype, "u32");
  const key = `${literal(stream, "u32")} ^ ${word(seed)}`;
  return `${text.call("threefry")}(${key}, ${word(step)}, u32(${positionText(text, scope, index)}))`;
}

/** Nodes of both sides of a guard that is made without a branch. */
const CHEAP = 6;

function guardText(text: KernelText, scope: Scope, guard: Guard): string {
  const conditions = conditionTexts(text, scope, guard);
  if (conditions.length === 0) return expressionText(text, scope, guard.value);
  if (nodeCount(guard.value) + nodeCount(guard.otherwise) <= CHEAP) {
    const [value, otherwise] = [guard.value, guard.otherwise].map((side) =>
      expressionText(text, scope, side),
    );
    return text.define("g", `select(${otherwise}, ${value}, ${conditions.join(" & ")})`);
  }
  const isConstant = guard.otherwise.kind === "constant";
  const name = text.name("g");
  const start = isConstant ? ` = ${expressionText(text, scope, guard.otherwise)}` : "";
  text.line(`var ${name}: ${wgslType(guard.dtype)}${start};`);
  const assign = (value: Expression) => (): void =>
    text.line(`${name} = ${expressionText(text, new Scope(scope), value)};`);
  text.block(`if (${conditions.join(" & ")})`, assign(guard.value));
  if (!isConstant) text.block("else", assign(guard.otherwise));
  return name;
}

/** The comparisons that the index's own range does not settle; joined by `&`, since `&&` would branch. */
function conditionTexts(text: KernelText, scope: Scope, guard: Guard): string[] {
  return guard.conditions.flatMap(({ index, low, high }) => {
    const range = rangeOf(index);
    const value = positionText(text, scope, index);
    return [
      ...(range.low < low ? [`(${value} >= ${low})`] : []),
      ...(range.high >= high ? [`(${value} < ${high})`] : []),
    ];
  });
}
