// Kernels of all entries -> the same, with weights kept in the order in which products read them.
// A weight that no entry writes (a model's forward pass, a frozen tower) would be packed anew in every run, and in a
// batch of one packing is a good part of what it costs. It needs no memory: panels take a weight's own place.
import type { ResidentLayout, ResidentPart } from "../compiled.ts";
import { loadsOf } from "../kernels/expression.ts";
import { buffersOf, kernelWrites } from "../kernels/kernel-buffers.ts";
import type { Axis, Buffer, ContractionKernel, HostWork, Kernel } from "../kernels/kernel.ts";
import { spansOf } from "../kernels/span.ts";
import type { Span } from "../kernels/span.ts";
import type { EntryKernels } from "../program/entry-kernels.ts";
import type { PlacedWeights } from "../program/target.ts";
import { formOf } from "./lanes.ts";
import { tileColumns } from "./microkernel.ts";
import { extentOf } from "../kernels/extent.ts";
import { panelIndex } from "./panel-order.ts";
import type { PanelOrder } from "./panel-order.ts";

/** A kernel's use of elements `start` to `end` of a resident; `order` where it is a product that could read panels. */
interface Use {
  readonly kernel: Kernel | HostWork;
  readonly start: number;
  readonly end: number;
  readonly order: PanelOrder | undefined;
}

export function weightsInPanels({ entries, layout }: PlacedWeights): PlacedWeights {
  const fixed = residentsNotWritten(entries, layout);
  if (fixed.size === 0) return { entries, layout };
  const chosen = new Set<Kernel | HostWork>();
  const orders = new Map<ResidentPart, PanelOrder>();
  for (const [resident, uses] of usesOf(entries, fixed))
    for (const together of overlapping(uses)) {
      const order = commonOrder(together);
      const parts = order && partsInPanels(layout, resident, together[0]!, order);
      if (parts === undefined) continue;
      for (const { kernel } of together) chosen.add(kernel);
      for (const [part, own] of parts) orders.set(part, own);
    }
  if (chosen.size === 0) return { entries, layout };
  const read = (kernel: Kernel | HostWork) => (chosen.has(kernel) ? readingPanels(kernel) : kernel);
  return {
    entries: entries.map((entry) => ({
      ...entry,
      kernels: { ...entry.kernels, kernels: entry.kernels.kernels.map(read) },
    })),
    layout: {
      ...layout,
      parts: layout.parts.map((part) => {
        const panels = orders.get(part);
        return panels === undefined ? part : { ...part, panels };
      }),
    },
  };
}

function residentsNotWritten(
  entries: readonly EntryKernels[],
  { parts }: ResidentLayout,
): ReadonlySet<string> {
  const fixed = new Set(
    parts.filter(({ role }) => role === "parameter").map(({ resident }) => resident),
  );
  for (const { kernels } of entries) {
    const spans = spansOf(kernels.buffers);
    for (const kernel of kernels.kernels)
      for (const buffer of kernelWrites(kernel)) {
        const { role } = kernels.buffers[spans[buffer]!.root]!;
        if (role.kind === "resident") fixed.delete(role.name);
      }
  }
  return fixed;
}

function usesOf(
  entries: readonly EntryKernels[],
  residents: ReadonlySet<string>,
): ReadonlyMap<string, Use[]> {
  const uses = new Map<string, Use[]>([...residents].map((name) => [name, []]));
  for (const { kernels } of entries) {
    const { buffers } = kernels;
    const spans = spansOf(buffers);
    for (const kernel of kernels.kernels)
      for (const id of buffersOf(kernel)) {
        const { root, start, end } = spans[id]!;
        const { role } = buffers[root]!;
        const known = role.kind === "resident" ? uses.get(role.name) : undefined;
        known?.push({ kernel, start, end, order: orderWanted(kernel, buffers[id]!) });
      }
  }
  return uses;
}

/** Groups of uses that share elements. */
function overlapping(uses: readonly Use[]): Use[][] {
  const groups: Use[][] = [];
  let end = 0;
  for (const use of uses.toSorted((a, b) => a.start - b.start)) {
    if (groups.length > 0 && use.start < end) groups.at(-1)!.push(use);
    else groups.push([use]);
    end = Math.max(end, use.end);
  }
  return groups;
}

/** What all of them want of the same elements, or nothing. */
function commonOrder(uses: readonly Use[]): PanelOrder | undefined {
  const [{ order, start, end }, ...others] = uses as [Use, ...Use[]];
  const wanted = JSON.stringify(order);
  const isCommon = others.every(
    (use) => use.start === start && use.end === end && JSON.stringify(use.order) === wanted,
  );
  return isCommon ? order : undefined;
}

/** The order of a buffer that is the right side of a product and nothing else: each element is one (k, n) of it. */
function orderWanted(kernel: Kernel | HostWork, buffer: Buffer): PanelOrder | undefined {
  if (kernel.kind !== "contraction") return undefined;
  const { batch, n, k, a, b, stores, sumOfB } = kernel;
  if (b.kind !== "load" || b.buffer !== buffer.id || buffer.dtype !== "f32") return undefined;
  const elsewhere = [a, ...stores.map(({ value }) => value)].flatMap((value) => loadsOf(value));
  if (elsewhere.some((load) => load.buffer === buffer.id)) return undefined;
  if (sumOfB !== undefined || extentOf(batch) > 1 || extentOf(n) % tileColumns > 0)
    return undefined;
  const axes = axesByStride(kernel, b);
  return axes && { steps: extentOf(k), axes };
}

/** The array's axes, outermost first, where it is dense and its axes are those of the product. */
function axesByStride(
  { n, k }: ContractionKernel,
  b: ContractionKernel["b"] & { readonly kind: "load" },
): PanelOrder["axes"] | undefined {
  const { constant, terms } = formOf(b.index);
  const strides = new Map(terms.map(({ of, factor }) => [of.kind === "axis" ? of.axis : -1, factor])); // prettier-ignore
  const axes = [...weightedAxes(n, "column"), ...weightedAxes(k, "step")];
  if (constant !== 0 || terms.length !== axes.length) return undefined;
  const strideOf = ({ id }: Axis): number => strides.get(id) ?? 0;
  const sorted = axes.toSorted((x, y) => strideOf(y.axis) - strideOf(x.axis));
  let dense = 1;
  for (const { axis } of sorted.toReversed()) {
    if (strideOf(axis) !== dense) return undefined;
    dense *= axis.extent;
  }
  return sorted.map(({ axis: { extent }, column, step }) => ({ extent, column, step }));
}

function weightedAxes(axes: readonly Axis[], along: "column" | "step") {
  let weight = extentOf(axes);
  return axes
    .filter(({ extent }) => extent > 1)
    .map((axis) => {
      weight /= axis.extent;
      return { axis, column: 0, step: 0, [along]: weight };
    });
}

/**
 * Parts that lie in panels when all of a use's elements do: one, or several side by side along the outermost columns,
 * each of whole panels. Undefined where a part would be torn.
 */
function partsInPanels(
  layout: ResidentLayout,
  resident: string,
  { start, end }: Pick<Span, "start" | "end">,
  order: PanelOrder,
): (readonly [ResidentPart, PanelOrder])[] | undefined {
  const lengthOf = ({ shape }: ResidentPart) => shape.reduce((product, extent) => product * extent, 1); // prettier-ignore
  const parts = layout.parts.filter(
    (part) => part.resident === resident && part.offset < end && part.offset + lengthOf(part) > start, // prettier-ignore
  );
  const [outermost, ...inner] = order.axes as [PanelOrder["axes"][number], ...PanelOrder["axes"]];
  const place = (end - start) / outermost.extent;
  const isWhole = (elements: number) =>
    elements % place === 0 && (elements / order.steps) % tileColumns === 0;
  const areInside = parts.every((part) => part.offset >= start && part.offset + lengthOf(part) <= end); // prettier-ignore
  const areAll = parts.reduce((sum, part) => sum + lengthOf(part), 0) === end - start;
  if (!areInside || !areAll) return undefined;
  if (parts.length === 1) return [[parts[0]!, order]];
  const isOutermostColumn = outermost.column * outermost.extent * order.steps === end - start;
  if (!isOutermostColumn || !parts.every((part) => isWhole(part.offset - start))) return undefined;
  return parts.map((part) => [
    part,
    { ...order, axes: [{ ...outermost, extent: lengthOf(part) / place }, ...inner] },
  ]);
}

function readingPanels(kernel: Kernel | HostWork): Kernel | HostWork {
  if (kernel.kind !== "contraction" || kernel.b.kind !== "load") return kernel;
  const { n, k, b } = kernel;
  return { ...kernel, b: { ...b, index: panelIndex(n, k) } };
}
