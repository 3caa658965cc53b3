// Builds the body of one WebAssembly function, instruction by instruction.
// Every result goes to a fresh local, so code reads like formulas; the engine's compiler makes SSA of it again.
// Vector constants are set once in a prologue: not every engine moves them out of a loop.
import {
  laneOpcodes,
  memoryOpcodes,
  opcodes,
  pushSigned,
  pushUnsigned,
  unsigned,
  valueTypeByte,
} from "./opcodes.ts";
import type { LaneOpcode, MemoryOpcode, Opcode, ValueType } from "./opcodes.ts";

export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** A local, or a number: an i32 constant. */
export type Operand = Local | number;

/** Target of a branch. */
export interface Label {
  readonly depth: number;
}

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function that others call by name; the module gives it a number. */
export interface FunctionReference {
  readonly name: string;
  readonly result: ValueType | "none";
}

export interface FunctionBody {
  readonly signature: Signature;
  /** Local types after the parameters. */
  readonly locals: readonly ValueType[];
  readonly bytes: readonly number[];
  /** Places in `bytes` (5 bytes each) that hold the number of a called function. */
  readonly calls: readonly { readonly at: number; readonly name: string }[];
}

const callPlaceholder = [0x80, 0x80, 0x80, 0x80, 0x00];

export class FunctionBuilder {
  /** Whether relaxed SIMD (fused multiply-add) may be used. */
  readonly relaxed: boolean;
  readonly parameters: readonly Local[];
  private readonly signature: Signature;
  private readonly locals: ValueType[] = [];
  private readonly prologue: number[] = [];
  private readonly code: number[] = [];
  private readonly calls: { at: number; name: string }[] = [];
  private readonly constants = new Map<string, Local>();
  private depth = 0;

  constructor(signature: Signature, relaxed: boolean) {
    this.signature = signature;
    this.relaxed = relaxed;
    this.parameters = signature.parameters.map((type, index) => ({ index, type }));
  }

  finish(): FunctionBody {
    const shift = this.prologue.length;
    return {
      signature: this.signature,
      locals: this.locals,
      bytes: this.prologue.concat(this.code, 0x0b),
      calls: this.calls.map(({ at, name }) => ({ at: at + shift, name })),
    };
  }

  // ---- locals ----

  local(type: ValueType): Local {
    this.locals.push(type);
    return { index: this.parameters.length + this.locals.length - 1, type };
  }

  /** Pushes an operand. */
  push(operand: Operand): void {
    if (typeof operand === "number") {
      this.code.push(0x41);
      pushSigned(this.code, operand);
    } else {
      this.code.push(0x20);
      pushUnsigned(this.code, operand.index);
    }
  }

  private pop(type: ValueType): Local {
    const result = this.local(type);
    this.set(result);
    return result;
  }

  /** Changes a local made by `variable`. */
  assign(target: Local, value: Operand): void {
    if (target === value) return;
    this.push(value);
    this.set(target);
  }

  private set(target: Local): void {
    this.code.push(0x21);
    pushUnsigned(this.code, target.index);
  }

  /** A local of its own that starts as `value` and may be changed. */
  variable(value: Operand): Local {
    const result = this.local(typeof value === "number" ? "i32" : value.type);
    this.assign(result, value);
    return result;
  }

  // ---- instructions ----

  /** Operands in order, the instruction, its result in a fresh local. */
  emit(name: Opcode, ...operands: readonly Operand[]): Local {
    const [bytes, result] = opcodes[name];
    for (const operand of operands) this.push(operand);
    this.code.push(...bytes);
    if (result === "none") throw new Error(`${name} has no result`);
    return this.pop(result);
  }

  /** An instruction without a result. */
  perform(name: Opcode, ...operands: readonly Operand[]): void {
    for (const operand of operands) this.push(operand);
    this.code.push(...opcodes[name][0]);
  }

  private memory(name: MemoryOpcode, offset: number): void {
    const { bytes, align } = memoryOpcodes[name];
    this.code.push(...bytes, align);
    pushUnsigned(this.code, offset);
  }

  load(name: MemoryOpcode, address: Operand, offset = 0): Local {
    this.push(address);
    this.memory(name, offset);
    const { result } = memoryOpcodes[name];
    if (result === "none") throw new Error(`${name} has no result`);
    return this.pop(result);
  }

  store(name: MemoryOpcode, address: Operand, value: Operand, offset = 0): void {
    this.push(address);
    this.push(value);
    this.memory(name, offset);
  }

  loadLane(vector: Local, lane: number, address: Operand, offset = 0): Local {
    this.push(address);
    this.push(vector);
    this.memory("v128.load32_lane", offset);
    this.code.push(lane);
    return this.pop("v128");
  }

  storeLane(
    address: Operand,
    value: Local,
    lane: number,
    offset = 0,
    name: "v128.store16_lane" | "v128.store32_lane" | "v128.store64_lane" = "v128.store32_lane",
  ): void {
    this.push(address);
    this.push(value);
    this.memory(name, offset);
    this.code.push(lane);
  }

  /** Atomic instructions with several operands: address first. */
  atomic(name: MemoryOpcode, ...operands: readonly Operand[]): Local {
    for (const operand of operands) this.push(operand);
    this.memory(name, 0);
    return this.pop("i32");
  }

  /** `memory.atomic.wait32`; the time in nanoseconds, negative: for ever. Gives 0 woken, 1 changed, 2 timed out. */
  wait(address: Operand, expected: Operand, nanoseconds: number): Local {
    this.push(address);
    this.push(expected);
    this.code.push(0x42);
    pushSigned(this.code, nanoseconds);
    this.memory("memory.atomic.wait32", 0);
    return this.pop("i32");
  }

  extractLane(name: LaneOpcode, vector: Local, lane: number): Local {
    const [bytes, result] = laneOpcodes[name];
    this.push(vector);
    this.code.push(...bytes, lane);
    return this.pop(result);
  }

  replaceLane(name: LaneOpcode, vector: Local, lane: number, value: Operand): Local {
    this.push(vector);
    this.push(value);
    this.code.push(...laneOpcodes[name][0], lane);
    return this.pop("v128");
  }

  /** Picks 32-bit lanes 0..3 of `a` and 4..7 of `b`. */
  shuffle(a: Local, b: Local, lanes: readonly [number, number, number, number]): Local {
    this.push(a);
    this.push(b);
    this.code.push(0xfd, 0x0d);
    for (const lane of lanes) for (let byte = 0; byte < 4; byte++) this.code.push(lane * 4 + byte);
    return this.pop("v128");
  }

  select(whenTrue: Operand, whenFalse: Operand, condition: Operand): Local {
    this.push(whenTrue);
    this.push(whenFalse);
    this.push(condition);
    this.code.push(0x1b);
    return this.pop(typeof whenTrue === "number" ? "i32" : whenTrue.type);
  }

  copyMemory(to: Operand, from: Operand, bytes: Operand): void {
    for (const operand of [to, from, bytes]) this.push(operand);
    this.code.push(0xfc, 0x0a, 0x00, 0x00);
  }

  fillMemory(to: Operand, byte: Operand, bytes: Operand): void {
    for (const operand of [to, byte, bytes]) this.push(operand);
    this.code.push(0xfc, 0x0b, 0x00);
  }

  call(callee: FunctionReference, ...operands: readonly Operand[]): Local {
    this.callWithoutResult(callee, ...operands);
    if (callee.result === "none") throw new Error(`${callee.name} has no result`);
    return this.pop(callee.result);
  }

  callWithoutResult(callee: FunctionReference, ...operands: readonly Operand[]): void {
    for (const operand of operands) this.push(operand);
    this.code.push(0x10);
    this.calls.push({ at: this.code.length, name: callee.name });
    this.code.push(...callPlaceholder);
  }

  /** Calls the function at `index` of table 0, of type 0 of the module. */
  callIndirect(index: Operand, ...operands: readonly Operand[]): void {
    for (const operand of operands) this.push(operand);
    this.push(index);
    this.code.push(0x11, 0x00, 0x00);
  }

  /** Ends the function with this result. */
  giveBack(value: Operand): void {
    this.push(value);
    this.code.push(0x0f);
  }

  // ---- constants ----

  /** Four 32-bit words, set once in the prologue. */
  private vectorConstant(words: Uint32Array): Local {
    const key = words.join();
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const result = this.local("v128");
    this.prologue.push(0xfd, 0x0c);
    for (const word of words)
      for (let shift = 0; shift < 32; shift += 8) this.prologue.push((word >>> shift) & 0xff);
    this.prologue.push(0x21, ...unsigned(result.index));
    this.constants.set(key, result);
    return result;
  }

  f32x4(value: number): Local {
    return this.vectorConstant(new Uint32Array(new Float32Array(4).fill(value).buffer));
  }

  i32x4(a: number, b = a, c = a, d = a): Local {
    return this.vectorConstant(new Uint32Array([a, b, c, d]));
  }

  f64x2(value: number): Local {
    return this.vectorConstant(new Uint32Array(new Float64Array(2).fill(value).buffer));
  }

  // ---- control ----

  private nest(opening: number, body: (label: Label) => void): void {
    this.code.push(opening, 0x40);
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.code.push(0x0b);
  }

  /** A branch to the label leaves the block. */
  block(body: (exit: Label) => void): void {
    this.nest(0x02, body);
  }

  /** A branch to the label starts again. */
  loop(body: (again: Label) => void): void {
    this.nest(0x03, body);
  }

  branch(label: Label): void {
    this.code.push(0x0c);
    pushUnsigned(this.code, this.depth - label.depth);
  }

  branchIf(label: Label, condition: Operand): void {
    this.push(condition);
    this.code.push(0x0d);
    pushUnsigned(this.code, this.depth - label.depth);
  }

  if(condition: Operand, then: () => void, otherwise?: () => void): void {
    this.push(condition);
    this.nest(0x04, () => {
      then();
      if (otherwise === undefined) return;
      this.code.push(0x05);
      otherwise();
    });
  }

  /** Runs `body` for counter = from, from + step, ... while counter < to (signed). */
  forRange(from: Operand, to: Operand, step: number, body: (counter: Local) => void): void {
    const counter = this.variable(from);
    const repeat = (): void =>
      this.loop((again) => {
        body(counter);
        this.assign(counter, this.emit("i32.add", counter, step));
        this.branchIf(again, this.emit("i32.lt_s", counter, to));
      });
    if (typeof from === "number" && typeof to === "number") {
      if (from + step >= to && from < to) body(counter);
      else if (from < to) repeat();
    } else this.if(this.emit("i32.lt_s", from, to), repeat);
  }

  /**
   * While at least `step` is left before `limit`: `body`, and the counter moves on by `step`. Tested at its end:
   * a loop tested at its start ran half as fast again on Node 20.
   */
  whileFits(counter: Local, step: number, limit: Operand, body: () => void): void {
    const fits = (): Local => this.emit("i32.le_s", this.emit("i32.add", counter, step), limit);
    this.if(fits(), () =>
      this.loop((again) => {
        body();
        this.assign(counter, this.emit("i32.add", counter, step));
        this.branchIf(again, fits());
      }),
    );
  }

  // ---- arithmetic on addresses, folded where both sides are known ----

  add(a: Operand, b: Operand): Operand {
    if (a === 0) return b;
    if (b === 0) return a;
    if (typeof a === "number" && typeof b === "number") return (a + b) | 0;
    return this.emit("i32.add", a, b);
  }

  subtract(a: Operand, b: Operand): Operand {
    if (b === 0) return a;
    if (typeof a === "number" && typeof b === "number") return (a - b) | 0;
    return this.emit("i32.sub", a, b);
  }

  multiply(a: Operand, b: Operand): Operand {
    if (a === 1) return b;
    if (b === 1) return a;
    if (a === 0 || b === 0) return 0;
    if (typeof a === "number" && typeof b === "number") return Math.imul(a, b);
    if (typeof b === "number" && isPowerOfTwo(b)) return this.emit("i32.shl", a, Math.log2(b));
    return this.emit("i32.mul", a, b);
  }

  /** Quotient by a positive constant of a value that is not negative. */
  divide(a: Operand, by: number): Operand {
    if (by === 1) return a;
    if (typeof a === "number") return Math.floor(a / by);
    if (isPowerOfTwo(by)) return this.emit("i32.shr_u", a, Math.log2(by));
    return this.emit("i32.div_u", a, by);
  }

  /** Remainder by a positive constant of a value that is not negative. */
  remainder(a: Operand, by: number): Operand {
    if (by === 1) return 0;
    if (typeof a === "number") return a % by;
    if (isPowerOfTwo(by)) return this.emit("i32.and", a, by - 1);
    return this.emit("i32.rem_u", a, by);
  }

  minimum(a: Operand, b: Operand): Operand {
    if (typeof a === "number" && typeof b === "number") return Math.min(a, b);
    return this.select(a, b, this.emit("i32.lt_s", a, b));
  }

  maximum(a: Operand, b: Operand): Operand {
    if (typeof a === "number" && typeof b === "number") return Math.max(a, b);
    return this.select(a, b, this.emit("i32.gt_s", a, b));
  }

  /** a * b + c, fused where the engine can. */
  multiplyAdd(a: Local, b: Local, c: Local): Local {
    if (this.relaxed) return this.emit("f32x4.relaxed_madd", a, b, c);
    return this.emit("f32x4.add", this.emit("f32x4.mul", a, b), c);
  }
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

export function localTypes(body: FunctionBody): number[] {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of body.locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  return [
    ...unsigned(runs.length),
    ...runs.flatMap(({ type, count }) => [...unsigned(count), valueTypeByte[type]]),
  ];
}
