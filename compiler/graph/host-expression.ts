// Scalars of a run that the host computes at each step in double, such as `lr` and a twin's decay: how they are made
// (folding what is known), evaluated and printed. The type itself is in `lowered.ts`.
// A comparison is 1 or 0; `select(condition, a, b)` takes `a` where the condition is not 0.
import type { HostExpression } from "./lowered.ts";

export type HostOperation = Extract<HostExpression, { kind: "apply" }>["operation"];

/** What the variables of a schedule are worth at one step. */
export interface HostVariables {
  /** The number of this step, from 0. */
  readonly step: number;
  /** `step / steps_per_epoch`, a real. */
  readonly epoch: number;
  /** The length of the run in steps. */
  readonly steps: number;
  readonly steps_per_epoch: number;
}

export type HostVariable = keyof HostVariables;

export const hostVariables: readonly HostVariable[] = ["step", "epoch", "steps", "steps_per_epoch"];

export function hostNumber(value: number): HostExpression {
  return { kind: "number", value };
}

export function hostVariable(name: HostVariable): HostExpression {
  return { kind: "variable", name };
}

/** An application; what is known at once is a number at once. */
export function hostApply(
  operation: HostOperation,
  ...inputs: readonly HostExpression[]
): HostExpression {
  if (operation === "select") {
    const [condition, whenTrue, whenFalse] = inputs;
    if (condition!.kind === "number") return condition!.value !== 0 ? whenTrue! : whenFalse!;
    if (isSame(whenTrue!, whenFalse!)) return whenTrue!;
  }
  if (inputs.every((input) => input.kind === "number")) {
    return hostNumber(meaning(operation, inputs.map(numberOf)));
  }
  return neutral(operation, inputs) ?? { kind: "apply", operation, arguments: inputs };
}

/** The value at one step, in double. */
export function evaluateHost(expression: HostExpression, at: HostVariables): number {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "variable":
      return at[expression.name];
    case "apply": {
      const inputs = expression.arguments;
      if (expression.operation === "select") {
        return evaluateHost(evaluateHost(inputs[0]!, at) !== 0 ? inputs[1]! : inputs[2]!, at);
      }
      return meaning(
        expression.operation,
        inputs.map((input) => evaluateHost(input, at)),
      );
    }
  }
}

/** True where the value is the same at every step. */
export function isConstant(expression: HostExpression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "variable":
      return expression.name === "steps" || expression.name === "steps_per_epoch";
    case "apply":
      return expression.arguments.every(isConstant);
  }
}

function isSame(a: HostExpression, b: HostExpression): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function numberOf(expression: HostExpression): number {
  return expression.kind === "number" ? expression.value : Number.NaN;
}

/** x + 0, x * 1, x / 1, x ^ 1: so that `lr * 1` prints, and runs, as `lr`. */
function neutral(
  operation: HostOperation,
  inputs: readonly HostExpression[],
): HostExpression | undefined {
  const [a, b] = inputs;
  const is = (expression: HostExpression | undefined, value: number) =>
    expression?.kind === "number" && expression.value === value;
  switch (operation) {
    case "add":
      return is(a, 0) ? b : is(b, 0) ? a : undefined;
    case "subtract":
      return is(b, 0) ? a : undefined;
    case "multiply":
      return is(a, 1) ? b : is(b, 1) ? a : undefined;
    case "divide":
    case "power":
      return is(b, 1) ? a : undefined;
    default:
      return undefined;
  }
}

function meaning(operation: HostOperation, inputs: readonly number[]): number {
  const [a = 0, b = 0, c = 0] = inputs;
  switch (operation) {
    case "add":
      return a + b;
    case "subtract":
      return a - b;
    case "multiply":
      return a * b;
    case "divide":
      return a / b;
    case "power":
      return a ** b;
    case "minimum":
      return Math.min(...inputs);
    case "maximum":
      return Math.max(...inputs);
    case "floor":
      return Math.floor(a);
    case "ceil":
      return Math.ceil(a);
    case "round":
      return roundHalfToEven(a);
    case "negate":
      return -a;
    case "absolute":
      return Math.abs(a);
    case "sqrt":
      return Math.sqrt(a);
    case "exp":
      return Math.exp(a);
    case "log":
      return Math.log(a);
    case "cos":
      return Math.cos(a);
    case "sin":
      return Math.sin(a);
    case "less":
      return a < b ? 1 : 0;
    case "less_equal":
      return a <= b ? 1 : 0;
    case "equal":
      return a === b ? 1 : 0;
    case "select":
      return a !== 0 ? b : c;
  }
}

/** As IEEE 754 and PyTorch round: 0.5 to 0, 1.5 to 2. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const infix: Partial<Record<HostOperation, { sign: string; strength: number }>> = {
  less: { sign: "<", strength: 1 },
  less_equal: { sign: "<=", strength: 1 },
  equal: { sign: "==", strength: 1 },
  add: { sign: "+", strength: 2 },
  subtract: { sign: "-", strength: 2 },
  multiply: { sign: "*", strength: 3 },
  divide: { sign: "/", strength: 3 },
  power: { sign: "^", strength: 5 },
};

const prefix: Partial<Record<HostOperation, string>> = {
  minimum: "min",
  maximum: "max",
  absolute: "abs",
  log: "ln",
};

/** The expression as `.vit` text. */
export function printHost(expression: HostExpression): string {
  return print(expression, 0);
}

function print(expression: HostExpression, around: number): string {
  switch (expression.kind) {
    case "number":
      return expression.value < 0 && around > 2
        ? `(${expression.value})`
        : String(expression.value);
    case "variable":
      return expression.name;
    case "apply":
      return printApply(expression, around);
  }
}

function printApply(
  expression: Extract<HostExpression, { kind: "apply" }>,
  around: number,
): string {
  const { operation, arguments: inputs } = expression;
  const sign = infix[operation];
  if (sign) {
    // The right side of `-`, `/` and a comparison binds one tighter: a - (b - c).
    const text = `${print(inputs[0]!, sign.strength)} ${sign.sign} ${print(inputs[1]!, sign.strength + 1)}`;
    return sign.strength < around ? `(${text})` : text;
  }
  if (operation === "negate") return `-${print(inputs[0]!, 4)}`;
  if (operation === "select") {
    const text = `if ${print(inputs[0]!, 0)} then ${print(inputs[1]!, 0)} else ${print(inputs[2]!, 0)}`;
    return around > 0 ? `(${text})` : text;
  }
  return `${prefix[operation] ?? operation}(${inputs.map((input) => print(input, 0)).join(", ")})`;
}
