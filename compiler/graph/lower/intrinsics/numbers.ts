// Functions of one number, on settings, scalars of the step and tensors alike.
import { hostApply, type HostOperation } from "../../host-expression.ts";
import { describeValue } from "../describe-value.ts";
import { elementwise, unaryOp } from "../elementwise.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { hostOf } from "../host-value.ts";
import { real, tensor, whole, type Value } from "../value.ts";
import { intrinsic, read, valueOf } from "./arguments.ts";

interface NumberFunction {
  readonly name: string;
  readonly about: string;
  readonly op: string;
  meaning(x: number): number;
  readonly host?: HostOperation;
  /** The result counts (`floor`), or is whole where its argument is (`abs`). */
  readonly result?: "whole" | "same";
  /** Whole numbers inside need not divide. */
  readonly rounds?: boolean;
}

const functions: readonly NumberFunction[] = [
  { name: "exp", about: "e to the x", op: "exp", meaning: Math.exp, host: "exp" },
  { name: "ln", about: "natural logarithm", op: "log", meaning: Math.log, host: "log" },
  { name: "ln1p", about: "ln(1 + x), exact near 0", op: "log1p", meaning: Math.log1p },
  { name: "expm1", about: "exp(x) - 1, exact near 0", op: "expm1", meaning: Math.expm1 },
  { name: "sqrt", about: "square root", op: "sqrt", meaning: Math.sqrt, host: "sqrt" },
  { name: "rsqrt", about: "1 / sqrt(x)", op: "rsqrt", meaning: (x) => 1 / Math.sqrt(x) },
  { name: "sin", about: "sine", op: "sin", meaning: Math.sin, host: "sin" },
  { name: "cos", about: "cosine", op: "cos", meaning: Math.cos, host: "cos" },
  { name: "tanh", about: "hyperbolic tangent", op: "tanh", meaning: Math.tanh },
  { name: "erf", about: "error function", op: "erf", meaning: erf },
  { name: "sigmoid", about: "1 / (1 + exp(-x))", op: "sigmoid", meaning: (x) => 1 / (1 + Math.exp(-x)) },
  { name: "abs", about: "absolute value", op: "absolute", meaning: Math.abs, host: "absolute", result: "same" },
  { name: "sign", about: "-1, 0 or 1", op: "sign", meaning: Math.sign, result: "same" },
  { name: "floor", about: "largest whole number not above", op: "floor", meaning: Math.floor, host: "floor", result: "whole", rounds: true },
  { name: "ceil", about: "smallest whole number not below", op: "ceil", meaning: Math.ceil, host: "ceil", result: "whole", rounds: true },
  { name: "round", about: "nearest whole number, halves to even", op: "round", meaning: roundHalfToEven, host: "round", result: "whole", rounds: true },
]; // prettier-ignore

export const numberFunctions: readonly Intrinsic[] = [
  ...functions.map((each) =>
    intrinsic(each.name, each.about, ["x"], (call) => applyTo(each, call)),
  ),
  intrinsic("atan2", "angle of the point (x, y), -pi to pi", ["y", "x"], (call) =>
    elementwise(
      call.evaluator,
      "atan2",
      [valueOf(call, "y"), valueOf(call, "x")],
      call.scope,
      call.at,
    ),
  ),
];

function applyTo(each: NumberFunction, call: IntrinsicCall): Value {
  const x = argumentOf(each, call);
  switch (x.kind) {
    case "number": {
      const value = each.meaning(x.value);
      if (!Number.isFinite(value)) {
        return call.evaluator.fail(errors.notFinite(call.name, x.value, call.at), call.scope);
      }
      const isWhole = each.result === "whole" || (each.result === "same" && x.isWhole);
      return isWhole ? whole(value) : real(value);
    }
    case "tensor":
      if (each.result === "whole" && (x.node.dtype === "i32" || x.node.dtype === "u32")) return x;
      return unaryOp(call.evaluator, each.op, x, call.scope, call.at, each.result === "same");
    case "host":
      return onHost(each, call, x);
    default:
      return call.evaluator.fail(
        errors.argumentType(
          call.name,
          "x",
          "a number or a tensor",
          describeValue(x, call.scope.roles),
          call.at,
        ),
        call.scope,
      );
  }
}

function argumentOf(each: NumberFunction, call: IntrinsicCall): Value {
  const given = call.arguments.get("x")!;
  if (each.rounds !== true) return read(call, given);
  call.evaluator.rounding++;
  try {
    return read(call, given);
  } finally {
    call.evaluator.rounding--;
  }
}

function onHost(each: NumberFunction, call: IntrinsicCall, x: Value): Value {
  const expression = hostOf(x)!;
  if (each.host !== undefined)
    return { kind: "host", expression: hostApply(each.host, expression) };
  if (each.name === "rsqrt") {
    const root = hostApply("sqrt", expression);
    return { kind: "host", expression: hostApply("divide", { kind: "number", value: 1 }, root) };
  }
  const { evaluator, scope, at } = call;
  return unaryOp(evaluator, each.op, tensor(evaluator.scalarOfStep(expression), []), scope, at);
}

function roundHalfToEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Series near 0, continued fraction beyond (Abramowitz and Stegun 7.1.5, 7.1.14). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 80; n++) {
      term *= -(a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}
