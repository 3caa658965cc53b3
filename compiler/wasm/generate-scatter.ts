// Scatter kernel -> function. A thread owns a range of output positions: it walks all indices in order and takes
// those that fall in its range, so equal indices are summed in the same order at any number of threads.
// Halves are summed in f32, one position after the other, and rounded once.
import type { DType } from "../graph/graph.ts";
import type { ScatterKernel } from "../kernels/kernel.ts";
import type { HalfType } from "../ops/half.ts";
import { isHalf } from "../ops/half.ts";
import type { BoundBuffers } from "./bound-buffers.ts";
import { elementBytes } from "./bound-buffers.ts";
import { parallelFromNanoseconds } from "./cost.ts";
import { FactTable } from "./expression-facts.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { halfBits, joinHalves, widenHalf } from "./half-storage.ts";
import { buildKernelFunction, threadRange } from "./kernel-function.ts";
import type { KernelFunction } from "./kernel-function.ts";

const nanosecondsPerElement = 0.3;

export function generateScatter(kernel: ScatterKernel, bound: BoundBuffers): GeneratedFunction {
  const { outer, count, size, inner } = kernel;
  const dtype = bound.dtypes.get(kernel.values)!;
  const work = outer * (isHalf(dtype) ? count * size : (count + size) * inner);
  return {
    isParallel: work * nanosecondsPerElement > parallelFromNanoseconds,
    scratchBytes: isHalf(dtype) ? Math.ceil(inner / 4) * 16 : 0,
    build: (relaxed) =>
      buildKernelFunction(bound, new FactTable(), relaxed, (shell) => emit(shell, kernel, dtype)),
  };
}

function emit(shell: KernelFunction, kernel: ScatterKernel, dtype: DType): void {
  const { f } = shell;
  const { outer, count, size, inner } = kernel;
  const rowBytes = inner * elementBytes(dtype);
  const { from, to } = threadRange(shell, size);
  const [indices, values, output] = [kernel.indices, kernel.values, kernel.output].map((id) => shell.addressOf(id)) as [Operand, Operand, Operand]; // prettier-ignore
  f.forRange(0, outer, 1, (group) => {
    const target = f.add(output, f.multiply(group, size * rowBytes));
    const source = f.add(values, f.multiply(group, count * rowBytes));
    const positions = f.add(indices, f.multiply(group, count * 4));
    const rows: Rows = { count, inner, rowBytes, positions, source, target };
    if (isHalf(dtype)) sumHalves(shell, rows, from, to, dtype);
    else sumInPlace(f, rows, from, to, dtype);
  });
}

interface Rows {
  readonly count: number;
  readonly inner: number;
  readonly rowBytes: number;
  /** Addresses of the indices, the values and the result of one group. */
  readonly positions: Operand;
  readonly source: Operand;
  readonly target: Operand;
}

function sumInPlace(
  f: FunctionBuilder,
  rows: Rows,
  from: Operand,
  to: Operand,
  dtype: DType,
): void {
  const { count, inner, rowBytes, positions, source, target } = rows;
  const own = f.emit("i32.sub", to, from);
  f.fillMemory(f.add(target, f.multiply(from, rowBytes)), 0, f.multiply(own, rowBytes));
  f.forRange(0, count, 1, (item) => {
    const position = f.load("i32.load", f.add(positions, f.multiply(item, 4)));
    f.if(
      f.emit("i32.lt_u", f.emit("i32.sub", position, from), own),
      () =>
      addRow(f, f.add(target, f.multiply(position, rowBytes)), f.add(source, f.multiply(item, rowBytes)), inner, dtype), // prettier-ignore
    );
  });
}

function addRow(
  f: FunctionBuilder,
  target: Operand,
  source: Operand,
  inner: number,
  dtype: DType,
): void {
  const sum = dtype === "f32" ? "f32x4.add" : "i32x4.add";
  const whole = Math.floor(inner / 4) * 16;
  f.forRange(0, whole, 16, (bytes) => {
    const at = f.add(target, bytes);
    const next = f.load("v128.load", f.add(source, bytes));
    f.store("v128.store", at, f.emit(sum, f.load("v128.load", at), next));
  });
  f.forRange(whole, inner * 4, 4, (bytes) => {
    const at = f.add(target, bytes);
    const next = f.load("v128.load32_splat", f.add(source, bytes));
    f.storeLane(at, f.emit(sum, f.load("v128.load32_splat", at), next), 0);
  });
}

/** The row of a position is summed in the thread's scratch. */
function sumHalves(
  { f, scratch }: KernelFunction,
  rows: Rows,
  from: Operand,
  to: Operand,
  dtype: HalfType,
): void {
  const { count, inner, rowBytes, positions, source, target } = rows;
  f.forRange(from, to, 1, (position) => {
    f.fillMemory(scratch, 0, Math.ceil(inner / 4) * 16);
    f.forRange(0, count, 1, (item) => {
      const index = f.load("i32.load", f.add(positions, f.multiply(item, 4)));
      const row = f.add(source, f.multiply(item, rowBytes));
      f.if(f.emit("i32.eq", index, position), () =>
        overRow(f, inner, (element, width) => {
          const at = f.add(scratch, f.multiply(element, 4));
          const next = widenHalf(f, loadBits(f, f.add(row, f.multiply(element, 2)), width), dtype);
          const sum = f.emit("f32x4.add", f.load(sumLoad[width], at), next);
          if (width === 4) f.store("v128.store", at, sum);
          else f.storeLane(at, sum, 0);
        }),
      );
    });
    const result = f.add(target, f.multiply(position, rowBytes));
    overRow(f, inner, (element, width) => {
      const sum = f.load(sumLoad[width], f.add(scratch, f.multiply(element, 4)));
      const bits = halfBits(f, sum, dtype);
      const at = f.add(result, f.multiply(element, 2));
      if (width === 4) f.storeLane(at, joinHalves(f, bits), 0, 0, "v128.store64_lane");
      else f.storeLane(at, bits, 0, 0, "v128.store16_lane");
    });
  });
}

const sumLoad = { 4: "v128.load", 1: "v128.load32_splat" } as const;

/** Whole vectors, then single elements. */
function overRow(
  f: FunctionBuilder,
  inner: number,
  body: (element: Operand, width: 4 | 1) => void,
): void {
  const whole = Math.floor(inner / 4) * 4;
  f.forRange(0, whole, 4, (element) => body(element, 4));
  f.forRange(whole, inner, 1, (element) => body(element, 1));
}

function loadBits(f: FunctionBuilder, at: Operand, width: 4 | 1): Local {
  return width === 4
    ? f.load("i32x4.load16x4_u", at)
    : f.emit("i32x4.splat", f.load("i32.load16_u", at));
}
