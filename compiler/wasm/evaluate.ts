// Expression at a frame -> instructions that leave its four lanes in a local.
// One code for everything: the last few elements of a row run it too, with one meaningful lane (width 1).
// An index whose lanes lie at a fixed distance costs one load; others are worked out lane by lane.
import type { DType } from "../graph/graph.ts";
import { loadsOf } from "../kernels/expression.ts";
import type { Expression, Store } from "../kernels/kernel.ts";
import { rangeOf } from "../ops/index-arithmetic.ts";
import type { HalfType } from "../ops/half.ts";
import { computedType, isHalf, roundTo } from "../ops/half.ts";
import type { Condition, Index } from "../ops/index-expression.ts";
import type { ScalarInstruction } from "../ops/op.ts";
import { elementBytes } from "./bound-buffers.ts";
import { dataValue } from "./expression-facts.ts";
import type { Frame, ReadData } from "./frame.ts";
import type { Local, Operand } from "./function-builder.ts";
import { halfBits, joinHalves, roundToHalf, widenHalf } from "./half-storage.ts";
import { applyInstruction } from "./instructions.ts";
import { isUniformCondition, laneStride } from "./lanes.ts";
import { libraryReference } from "./library.ts";

type Load = Expression & { readonly kind: "load" };
type Guard = Expression & { readonly kind: "guard" };

export function evaluate(expression: Expression, frame: Frame): Local {
  const known = frame.valueOf(expression);
  if (known !== undefined) return known;
  const value = compute(expression, frame);
  frame.remember(expression, value);
  return value;
}

function compute(expression: Expression, frame: Frame): Local {
  const { f } = frame.context;
  switch (expression.kind) {
    case "constant":
      return constant(expression.value, expression.dtype, frame);
    case "load":
      return load(expression, frame);
    case "position": {
      const lanes = positions(expression.index, frame);
      return expression.dtype === "f32" ? f.emit("f32x4.convert_i32x4_s", lanes) : lanes;
    }
    case "apply": {
      const second = expression.arguments[1];
      const made = applyInstruction(f, {
        instruction: expression.instruction,
        operands: expression.arguments.map((argument) => evaluate(argument, frame)),
        from: computedType(firstDType(expression)),
        dtype: expression.dtype,
        constant: second?.kind === "constant" ? second.value : undefined,
      });
      return isHalf(expression.dtype) && !keepsHalves(expression.instruction)
        ? roundToHalf(f, made, expression.dtype)
        : made;
    }
    case "guard":
      return guard(expression, frame);
    case "random": {
      const seed = evaluate(expression.seed, frame);
      const key = f.emit("v128.xor", seed, f.i32x4(expression.stream));
      const step = evaluate(expression.step, frame);
      return f.call(libraryReference("threefry"), key, step, positions(expression.index, frame));
    }
    case "reduced":
      return required(frame.reduced(expression.stage), `result of stage ${expression.stage}`);
    case "accumulator":
      return required(frame.accumulator(), "accumulator");
  }
}

/** A choice among halves, or a cast, which rounds by itself. */
function keepsHalves(instruction: ScalarInstruction): boolean {
  return instruction === "select" || instruction === "cast";
}

/** `select` has its condition first, but it is the values whose type tells what to do; bit patterns need no type. */
function firstDType(expression: Expression & { readonly kind: "apply" }): DType {
  return expression.arguments[0]?.dtype ?? expression.dtype;
}

function required(value: Local | undefined, what: string): Local {
  if (value === undefined) throw new Error(`wasm: the ${what} is not known here`);
  return value;
}

function constant(value: number, dtype: DType, frame: Frame): Local {
  const { f } = frame.context;
  switch (dtype) {
    case "f32":
      return f.f32x4(value);
    case "i32":
    case "u32":
      return f.i32x4(value);
    case "bool":
      return f.i32x4(value === 0 ? 0 : -1);
    case "f16":
    case "bf16":
      return f.f32x4(roundTo(value, dtype));
  }
}

/** Lanes of an index as i32x4. */
function positions(index: Index, frame: Frame): Local {
  const { f, facts } = frame.context;
  const stride = frame.vector.width === 1 ? 0 : laneStride(index, frame.vector.axis, facts);
  if (index.kind === "data") return dataLanes(index, frame);
  if (stride !== undefined) {
    const first = f.emit("i32x4.splat", laneInteger(index, frame, 0));
    return stride === 0
      ? first
      : f.emit("i32x4.add", first, f.i32x4(0, stride, 2 * stride, 3 * stride));
  }
  let lanes = f.i32x4(0);
  for (let lane = 0; lane < 4; lane++)
    lanes = f.replaceLane("i32x4.replace_lane", lanes, lane, laneInteger(index, frame, lane));
  return lanes;
}

/** The index at one lane, data included. */
function laneInteger(index: Index, frame: Frame, lane: number): Operand {
  return frame.integer(index, lane, readDataAt(frame, lane));
}

function readDataAt(frame: Frame, lane: number): ReadData {
  return (data) => frame.context.f.extractLane("i32x4.extract_lane", dataLanes(data, frame), lane);
}

/** The data of an index, clamped into its extent. */
function dataLanes(data: Index & { readonly kind: "data" }, frame: Frame): Local {
  const { f } = frame.context;
  const lanes = evaluate(dataValue(data), frame);
  const above = f.emit("i32x4.max_s", lanes, f.i32x4(0));
  return f.emit("i32x4.min_s", above, f.i32x4(data.extent - 1));
}

// ---- memory ----

interface Address {
  readonly base: Operand;
  readonly offset: number;
}

/** Byte address of an element at a lane: what is prepared, what is left, and shifts as a fixed offset. */
function addressAt(buffer: number, index: Index, frame: Frame, lane: number): Address {
  const { f } = frame.context;
  const { address, rest } = frame.addressOf(buffer, index);
  const size = elementBytes(frame.context.dtypeOf(buffer));
  let base = address;
  for (const term of rest.terms)
    base =
      term.of.kind === "axis"
        ? f.add(base, frame.termBytes(term, size))
        : f.add(base, f.multiply(laneInteger(term.of, frame, lane), term.factor * size));
  const offset = (rest.constant + shiftElements(index, frame, lane)) * size;
  return offset >= 0 ? { base, offset } : { base: f.add(base, offset), offset: 0 };
}

/** What shifts (and the lane) of the axes add to an index, where it is linear in them. */
function shiftElements(index: Index, frame: Frame, lane: number): number {
  switch (index.kind) {
    case "axis":
      return frame.shiftOf(index.axis) + (index.axis === frame.vector.axis ? lane : 0);
    case "add":
      return index.terms.reduce((sum, term) => sum + shiftElements(term, frame, lane), 0);
    case "multiply":
      return shiftElements(index.of, frame, lane) * index.by;
    case "constant":
    case "divide":
    case "modulo":
    case "data":
      return 0;
  }
}

function load(expression: Load, frame: Frame): Local {
  const { f } = frame.context;
  const stored = frame.context.dtypeOf(expression.buffer);
  if (isHalf(stored)) return widenHalf(f, loadHalves(expression, frame), stored);
  const lanes = loadLanes(expression, frame);
  return expression.dtype === "bool" ? f.emit("i32x4.ne", lanes, f.i32x4(0)) : lanes;
}

function loadLanes({ buffer, index }: Load, frame: Frame): Local {
  const { f, facts } = frame.context;
  const stride = frame.vector.width === 1 ? 0 : laneStride(index, frame.vector.axis, facts);
  const first = addressAt(buffer, index, frame, 0);
  if (stride === 0) return f.load("v128.load32_splat", first.base, first.offset);
  if (stride === 1) return f.load("v128.load", first.base, first.offset);
  let lanes = f.load("v128.load32_splat", first.base, first.offset);
  for (let lane = 1; lane < 4; lane++) {
    const { base, offset } =
      stride === undefined
        ? addressAt(buffer, index, frame, lane)
        : stepped(frame, first, stride * lane * 4);
    lanes = f.loadLane(lanes, lane, base, offset);
  }
  return lanes;
}

/** The bits of four halves, one a lane. */
function loadHalves({ buffer, index }: Load, frame: Frame): Local {
  const { f, facts } = frame.context;
  const stride = frame.vector.width === 1 ? 0 : laneStride(index, frame.vector.axis, facts);
  const first = addressAt(buffer, index, frame, 0);
  if (stride === 1) return f.load("i32x4.load16x4_u", first.base, first.offset);
  let lanes = f.emit("i32x4.splat", f.load("i32.load16_u", first.base, first.offset));
  for (let lane = 1; lane < 4 && stride !== 0; lane++) {
    const { base, offset } =
      stride === undefined
        ? addressAt(buffer, index, frame, lane)
        : stepped(frame, first, stride * lane * 2);
    const bits = f.load("i32.load16_u", base, offset);
    lanes = f.replaceLane("i32x4.replace_lane", lanes, lane, bits);
  }
  return lanes;
}

function stepped(frame: Frame, { base, offset }: Address, bytes: number): Address {
  const moved = offset + bytes;
  if (moved >= 0) return { base, offset: moved };
  return { base: frame.context.f.add(base, moved), offset: 0 };
}

/** Writes the meaningful lanes of a store's value. */
export function writeStore(store: Store, frame: Frame): void {
  const value = evaluate(unrounded(store, frame), frame);
  writeLanes(store.buffer, store.index, value, store.value.dtype, frame);
}

/** Storing a half rounds: a cast to the same half need not do so before. */
function unrounded({ buffer, value }: Store, frame: Frame): Expression {
  if (value.kind !== "apply" || value.instruction !== "cast") return value;
  const [inner] = value.arguments;
  const isSame = value.dtype === frame.context.dtypeOf(buffer) && isHalf(value.dtype);
  return isSame && inner?.dtype === "f32" ? inner : value;
}

export function writeLanes(
  buffer: number,
  index: Index,
  value: Local,
  dtype: DType,
  frame: Frame,
): void {
  const { f, facts } = frame.context;
  const held = frame.context.dtypeOf(buffer);
  if (isHalf(held)) return writeHalves(buffer, index, value, held, frame);
  const stored = dtype === "bool" ? f.emit("v128.and", value, f.i32x4(1)) : value;
  const first = addressAt(buffer, index, frame, 0);
  if (frame.vector.width === 1) return f.storeLane(first.base, stored, 0, first.offset);
  const stride = laneStride(index, frame.vector.axis, facts);
  if (stride === 1) return f.store("v128.store", first.base, stored, first.offset);
  for (let lane = 0; lane < 4; lane++) {
    const { base, offset } =
      stride === undefined
        ? addressAt(buffer, index, frame, lane)
        : stepped(frame, first, stride * lane * 4);
    f.storeLane(base, stored, lane, offset);
  }
}

function writeHalves(
  buffer: number,
  index: Index,
  value: Local,
  dtype: HalfType,
  frame: Frame,
): void {
  const { f, facts } = frame.context;
  const bits = halfBits(f, value, dtype);
  const first = addressAt(buffer, index, frame, 0);
  const one = (lane: number, { base, offset }: Address): void =>
    f.storeLane(base, bits, lane * 2, offset, "v128.store16_lane");
  if (frame.vector.width === 1) return one(0, first);
  const stride = laneStride(index, frame.vector.axis, facts);
  if (stride === 1)
    return f.storeLane(first.base, joinHalves(f, bits), 0, first.offset, "v128.store64_lane");
  for (let lane = 0; lane < 4; lane++)
    one(
      lane,
      stride === undefined
        ? addressAt(buffer, index, frame, lane)
        : stepped(frame, first, stride * lane * 2),
    );
}

// ---- guards ----

function guard(expression: Guard, frame: Frame): Local {
  const { facts } = frame.context;
  const conditions = expression.conditions.filter((condition) => !alwaysHolds(condition));
  if (conditions.length === 0) return evaluate(expression.value, frame);
  if (loadsOf(expression.value).length + loadsOf(expression.otherwise).length === 0)
    return masked(expression, conditions, frame);
  const isUniform =
    frame.vector.width === 1 ||
    conditions.every((condition) => isUniformCondition(condition, frame.vector.axis, facts));
  return isUniform
    ? branched(expression, conditions, frame)
    : inLanes(expression, conditions, frame);
}

function alwaysHolds({ index, low, high }: Condition): boolean {
  const range = rangeOf(index);
  return range.low >= low && range.high < high;
}

/** Nothing is read: both sides can be worked out. */
function masked(expression: Guard, conditions: readonly Condition[], frame: Frame): Local {
  const { f } = frame.context;
  const masks = conditions.map(({ index, low, high }) => {
    const distance = f.emit("i32x4.sub", positions(index, frame), f.i32x4(low));
    return f.emit("i32x4.lt_u", distance, f.i32x4(high - low));
  });
  const mask = masks.reduce((all, next) => f.emit("v128.and", all, next));
  const value = evaluate(expression.value, frame);
  return f.emit("v128.bitselect", value, evaluate(expression.otherwise, frame), mask);
}

/** Whether all conditions hold at one lane. */
function holdsAt(conditions: readonly Condition[], frame: Frame, lane: number): Local {
  const { f } = frame.context;
  const tests = conditions.map(({ index, low, high }) =>
    f.emit("i32.lt_u", f.add(laneInteger(index, frame, lane), -low), high - low),
  );
  return tests.reduce((all, next) => f.emit("i32.and", all, next));
}

function branched(expression: Guard, conditions: readonly Condition[], frame: Frame): Local {
  const { f } = frame.context;
  const result = f.local("v128");
  const arm = (side: Expression) => () => f.assign(result, evaluate(side, frame.child()));
  f.if(holdsAt(conditions, frame, 0), arm(expression.value), arm(expression.otherwise));
  return result;
}

/** Inside (where index values run evenly, first and last lane tell for all) as a vector, at a border lane by lane. */
function inLanes(expression: Guard, conditions: readonly Condition[], frame: Frame): Local {
  const { f, facts } = frame.context;
  const { axis } = frame.vector;
  const runsEvenly = conditions.every(({ index }) => laneStride(index, axis, facts) !== undefined);
  if (!runsEvenly) return laneByLane(expression, frame);
  const result = f.local("v128");
  const isInside = f.emit("i32.and", holdsAt(conditions, frame, 0), holdsAt(conditions, frame, 3));
  f.if(
    isInside,
    () => f.assign(result, evaluate(expression.value, frame.child())),
    () => f.assign(result, laneByLane(expression, frame)),
  );
  return result;
}

function laneByLane(expression: Expression, frame: Frame): Local {
  const { f } = frame.context;
  const { axis } = frame.vector;
  const lanes = [0, 1, 2, 3].map((lane) =>
    evaluate(expression, frame.child({ vector: { axis, width: 1 }, shift: [[axis, lane]] })),
  ) as [Local, Local, Local, Local];
  const low = f.shuffle(lanes[0], lanes[1], [0, 4, 0, 4]);
  const high = f.shuffle(lanes[2], lanes[3], [0, 4, 0, 4]);
  return f.shuffle(low, high, [0, 1, 4, 5]);
}
