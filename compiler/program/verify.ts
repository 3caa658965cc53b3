// Checks everything that `program.ts` promises of a program. Run after planning in tests and where a caller asks for it.
import { elementCount } from "../graph/graph.ts";
import { elementBytes } from "./limits.ts";
import type { Place, Program, Slot, Step } from "./program.ts";

/** @throws Error naming the broken promise. */
export function verifyProgram(program: Program): void {
  program.arenas.forEach(({ bytes }, arena) => {
    if (bytes > program.limits.bindingBytes || bytes > program.limits.bufferBytes)
      broken(`arena ${arena} of ${bytes} bytes keeps the limits`);
  });
  verifySlots(program);
  for (const entry of program.entries)
    for (const step of entry.steps) {
      const what = `${entry.name}, ${step.kind === "copy" ? "copy" : step.label}`;
      for (const place of placesOf(step)) verifyPlace(program, place, smallest(program), what);
      if (step.kind === "dispatch" && program.codes[step.code]?.target !== program.target)
        broken(`${what} has code for ${program.target}`);
    }
}

function placesOf(step: Step): readonly Place[] {
  switch (step.kind) {
    case "dispatch":
      return step.places;
    case "copy":
      return [step.from, step.to];
    case "host":
      return [...step.inputs, step.output].map(({ place }) => place);
  }
}

function broken(claim: string): never {
  throw new Error(`program: ${claim}`);
}

/** Bytes of the smallest element. */
function smallest({ target }: Program): number {
  return elementBytes("f16", target);
}

function verifyPlace(
  program: Program,
  { arena, offset, isHalf }: Place,
  bytes: number,
  what: string,
): void {
  const found = program.arenas[arena];
  const isAligned = offset % (isHalf ? 2 : smallest(program)) === 0;
  if (found === undefined || offset < 0 || !isAligned || offset + bytes > found.bytes)
    broken(`${what} lies inside arena ${arena} at ${offset}`);
}

/** What outlives an entry lies outside of scratch, and no two arrays share a byte (an input may be shared by name). */
function verifySlots(program: Program): void {
  const io = program.entries.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]);
  const distinct = new Map<string, Slot>();
  for (const slot of [...program.residents, ...program.tables, ...io]) {
    verifyPlace(program, slot.place, bytesOfSlot(slot, program), slot.name);
    if (program.arenas[slot.place.arena]!.kind === "scratch")
      broken(`${slot.name} outlives its entry, so it is not in scratch`);
    distinct.set(`${slot.place.arena} ${slot.place.offset} ${slot.name}`, slot);
  }
  const sorted = [...distinct.values()].sort(
    (a, b) => a.place.arena - b.place.arena || a.place.offset - b.place.offset,
  );
  sorted.forEach((slot, i) => {
    const next = sorted[i + 1];
    if (next === undefined || next.place.arena !== slot.place.arena) return;
    if (slot.place.offset + bytesOfSlot(slot, program) > next.place.offset)
      broken(`${slot.name} and ${next.name} do not overlap`);
  });
}

function bytesOfSlot({ dtype, shape }: Slot, { target }: Program): number {
  return elementCount(shape) * elementBytes(dtype, target);
}
