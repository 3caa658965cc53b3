// Kernels in their order -> how long each scratch buffer lives, and, where its pieces live unequally long, each of them.
import type { KernelGraph } from "../kernels/kernel.ts";
import { elementBytes, hasOwnArena, WASM_LIMITS } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { piecesOf } from "./pieces.ts";
import type { Pieces } from "./pieces.ts";
import type { Interval, Part } from "./plan-memory.ts";

/** A buffer is planned in parts where that spares at least this share of its bytes times its steps. */
const worthwhile = 0.05;

/** @param pieces of the graph, where they are known already */
export function intervalsOf(
  { kernels: graph }: { readonly kernels: KernelGraph },
  target: "wasm" | "webgpu" = "wasm",
  limits: Limits = WASM_LIMITS,
  pieces: Pieces = piecesOf(graph),
): Interval[] {
  const { all, touched } = pieces;
  const first = new Int32Array(all.length).fill(-1);
  const last = new Int32Array(all.length);
  touched.forEach((pieces, step) => {
    for (const piece of pieces) {
      if (first[piece] === -1) first[piece] = step;
      last[piece] = step;
    }
  });
  const parts = new Map<number, Part[]>();
  all.forEach(({ root, start, end }, piece) => {
    if (first[piece] === -1) return;
    const { dtype } = graph.buffers[root]!;
    const size = hasOwnArena(dtype, target, limits) ? 2 : elementBytes(dtype, target);
    const part = { offset: start * size, bytes: (end - start) * size, first: first[piece]!, last: last[piece]! }; // prettier-ignore
    addPart(parts, root, part);
  });
  return graph.buffers.flatMap(({ id, length, dtype }): Interval[] => {
    const own = parts.get(id);
    if (own === undefined) return [];
    const size = hasOwnArena(dtype, target, limits) ? 2 : elementBytes(dtype, target);
    const whole = {
      id,
      bytes: length * size,
      first: Math.min(...own.map((part) => part.first)),
      last: Math.max(...own.map((part) => part.last)),
    };
    return [isWorthwhile(whole, own) ? { ...whole, parts: own } : whole];
  });
}

/** Pieces that follow each other and live equally long are one part. */
function addPart(parts: Map<number, Part[]>, root: number, part: Part): void {
  const known = parts.get(root);
  if (known === undefined) return void parts.set(root, [part]);
  const before = known.at(-1)!;
  const goesOn = before.first === part.first && before.last === part.last && before.offset + before.bytes === part.offset; // prettier-ignore
  if (goesOn) known[known.length - 1] = { ...before, bytes: before.bytes + part.bytes };
  else known.push(part);
}

function isWorthwhile(whole: Interval, parts: readonly Part[]): boolean {
  if (parts.length === 1) return false;
  const area = ({ bytes, first, last }: Omit<Part, "offset">) => bytes * (last - first + 1);
  return parts.reduce((sum, part) => sum + area(part), 0) < area(whole) * (1 - worthwhile);
}
