// Checks everything that `kernel.ts` promises of a kernel graph. Run after fusing in tests.
import { elementCount } from "../graph/graph.ts";
import { affine, evaluateIndex, rangeOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { expressionsOf, storesOf, visit } from "./expression.ts";
import { kernelReads, kernelWrites } from "./kernel-buffers.ts";
import { storesWithAxes } from "./kernel-stores.ts";
import type {
  Axis,
  Buffer,
  HeadsView,
  HostWork,
  Kernel,
  KernelGraph,
  LoopKernel,
} from "./kernel.ts";
import { spansOf, type Span } from "./span.ts";
import { goesAlongRows } from "./walk-direction.ts";

/** @throws Error naming the broken promise and the kernel. */
export function verifyKernels(graph: KernelGraph): void {
  graph.buffers.forEach((buffer, id) => verifyBuffer(graph.buffers, buffer, id));
  graph.kernels.forEach((kernel, place) => {
    if (kernel.id !== place) broken(`a kernel's id is its place, ${place}`, kernel);
    verifyAccesses(graph.buffers, kernel);
    if (kernel.kind === "loop") verifyStages(kernel);
  });
  verifyStores(graph);
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

/** A reduced value is used after its stage only; sums over columns have parts, and a walk that goes along rows. */
function verifyStages(kernel: LoopKernel): void {
  kernel.stages.forEach((stage, number) => {
    const value = stage.kind === "reduce" ? stage.value : stage.store.value;
    visit(value, (part) => {
      if (part.kind !== "reduced") return;
      if (part.stage >= number || kernel.stages[part.stage]?.kind !== "reduce")
        broken(`stage ${number} uses a result of stage ${part.stage}`, kernel);
    });
  });
  const sumsColumns = kernel.stages.some((stage) => stage.kind === "store" && stage.over === "columns"); // prettier-ignore
  if (kernel.parts === undefined) {
    if (sumsColumns) broken("sums over columns are made in parts", kernel);
    return;
  }
  const { axis, rows } = kernel.parts;
  const count = elementCount(kernel.grid.map(({ extent }) => extent));
  if (!sumsColumns || axis.extent !== Math.ceil(count / rows))
    broken(`parts of ${rows} rows hold ${count} rows, for sums over columns`, kernel);
  if (!goesAlongRows(kernel)) broken("sums over columns are made along the row", kernel);
}

/** No two points of a kernel write one place, and what stores alone make they make whole. */
function verifyStores({ buffers, kernels }: KernelGraph): void {
  const roots = spansOf(buffers).map(({ root }) => root);
  const points = new Map<number, number>();
  const otherwise = new Set<number>();
  for (const kernel of kernels) {
    const stores = storesWithAxes(kernel);
    const stored = new Set(stores.map(({ store }) => store.buffer));
    for (const id of kernelWrites(kernel)) if (!stored.has(id)) otherwise.add(roots[id]!);
    for (const { axes, store } of stores) {
      if (!writesOnce(axes, store.index))
        broken(`each point writes its own place in buffer ${store.buffer}`, kernel);
      const root = roots[store.buffer]!;
      const count = elementCount(axes.map(({ extent }) => extent));
      points.set(root, (points.get(root) ?? 0) + count);
    }
  }
  for (const [root, count] of points) {
    const { length, role } = buffers[root]!;
    const isMadeHere = role.kind === "scratch" || role.kind === "output";
    if (isMadeHere && !otherwise.has(root) && count !== length)
      broken(`each element of buffer ${root} is written once: ${count} writes of ${length}`);
  }
}

/** So many points are tried one by one where the strides alone do not tell. */
const mostTried = 2 ** 20;

function writesOnce(axes: readonly Axis[], index: Index): boolean {
  const wide = axes.filter(({ extent }) => extent > 1);
  const strides = affine(index)?.strides;
  if (strides !== undefined) {
    const steps = wide.map(({ id, extent }) => ({ step: Math.abs(strides.get(id) ?? 0), extent }));
    if (steps.some(({ step }) => step === 0)) return false;
    let reach = 0; // of all axes with smaller steps together
    const isNested = steps
      .sort((a, b) => a.step - b.step)
      .every(({ step, extent }) => {
        const isApart = step > reach;
        reach += step * (extent - 1);
        return isApart;
      });
    if (isNested) return true;
  }
  const count = elementCount(wide.map(({ extent }) => extent));
  if (count > mostTried) return true;
  const positions: number[] = [];
  for (const { id } of axes) positions[id] = 0;
  const seen = new Set<number>();
  for (let point = 0; point < count; point++) {
    let left = point;
    for (const { id, extent } of wide) {
      positions[id] = left % extent;
      left = Math.floor(left / extent);
    }
    seen.add(evaluateIndex(index, positions));
  }
  return seen.size === count;
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
