// Scatter kernel -> function. A thread owns a range of output positions: it walks all indices in order and takes
// those that fall in its range, so equal indices are summed in the same order at any number of threads.
import type { ScatterKernel } from "../kernels/kernel.ts";
import type { DType } from "../graph/graph.ts";
import { parallelFromNanoseconds } from "./cost.ts";
import { FactTable } from "./expression-facts.ts";
import type { FunctionBuilder, Operand } from "./function-builder.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { buildKernelFunction, threadRange } from "./kernel-function.ts";
import type { KernelFunction } from "./kernel-function.ts";

const nanosecondsPerElement = 0.3;

export function generateScatter(
  kernel: ScatterKernel,
  order: readonly number[],
  dtype: DType,
): GeneratedFunction {
  if (dtype === "f16" || dtype === "bf16")
    throw new Error(`wasm: element type ${dtype} is not supported`);
  const work = kernel.outer * (kernel.count + kernel.size) * kernel.inner;
  return {
    isParallel: work * nanosecondsPerElement > parallelFromNanoseconds,
    scratchBytes: 0,
    build: (relaxed) =>
      buildKernelFunction(order, new FactTable(), relaxed, (shell) => emit(shell, kernel, dtype)),
  };
}

function emit(shell: KernelFunction, kernel: ScatterKernel, dtype: DType): void {
  const { f } = shell;
  const { outer, count, size, inner } = kernel;
  const rowBytes = inner * 4;
  const { from, to } = threadRange(shell, size);
  const own = f.emit("i32.sub", to, from);
  const [indices, values, output] = [kernel.indices, kernel.values, kernel.output].map((id) => shell.addressOf(id)) as [Operand, Operand, Operand]; // prettier-ignore
  f.forRange(0, outer, 1, (group) => {
    const target = f.add(output, f.multiply(group, size * rowBytes));
    const source = f.add(values, f.multiply(group, count * rowBytes));
    const positions = f.add(indices, f.multiply(group, count * 4));
    f.fillMemory(f.add(target, f.multiply(from, rowBytes)), 0, f.multiply(own, rowBytes));
    f.forRange(0, count, 1, (item) => {
      const position = f.load("i32.load", f.add(positions, f.multiply(item, 4)));
      f.if(
        f.emit("i32.lt_u", f.emit("i32.sub", position, from), own),
        () =>
        addRow(f, f.add(target, f.multiply(position, rowBytes)), f.add(source, f.multiply(item, rowBytes)), inner, dtype), // prettier-ignore
      );
    });
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
