// Checks everything that `kernel.ts` promises of a kernel graph. Run after fusing in tests.
import { elementCount } from "../graph/graph.ts";
import { rangeOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { expressionsOf, storesOf, visit } from "./expression.ts";
import { kernelReads, kernelWrites } from "./kernel-buffers.ts";
import type { Buffer, HeadsView, HostWork, Kernel, KernelGraph, LoopKernel } from "./kernel.ts";
import { spansOf, type Span } from "./span.ts";

/** @throws Error naming the broken promise and the kernel. */
export function verifyKernels(graph: KernelGraph): void {
  graph.buffers.forEach((buffer, id) => verifyBuffer(graph.buffers, buffer, id));
  graph.kernels.forEach((kernel, place) => {
    if (kernel.id !== place) broken(`a kernel's id is its place, ${place}`, kernel);
    verifyAccesses(graph.buffers, kernel);
    if (kernel.kind === "loop") verifyStages(kernel);
  });
  verifyOrder(graph);
}

function broken(claim: string, kernel?: Kernel | HostWork): never {
  throw new Error(
    `kernel graph: ${claim}${kernel === undefined ? "" : ` in ${kernel.id} ${kernel.label}`}`,
  );
}

function verifyBuffer(
  buffers: readonly Buffer[],
  { id, length, within, role }: Buffer,
  place: number,
): void {
  if (id !== place) broken(`a buffer's id is its place, ${place}`);
  if (within === undefined) return;
  const whole = buffers[within.buffer];
  if (whole === undefined || within.offset < 0 || within.offset + length > whole.length)
    broken(`buffer ${id} lies inside buffer ${within.buffer}`);
  if (whole!.role.kind !== role.kind) broken(`buffer ${id} has the role of what it lies in`);
}

function verifyAccesses(buffers: readonly Buffer[], kernel: Kernel | HostWork): void {
  const check = (buffer: number, index: Index, isGuarded: boolean): void => {
    const found = buffers[buffer];
    if (found === undefined) broken(`buffer ${buffer} exists`, kernel);
    const { low, high } = rangeOf(index);
    // Behind a guard the bounds of the whole axes say nothing.
    if (!isGuarded && (low < 0 || high >= found!.length))
      broken(`positions ${low} to ${high} lie in buffer ${buffer} of ${found!.length}`, kernel);
  };
  for (const expression of expressionsOf(kernel)) {
    let hasGuard = false;
    visit(expression, (part) => (hasGuard ||= part.kind === "guard"));
    visit(expression, (part) => part.kind === "load" && check(part.buffer, part.index, hasGuard));
  }
  for (const store of storesOf(kernel)) check(store.buffer, store.index, false);
  if (kernel.kind === "attention") verifyViews(buffers, kernel);
  if (kernel.kind !== "host") return;
  for (const { buffer, shape } of [...kernel.inputs, kernel.output])
    if (elementCount(shape) !== buffers[buffer]?.length)
      broken(`an array of the host fills buffer ${buffer}`, kernel);
}

function verifyViews(buffers: readonly Buffer[], kernel: Kernel & { kind: "attention" }): void {
  const fits = (view: HeadsView | undefined, tokens: number, channels: number): void => {
    if (view === undefined) return;
    const extents = [...kernel.batch, kernel.heads, tokens, channels];
    if (view.strides.length !== extents.length) broken("a view has a stride for each axis", kernel);
    const last = extents.reduce(
      (sum, extent, axis) => sum + (extent - 1) * view.strides[axis]!,
      view.offset,
    );
    if (last >= buffers[view.buffer]!.length)
      broken(`position ${last} lies in buffer ${view.buffer}`, kernel);
  };
  for (const view of [kernel.q, kernel.dq]) fits(view, kernel.queries, kernel.channels);
  for (const view of [kernel.k, kernel.dk]) fits(view, kernel.keys, kernel.channels);
  for (const view of [kernel.v, kernel.dv]) fits(view, kernel.keys, kernel.valueChannels);
  for (const view of [kernel.output, kernel.dOutput])
    fits(view, kernel.queries, kernel.valueChannels);
}

/** A reduced value is used after its stage only, and a row store needs a row. */
function verifyStages(kernel: LoopKernel): void {
  kernel.stages.forEach((stage, number) => {
    const value = stage.kind === "reduce" ? stage.value : stage.store.value;
    visit(value, (part) => {
      if (part.kind !== "reduced") return;
      if (part.stage >= number || kernel.stages[part.stage]?.kind !== "reduce")
        broken(`stage ${number} uses a result of stage ${part.stage}`, kernel);
    });
  });
}

/** Scratch and outputs are read after something was written there. */
function verifyOrder({ buffers, kernels }: KernelGraph): void {
  const spans = spansOf(buffers);
  const written = new Map<number, Span[]>();
  for (const kernel of kernels) {
    for (const id of kernelReads(kernel)) {
      const { kind } = buffers[id]!.role;
      const span = spans[id]!;
      const isMade = (written.get(span.root) ?? []).some(
        (other) => other.start < span.end && span.start < other.end,
      );
      if ((kind === "scratch" || kind === "output") && !isMade)
        broken(`buffer ${id} is read before it is written`, kernel);
    }
    for (const id of kernelWrites(kernel)) {
      const span = spans[id]!;
      const { kind } = buffers[id]!.role;
      if (kind === "input" || kind === "table") broken(`buffer ${id} is only read`, kernel);
      written.set(span.root, [...(written.get(span.root) ?? []), span]);
    }
  }
}
