// Scalar instructions on vectors: f32 (halves are widened to it), i32, u32, and bool as a mask (all bits of a lane set,
// or none).
// Meanings are those of `ops/scalar-meaning.ts`; integer division and shifts by varying distances go lane by lane.
import type { DType } from "../graph/graph.ts";
import { computedType, isHalf } from "../ops/half.ts";
import type { ScalarInstruction } from "../ops/op.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { roundToHalf } from "./half-storage.ts";
import { libraryReference } from "./library.ts";
import type { LibraryName } from "./library.ts";
import type { Opcode } from "./opcodes.ts";
import { erf, exp, log, sigmoid, tanh } from "./vector-math.ts";

/** What an instruction works on. */
export interface Application {
  readonly instruction: ScalarInstruction;
  readonly operands: readonly Local[];
  /** Of the first operand; f32 for halves, which are f32 in registers. */
  readonly from: DType;
  /** Of the result. */
  readonly dtype: DType;
  /** The second operand where it is the same number everywhere. */
  readonly constant: number | undefined;
}

const select = (f: FunctionBuilder, condition: Local, yes: Local, no: Local): Local =>
  f.emit("v128.bitselect", yes, no, condition);

export function applyInstruction(f: FunctionBuilder, application: Application): Local {
  const { instruction, operands, from, dtype } = application;
  const [a, b, c] = operands as [Local, Local, Local];
  switch (instruction) {
    case "select":
      return select(f, a, b, c);
    case "cast":
      return cast(f, a, from, dtype);
    case "less":
    case "less_equal":
    case "greater":
    case "greater_equal":
    case "equal":
    case "not_equal":
      return f.emit(comparison(instruction, from), a, b);
    case "and":
      return f.emit("v128.and", truth(f, a, from), truth(f, b, from));
    case "or":
      return f.emit("v128.or", truth(f, a, from), truth(f, b, from));
    case "not":
      return f.emit("v128.not", truth(f, a, from));
    case "is_finite":
      if (from !== "f32") return f.i32x4(-1);
      return f.emit("f32x4.lt", f.emit("f32x4.abs", a), f.f32x4(Infinity));
    case "bit_and":
      return f.emit("v128.and", a, b);
    case "bit_or":
      return f.emit("v128.or", a, b);
    case "bit_xor":
      return f.emit("v128.xor", a, b);
    case "shift_left":
    case "shift_right":
      return shift(f, application);
    default:
      return from === "f32" ? floatArithmetic(f, application) : integerArithmetic(f, application);
  }
}

/** Bool in a register is a mask; anything else is true where it is not zero. */
function truth(f: FunctionBuilder, value: Local, from: DType): Local {
  if (from === "bool") return value;
  return from === "f32"
    ? f.emit("f32x4.ne", value, f.f32x4(0))
    : f.emit("i32x4.ne", value, f.i32x4(0));
}

function cast(f: FunctionBuilder, value: Local, from: DType, target: DType): Local {
  const made = castBetween(f, value, from, computedType(target));
  return isHalf(target) ? roundToHalf(f, made, target) : made;
}

function castBetween(f: FunctionBuilder, value: Local, from: DType, to: DType): Local {
  if (from === to) return value;
  if (to === "bool") return truth(f, value, from);
  if (from === "bool") return f.emit("v128.and", value, to === "f32" ? f.f32x4(1) : f.i32x4(1));
  if (to === "f32")
    return f.emit(from === "u32" ? "f32x4.convert_i32x4_u" : "f32x4.convert_i32x4_s", value);
  if (from !== "f32") return value;
  return f.emit(to === "u32" ? "i32x4.trunc_sat_f32x4_u" : "i32x4.trunc_sat_f32x4_s", value);
}

type Comparison = "less" | "less_equal" | "greater" | "greater_equal" | "equal" | "not_equal";

function comparison(instruction: Comparison, from: DType): Opcode {
  const word = {
    less: "lt",
    less_equal: "le",
    greater: "gt",
    greater_equal: "ge",
    equal: "eq",
    not_equal: "ne",
  } as const;
  const short = word[instruction];
  if (from === "f32") return `f32x4.${short}`;
  if (short === "eq" || short === "ne") return `i32x4.${short}`;
  // As masks, false (0) is above true (-1) when signed; unsigned, they are in order.
  return from === "i32" ? `i32x4.${short}_s` : `i32x4.${short}_u`;
}

const libraryCalls: { readonly [instruction in ScalarInstruction]?: LibraryName } = {
  sin: "sin",
  cos: "cos",
  log1p: "log1p",
  expm1: "expm1",
  power: "power",
  atan2: "atan2",
};

function floatArithmetic(f: FunctionBuilder, application: Application): Local {
  const { instruction, operands } = application;
  const [a, b] = operands as [Local, Local];
  const simple = plainFloat[instruction];
  if (simple !== undefined) return f.emit(simple, ...operands);
  if (instruction === "power") return raise(f, application);
  const library = libraryCalls[instruction];
  if (library !== undefined) return f.call(libraryReference(library), ...operands);
  switch (instruction) {
    case "exp":
      return exp(f, a);
    case "log":
      return log(f, a);
    case "tanh":
      return tanh(f, a);
    case "erf":
      return erf(f, a);
    case "sigmoid":
      return sigmoid(f, a);
    case "rsqrt":
      return f.emit("f32x4.div", f.f32x4(1), f.emit("f32x4.sqrt", a));
    case "reciprocal":
      return f.emit("f32x4.div", f.f32x4(1), a);
    case "sign":
      return signOf(f, a);
    case "modulo": {
      const whole = f.emit("f32x4.floor", f.emit("f32x4.div", a, b));
      return f.emit("f32x4.sub", a, f.emit("f32x4.mul", b, whole));
    }
    default:
      throw new Error(`wasm: no instruction ${instruction} on f32`);
  }
}

const plainFloat: { readonly [instruction in ScalarInstruction]?: Opcode } = {
  add: "f32x4.add",
  subtract: "f32x4.sub",
  multiply: "f32x4.mul",
  divide: "f32x4.div",
  minimum: "f32x4.min",
  maximum: "f32x4.max",
  negate: "f32x4.neg",
  absolute: "f32x4.abs",
  floor: "f32x4.floor",
  ceil: "f32x4.ceil",
  round: "f32x4.nearest",
  sqrt: "f32x4.sqrt",
};

/** -1, 0 or 1; zeros and NaN stay themselves. */
function signOf(f: FunctionBuilder, x: Local): Local {
  const isNonZero = f.emit("f32x4.gt", f.emit("f32x4.abs", x), f.f32x4(0));
  const one = f.emit("v128.or", f.f32x4(1), f.emit("v128.and", x, f.i32x4(0x80000000)));
  return select(f, isNonZero, one, x);
}

/** Small whole powers are products. */
function raise(f: FunctionBuilder, { operands, constant }: Application): Local {
  const [x] = operands as [Local];
  const square = (): Local => f.emit("f32x4.mul", x, x);
  switch (constant) {
    case 1:
      return x;
    case 2:
      return square();
    case 3:
      return f.emit("f32x4.mul", square(), x);
    case 4: {
      const two = square();
      return f.emit("f32x4.mul", two, two);
    }
    case -1:
      return f.emit("f32x4.div", f.f32x4(1), x);
    default:
      return f.call(libraryReference("power"), ...operands);
  }
}

function integerArithmetic(f: FunctionBuilder, application: Application): Local {
  const { instruction, operands, from } = application;
  const [a, b] = operands as [Local, Local];
  const isSigned = from === "i32";
  switch (instruction) {
    case "add":
      return f.emit("i32x4.add", a, b);
    case "subtract":
      return f.emit("i32x4.sub", a, b);
    case "multiply":
      return f.emit("i32x4.mul", a, b);
    case "minimum":
      return f.emit(isSigned ? "i32x4.min_s" : "i32x4.min_u", a, b);
    case "maximum":
      return f.emit(isSigned ? "i32x4.max_s" : "i32x4.max_u", a, b);
    case "negate":
      return f.emit("i32x4.neg", a);
    case "absolute":
      return isSigned ? f.emit("i32x4.abs", a) : a;
    case "floor":
    case "ceil":
    case "round":
      return a;
    case "sign": {
      const positive = f.emit("v128.and", f.emit("i32x4.ne", a, f.i32x4(0)), f.i32x4(1));
      return isSigned ? f.emit("v128.or", f.emit("i32x4.shr_s", a, 31), positive) : positive;
    }
    case "divide":
      return laneByLane(f, operands, (x, y) => quotient(f, x, y, isSigned));
    case "modulo":
      return laneByLane(f, operands, (x, y) => floorRemainder(f, x, y, isSigned));
    default:
      throw new Error(`wasm: no instruction ${instruction} on ${from}`);
  }
}

function laneByLane(
  f: FunctionBuilder,
  [a, b]: readonly Local[],
  build: (x: Local, y: Local) => Operand,
): Local {
  let result = a!;
  for (let lane = 0; lane < 4; lane++) {
    const x = f.extractLane("i32x4.extract_lane", a!, lane);
    const y = f.extractLane("i32x4.extract_lane", b!, lane);
    result = f.replaceLane("i32x4.replace_lane", result, lane, build(x, y));
  }
  return result;
}

/** Towards zero; by zero: zero. The instruction itself would trap on 0 and on -2^31 / -1. */
function quotient(f: FunctionBuilder, x: Local, y: Local, isSigned: boolean): Operand {
  const isZero = f.emit("i32.eqz", y);
  if (!isSigned) {
    const whole = f.emit("i32.div_u", x, f.select(1, y, isZero));
    return f.select(0, whole, isZero);
  }
  const isMinusOne = f.emit("i32.eq", y, -1);
  const safe = f.select(1, y, f.emit("i32.or", isZero, isMinusOne));
  const whole = f.emit("i32.div_s", x, safe);
  const negated = f.emit("i32.sub", 0, x);
  return f.select(0, f.select(negated, whole, isMinusOne), isZero);
}

/** The divisor's sign; by zero: zero. */
function floorRemainder(f: FunctionBuilder, x: Local, y: Local, isSigned: boolean): Operand {
  const isZero = f.emit("i32.eqz", y);
  const safe = f.select(1, y, isZero);
  if (!isSigned) return f.select(0, f.emit("i32.rem_u", x, safe), isZero);
  const rest = f.emit("i32.rem_s", x, safe);
  const differs = f.emit("i32.lt_s", f.emit("i32.xor", rest, safe), 0);
  const moves = f.emit("i32.and", differs, f.emit("i32.ne", rest, 0));
  return f.select(0, f.select(f.emit("i32.add", rest, safe), rest, moves), isZero);
}

function shift(f: FunctionBuilder, application: Application): Local {
  const { instruction, operands, constant } = application;
  const isLeft = instruction === "shift_left";
  if (constant !== undefined)
    return f.emit(isLeft ? "i32x4.shl" : "i32x4.shr_u", operands[0]!, constant & 31);
  return laneByLane(f, operands, (x, y) => f.emit(isLeft ? "i32.shl" : "i32.shr_u", x, y));
}
