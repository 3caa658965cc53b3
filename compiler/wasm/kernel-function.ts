// The shell of every kernel's function: (thread, threads, scratch, places) and nothing back.
// `places` points at the byte addresses of the kernel's buffers, in its own order.
import type { DType } from "../graph/graph.ts";
import type { BoundBuffers } from "./bound-buffers.ts";
import type { FactTable } from "./expression-facts.ts";
import { Frame } from "./frame.ts";
import type { KernelContext } from "./frame.ts";
import { FunctionBuilder } from "./function-builder.ts";
import type { FunctionBody, Local, Operand, Signature } from "./function-builder.ts";

export const kernelSignature: Signature = {
  parameters: ["i32", "i32", "i32", "i32"],
  results: [],
};

export interface KernelFunction extends KernelContext {
  readonly thread: Local;
  readonly threads: Local;
  /** Byte address of this thread's scratch. */
  readonly scratch: Local;
  readonly root: Frame;
}

/** Builds a kernel's function; `bound` says which buffer's address comes where. */
export function buildKernelFunction(
  { order, dtypes }: BoundBuffers,
  facts: FactTable,
  relaxed: boolean,
  build: (kernel: KernelFunction) => void,
): FunctionBody {
  const f = new FunctionBuilder(kernelSignature, relaxed);
  const [thread, threads, scratch, places] = f.parameters as [Local, Local, Local, Local];
  const addresses = new Map(order.map((id, at) => [id, f.load("i32.load", places, at * 4)]));
  const addressOf = (buffer: number): Local => {
    const address = addresses.get(buffer);
    if (address === undefined) throw new Error(`wasm: buffer ${buffer} is not bound`);
    return address;
  };
  const dtypeOf = (buffer: number): DType => dtypes.get(buffer)!;
  const context: KernelContext = { f, facts, addressOf, dtypeOf };
  build({ ...context, thread, threads, scratch, root: new Frame(context) });
  return f.finish();
}

/** First and last unit (exclusive) of this thread: units * thread / threads. */
export function threadRange(
  { f, thread, threads }: KernelFunction,
  units: number,
): { readonly from: Operand; readonly to: Operand } {
  const share = (number: Operand): Local => {
    const product = f.emit(
      "i64.mul",
      f.emit("i64.extend_i32_u", units),
      f.emit("i64.extend_i32_u", number),
    );
    return f.emit(
      "i32.wrap_i64",
      f.emit("i64.div_u", product, f.emit("i64.extend_i32_u", threads)),
    );
  };
  return { from: share(thread), to: share(f.emit("i32.add", thread, 1)) };
}

/** This thread's share of `groups` times `units`: `body` is called for each group in it, with the units of the group. */
export function eachGroup(
  kernel: KernelFunction,
  groups: number,
  units: number,
  body: (group: Operand, own: { readonly from: Operand; readonly to: Operand }) => void,
): void {
  const { f } = kernel;
  const { from, to } = threadRange(kernel, groups * units);
  const unit = f.variable(from);
  f.block((exit) =>
    f.loop((again) => {
      f.branchIf(exit, f.emit("i32.ge_s", unit, to));
      const first = f.remainder(unit, units);
      const last = f.minimum(f.add(first, f.emit("i32.sub", to, unit)), units);
      body(f.divide(unit, units), { from: first, to: last });
      f.assign(unit, f.add(unit, f.emit("i32.sub", f.variable(last), first)));
      f.branch(again);
    }),
  );
}
