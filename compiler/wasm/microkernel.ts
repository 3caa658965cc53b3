// The innermost loop of every product: a block of up to 4 rows by 8 columns of sums in registers.
// The right-hand panel holds 8 columns a step; the left-hand side is read one number a row and step, spread to all
// lanes. Engines differ in how they compile this loop: with a way out after every step each step is a block of its
// own, and nothing is moved between steps and spilled (LIBRARIES: 44 GFLOP/s against 14 to 20 unrolled plainly).
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";

export const tileRows = 4;
export const tileColumns = 8;
/** From one step of a packed right-hand panel to the next. */
export const panelStepBytes = tileColumns * 4;
/** The same of a packed left-hand panel. */
export const leftStepBytes = tileRows * 4;

export interface LeftOperand {
  readonly address: Operand;
  /** From row to row, and from step to step; not negative. */
  readonly rowBytes: number;
  readonly stepBytes: number;
}

export interface Block {
  readonly rows: number;
  /** 1 or 2: how many vectors of four columns. */
  readonly vectors: number;
  readonly left: LeftOperand;
  /** Address of the panel's first step, `panelStepBytes` a step unless said otherwise. */
  readonly right: Operand;
  readonly rightStepBytes?: number;
  /** Steps; at least one. */
  readonly count: Operand;
}

/** Sums of a block: `sums[row][vector]`. Adds to them `count` products each. */
export function addProducts(
  f: FunctionBuilder,
  block: Block,
  sums: readonly (readonly Local[])[],
): void {
  const unroll = 4;
  const left = f.variable(block.left.address);
  const right = f.variable(block.right);
  const remaining = f.variable(block.count);
  const rightStep = block.rightStepBytes ?? panelStepBytes;
  f.block((exit) =>
    f.loop((again) => {
      for (let step = 0; step < unroll; step++) {
        const columns = Array.from({ length: block.vectors }, (_, vector) =>
          f.load("v128.load", right, step * rightStep + vector * 16),
        );
        for (let row = 0; row < block.rows; row++) {
          const offset = row * block.left.rowBytes + step * block.left.stepBytes;
          const value = f.load("v128.load32_splat", left, offset);
          columns.forEach((column, vector) => {
            const sum = sums[row]![vector]!;
            f.assign(sum, f.multiplyAdd(value, column, sum));
          });
        }
        f.assign(remaining, f.emit("i32.sub", remaining, 1));
        f.branchIf(exit, f.emit("i32.eqz", remaining));
      }
      f.assign(left, f.emit("i32.add", left, unroll * block.left.stepBytes));
      f.assign(right, f.emit("i32.add", right, unroll * rightStep));
      f.branch(again);
    }),
  );
}

/** Fresh sums, all zero. */
export function zeroSums(f: FunctionBuilder, rows: number, vectors: number): Local[][] {
  return Array.from({ length: rows }, () =>
    Array.from({ length: vectors }, () => f.variable(f.f32x4(0))),
  );
}

/** Four vectors as rows -> four vectors as columns. */
export function transpose(
  f: FunctionBuilder,
  [a, b, c, d]: readonly [Local, Local, Local, Local],
): [Local, Local, Local, Local] {
  const lowAB = f.shuffle(a, b, [0, 4, 1, 5]);
  const lowCD = f.shuffle(c, d, [0, 4, 1, 5]);
  const highAB = f.shuffle(a, b, [2, 6, 3, 7]);
  const highCD = f.shuffle(c, d, [2, 6, 3, 7]);
  return [
    f.shuffle(lowAB, lowCD, [0, 1, 4, 5]),
    f.shuffle(lowAB, lowCD, [2, 3, 6, 7]),
    f.shuffle(highAB, highCD, [0, 1, 4, 5]),
    f.shuffle(highAB, highCD, [2, 3, 6, 7]),
  ];
}
