// The kernels of an entry, in order -> its steps: which code, and where each of its buffers lies.
import { elementCount } from "../graph/graph.ts";
import { buffersOf, kernelReads } from "../kernels/kernel-buffers.ts";
import { storesWithAxes } from "../kernels/kernel-stores.ts";
import type { Buffer, HostArray, HostWork, Kernel } from "../kernels/kernel.ts";
import { spansOf } from "../kernels/span.ts";
import type { DistinctCodes } from "./distinct-codes.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import { elementBytes, hasOwnArena } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { Place, Step } from "./program.ts";
import { LimitError } from "./target.ts";

/** @param rootPlaces places of buffers that lie in no other, by id */
export function listSteps(
  entry: EntryKernels,
  rootPlaces: ReadonlyMap<number, Place>,
  codes: DistinctCodes,
): Step[] {
  const { buffers, kernels } = entry.kernels;
  const spans = spansOf(buffers);
  const place = (id: number): Place => {
    const { root, start } = spans[id]!;
    const { role, dtype } = buffers[root]!;
    const home = rootPlaces.get(root);
    if (!home) throw new Error(`buffer ${id} of ${entry.name} (${role.kind}) has no place`);
    const size = home.isHalf ? 2 : elementBytes(dtype, codes.target.name);
    return { ...home, offset: home.offset + start * size };
  };
  return kernels.map((kernel): Step => {
    if (kernel.kind === "host") return hostStep(kernel, place);
    const { code, order } = codes.generate(kernel, buffers);
    const places = order.map(place);
    checkBindings(places, kernel, codes.limits);
    return {
      kind: "dispatch",
      code,
      places,
      label: kernel.label,
      path: kernel.origin.path,
      phase: kernel.phase,
      flops: kernel.flops,
      bytes: bytesMoved(kernel, buffers, codes),
    };
  });
}

function hostStep(work: HostWork, place: (buffer: number) => Place): Step {
  const placed = ({ buffer, shape, dtype }: HostArray) => ({ place: place(buffer), shape, dtype });
  const { op, attributes, label, phase, origin } = work;
  const [inputs, output] = [work.inputs.map(placed), placed(work.output)];
  const bytes = [...inputs, output].reduce((sum, { shape }) => sum + elementCount(shape) * 4, 0);
  return { kind: "host", op, attributes, inputs, output, label, path: origin.path, phase, bytes };
}

/** A dispatch binds each arena that its buffers lie in once, whole. */
function checkBindings(places: readonly Place[], kernel: Kernel, limits: Limits): void {
  const arenas = new Set(places.map(({ arena }) => arena)).size;
  if (arenas <= limits.storageBuffers) return;
  throw new LimitError({
    limit: "storageBuffers",
    what: `\`${kernel.label}\``,
    needs: arenas,
    allowed: limits.storageBuffers,
    origin: kernel.origin,
    help: "a device with larger bindings puts more arrays into one buffer, and so does a smaller batch",
  });
}

/**
 * Each buffer that a kernel touches, once: what it must move at least. Of one that it only writes, and not all of, as
 * many elements as it writes.
 */
function bytesMoved(
  kernel: Kernel,
  buffers: readonly Buffer[],
  { target, limits }: Pick<DistinctCodes, "target" | "limits">,
): number {
  const reads = kernelReads(kernel);
  const written = new Map<number, number>();
  for (const { axes, store } of storesWithAxes(kernel)) {
    const points = elementCount(axes.map(({ extent }) => extent));
    written.set(store.buffer, (written.get(store.buffer) ?? 0) + points);
  }
  return buffersOf(kernel).reduce((sum, id) => {
    const { dtype, length, role } = buffers[id]!;
    const isHalf = role.kind === "scratch" && hasOwnArena(dtype, target.name, limits);
    const touched = reads.includes(id) ? length : Math.min(length, written.get(id) ?? length);
    return sum + touched * (isHalf ? 2 : elementBytes(dtype, target.name));
  }, 0);
}
