// Where everything lies in the one WebAssembly memory of a loaded program, in bytes:
// control words of the threads, the step tables of all entries, a scratch for each thread, the arenas.
// The planner counts with `wasmMemoryBytes`; the device allocates exactly that.
import type { Program } from "../program/program.ts";

/** Each word has a cache line of its own: threads spin on them. */
export const control = {
  /** Counts runs; idle threads watch it. */
  epoch: 64,
  idleSleepers: 128,
  arrived: 192,
  /** Counts barriers passed. */
  generation: 256,
  barrierSleepers: 320,
  /** Not zero: a thread has failed, all others give up. */
  aborted: 384,
  table: 448,
  steps: 452,
  /** How often the first thread waits for 100 ms at one barrier before it gives up; negative: it may only spin. */
  patience: 456,
  /** Not zero: threads leave this program. */
  detached: 512,
  left: 576,
} as const;

const controlBytes = 1024;
export const pageBytes = 65536;
const alignment = 256;

/** A step's words before its addresses: function, flags, number of addresses. */
export const stepHeaderWords = 3;

export const stepFlags = { parallel: 1, barrierAfter: 2 } as const;

export interface WasmMemoryLayout {
  /** Address of each entry's step table, in the order of `Program.entries`. */
  readonly tables: readonly number[];
  readonly scratch: number;
  /** From one thread's scratch to the next. */
  readonly scratchStride: number;
  /** Address of each arena. */
  readonly arenas: readonly number[];
  /** Whole pages. */
  readonly bytes: number;
}

export function wasmMemoryLayout(
  program: Pick<Program, "entries" | "arenas" | "threadScratchBytes">,
  threads: number,
): WasmMemoryLayout {
  let end = controlBytes;
  const take = (bytes: number): number => {
    const start = end;
    end = Math.ceil((end + bytes) / alignment) * alignment;
    return start;
  };
  const tables = program.entries.map((entry) =>
    take(4 * entry.steps.reduce((sum, step) => sum + stepWords(step), 0)),
  );
  const scratchStride = Math.ceil((program.threadScratchBytes ?? 0) / alignment) * alignment;
  const scratch = take(scratchStride * threads);
  const arenas = program.arenas.map((arena) => take(arena.bytes));
  // Vector loads of a last row's end may reach a few bytes further.
  const bytes = Math.ceil((end + 64) / pageBytes) * pageBytes;
  return { tables, scratch, scratchStride, arenas, bytes };
}

function stepWords(step: Program["entries"][number]["steps"][number]): number {
  if (step.kind === "host") return 0;
  return stepHeaderWords + (step.kind === "copy" ? 3 : step.places.length);
}

/** Bytes that the wasm device allocates for a program at this number of threads. */
export function wasmMemoryBytes(
  program: Pick<Program, "entries" | "arenas" | "threadScratchBytes">,
  threads: number,
): number {
  return wasmMemoryLayout(program, threads).bytes;
}
