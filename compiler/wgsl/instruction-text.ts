// One scalar instruction -> a WGSL expression over the texts of its arguments.
import type { DType } from "../graph/graph.ts";
import { computedType, isHalf } from "../ops/half.ts";
import type { ScalarInstruction } from "../ops/op.ts";
import { convert, literal, wgslType } from "./dtype-text.ts";
import type { KernelText } from "./kernel-text.ts";

export interface Application {
  readonly instruction: ScalarInstruction;
  readonly arguments: readonly string[];
  /** dtype of the first argument that is not `select`'s condition. */
  readonly operand: DType;
  readonly dtype: DType;
}

const INFIX: { readonly [instruction in ScalarInstruction]?: string } = {
  add: "+",
  subtract: "-",
  multiply: "*",
  less: "<",
  less_equal: "<=",
  greater: ">",
  greater_equal: ">=",
  equal: "==",
  not_equal: "!=",
  and: "&",
  or: "|",
  bit_and: "&",
  bit_or: "|",
  bit_xor: "^",
};

/** Comparisons that WGSL does not have for bools. */
const ORDER: readonly ScalarInstruction[] = ["less", "less_equal", "greater", "greater_equal"];

export function instructionText(text: KernelText, application: Application): string {
  const { instruction, dtype } = application;
  const operand = computedType(application.operand);
  const [a = "", b = "", c = ""] = application.arguments;
  const infix = INFIX[instruction];
  if (operand === "bool" && ORDER.includes(instruction)) return `(u32(${a}) ${infix} u32(${b}))`;
  if (infix !== undefined) return `(${a} ${infix} ${b})`;
  switch (instruction) {
    case "divide":
      return quotient(text, a, b, operand);
    case "modulo":
      return remainder(text, a, b, operand);
    case "minimum":
      return `min(${a}, ${b})`;
    case "maximum":
      return `max(${a}, ${b})`;
    case "power":
      return `${text.call("power")}(${a}, ${b})`;
    case "atan2":
      return `${text.call("arc_tangent")}(${a}, ${b})`;
    case "negate":
      return operand === "u32" ? `(0u - ${a})` : `(-${a})`;
    case "absolute":
      return `abs(${a})`;
    case "sign":
    case "floor":
    case "ceil":
    case "round":
      return operand === "f32" || instruction === "sign" ? `${instruction}(${a})` : a;
    case "sqrt":
      return `sqrt(${a})`;
    case "rsqrt":
      return `(1.0 / sqrt(${a}))`;
    case "reciprocal":
      return `(1.0 / ${a})`;
    case "exp":
      return `${text.call("exponential")}(${a})`;
    case "log":
      return `${text.call("logarithm")}(${a})`;
    case "log1p":
      return `${text.call("log_one_plus")}(${a})`;
    case "expm1":
      return `${text.call("exp_minus_one")}(${a})`;
    case "sin":
      return `${text.call("sine")}(${a})`;
    case "cos":
      return `${text.call("cosine")}(${a})`;
    case "tanh":
      return `${text.call("hyperbolic_tangent")}(${a})`;
    case "erf":
      return `${text.call("error_function")}(${a})`;
    case "sigmoid":
      return `${text.call("logistic")}(${a})`;
    case "not":
      return `(!${a})`;
    case "select":
      return `select(${c}, ${b}, ${a})`;
    case "cast": {
      const value = convert(a, operand, computedType(dtype));
      return isHalf(dtype) ? text.rounded(value, dtype) : value;
    }
    case "is_finite":
      return operand === "f32" ? `${text.call("is_finite")}(${a})` : literal(1, "bool");
    case "shift_left":
      return `(${a} << (${convert(b, operand, "u32")} & 31u))`;
    case "shift_right":
      return `(${a} >> (${convert(b, operand, "u32")} & 31u))`;
    default:
      throw new Error(`no WGSL for the scalar instruction ${instruction}`);
  }
}

/** Integers divide towards zero, and by zero give zero. */
function quotient(text: KernelText, a: string, b: string, dtype: DType): string {
  return dtype === "f32"
    ? `(${a} / ${b})`
    : `${text.call(`quotient_${integer(dtype)}`)}(${a}, ${b})`;
}

/** The remainder has the divisor's sign; by zero it is zero. */
function remainder(text: KernelText, a: string, b: string, dtype: DType): string {
  const name = dtype === "f32" ? "remainder_f32" : (`remainder_${integer(dtype)}` as const);
  return `${text.call(name)}(${a}, ${b})`;
}

function integer(dtype: DType): "i32" | "u32" {
  const type = wgslType(dtype);
  if (type === "i32" || type === "u32") return type;
  throw new Error(`division of ${dtype}`);
}
