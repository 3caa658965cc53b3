// A running sum, maximum, minimum or first best position, four lanes wide.
// Bool is a mask: its maximum is "any", its minimum "all".
import type { Stage } from "../kernels/kernel.ts";
import { isFloat } from "../ops/elementwise.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import type { Opcode } from "./opcodes.ts";

type ReduceStage = Stage & { readonly kind: "reduce" };

export class Reduction {
  private readonly f: FunctionBuilder;
  private readonly stage: ReduceStage;
  private readonly value: Local;
  private readonly position: Local | undefined;

  constructor(f: FunctionBuilder, stage: ReduceStage) {
    this.f = f;
    this.stage = stage;
    this.value = f.local("v128");
    this.position = this.isArgument() ? f.local("v128") : undefined;
    this.reset();
  }

  private isArgument(): boolean {
    return this.stage.reducer === "argmax" || this.stage.reducer === "argmin";
  }

  reset(): void {
    this.f.assign(this.value, this.start());
    if (this.position !== undefined) this.f.assign(this.position, this.f.i32x4(0));
  }

  private start(): Local {
    const { f } = this;
    const { reducer, value } = this.stage;
    if (reducer === "sum") return f.f32x4(0);
    const isMaximum = reducer === "max" || reducer === "argmax";
    switch (value.dtype) {
      case "i32":
        return f.i32x4(isMaximum ? 0x80000000 : 0x7fffffff);
      case "u32":
        return f.i32x4(isMaximum ? 0 : 0xffffffff);
      case "bool":
        return f.i32x4(isMaximum ? 0 : -1);
      case "f32":
      case "f16":
      case "bf16":
        return f.f32x4(isMaximum ? -Infinity : Infinity);
    }
  }

  /** Takes in a value; `position` is that of its first lane, of `width` lanes. */
  take(value: Local, position: Operand, width: 4 | 1): void {
    const { f } = this;
    if (this.position === undefined) {
      f.assign(this.value, f.emit(this.combine(), this.value, value));
      return;
    }
    const first = f.emit("i32x4.splat", position);
    const positions = width === 4 ? f.emit("i32x4.add", first, f.i32x4(0, 1, 2, 3)) : first;
    const isBetter = f.emit(this.better(), value, this.value);
    f.assign(this.position, f.emit("v128.bitselect", positions, this.position, isBetter));
    f.assign(this.value, f.emit("v128.bitselect", value, this.value, isBetter));
  }

  private combine(): Opcode {
    const { reducer, value } = this.stage;
    if (value.dtype === "bool") return reducer === "max" ? "v128.or" : "v128.and";
    if (value.dtype === "i32" || value.dtype === "u32") {
      if (reducer === "sum") return "i32x4.add";
      const sign = value.dtype === "i32" ? "s" : "u";
      return reducer === "max" ? `i32x4.max_${sign}` : `i32x4.min_${sign}`;
    }
    if (reducer === "sum") return "f32x4.add";
    return reducer === "max" ? "f32x4.max" : "f32x4.min";
  }

  private better(): Opcode {
    const word = this.stage.reducer === "argmax" ? "gt" : "lt";
    const { dtype } = this.stage.value;
    if (isFloat(dtype)) return `f32x4.${word}`;
    return dtype === "i32" ? `i32x4.${word}_s` : `i32x4.${word}_u`;
  }

  /** Takes in another one's lanes; of equal values the earlier position wins. */
  join(other: Reduction): void {
    const { f } = this;
    if (this.position === undefined || other.position === undefined) {
      f.assign(this.value, f.emit(this.combine(), this.value, other.value));
      return;
    }
    const equal = isFloat(this.stage.value.dtype) ? "f32x4.eq" : "i32x4.eq";
    const isEqual = f.emit(equal, other.value, this.value);
    const isEarlier = f.emit("i32x4.lt_s", other.position, this.position);
    const isBetter = f.emit(
      "v128.or",
      f.emit(this.better(), other.value, this.value),
      f.emit("v128.and", isEqual, isEarlier),
    );
    f.assign(this.position, f.emit("v128.bitselect", other.position, this.position, isBetter));
    f.assign(this.value, f.emit("v128.bitselect", other.value, this.value, isBetter));
  }

  /** One with the same in every lane: (0 + 2) + (1 + 3). */
  acrossLanes(): Reduction {
    return this.folded([2, 3, 0, 1]).folded([1, 0, 3, 2]);
  }

  private folded(lanes: readonly [number, number, number, number]): Reduction {
    const turned = new Reduction(this.f, this.stage);
    this.f.assign(turned.value, this.f.shuffle(this.value, this.value, lanes));
    if (this.position !== undefined && turned.position !== undefined)
      this.f.assign(turned.position, this.f.shuffle(this.position, this.position, lanes));
    turned.join(this);
    return turned;
  }

  /** The value, or for argmax and argmin the position (i32, converted where the stage asks for f32). */
  result(): Local {
    return this.position ?? this.value;
  }
}
