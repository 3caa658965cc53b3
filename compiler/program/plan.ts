// Kernel graphs of all entries -> a program: places for every buffer, code for every distinct kernel, lists of steps.
// Residents, tables and what the host writes or reads have places of their own; scratch is shared by the entries,
// planned by lifetime within each and as large as the largest needs.
import type { ResidentLayout } from "../compiled.ts";
import type { Buffer } from "../kernels/kernel.ts";
import { ArenaSpace } from "./arena-space.ts";
import { DistinctCodes } from "./distinct-codes.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import { HostPlaces } from "./host-places.ts";
import { elementBytes } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { listSteps } from "./list-steps.ts";
import type { Arena, Entry, Place, Program, Slot } from "./program.ts";
import { placeResidents, residentSlots } from "./resident-places.ts";
import { planScratch } from "./scratch-places.ts";
import type { ScratchPlan } from "./scratch-places.ts";
import { TablePlaces } from "./table-places.ts";
import { bytesText, LimitError } from "./target.ts";
import type { Target } from "./target.ts";

/** @throws LimitError where an array or a kernel cannot be had within the limits. */
export function planProgram(
  entries: readonly EntryKernels[],
  layout: ResidentLayout,
  target: Target,
  limits: Limits,
): Program {
  const space = new ArenaSpace(limits, target.name);
  const residents = placeResidents(layout, space);
  const tables = new TablePlaces(space);
  const io = new HostPlaces(space);
  const plans = entries.map((entry) => planScratch(entry, limits, target.name));
  const scratch = {
    words: space.addScratch(plans.map(({ words }) => words.arenas)),
    halves: space.addScratch(plans.map(({ halves }) => halves.arenas)),
  };
  const codes = new DistinctCodes(target, limits);
  const planned = entries.map((entry, i): Entry => {
    const inputs = entry.inputs.map((input) => io.slot(input, "input", entry.name));
    const outputs = entry.outputs.map((output) => io.slot(output, "output", entry.name));
    const roots = new Map<number, Place>();
    for (const buffer of entry.kernels.buffers) {
      if (buffer.within) continue;
      const place = placeOf(buffer, {
        residents,
        tables,
        inputs,
        outputs,
        scratch,
        plan: plans[i]!,
      });
      if (place) roots.set(buffer.id, place);
    }
    return { name: entry.name, inputs, outputs, steps: listSteps(entry, roots, codes) };
  });
  refuseTooMuch(space, entries, limits);
  return {
    target: target.name,
    limits,
    arenas: space.arenas,
    residents: residentSlots(layout, residents, target.name),
    tables: tables.slots,
    entries: planned,
    codes: codes.generated.map(({ code }) => code),
    ...target.link(codes.generated),
  };
}

function placeOf(
  buffer: Buffer,
  known: {
    readonly residents: ReadonlyMap<string, Place>;
    readonly tables: TablePlaces;
    readonly inputs: readonly Slot[];
    readonly outputs: readonly Slot[];
    readonly scratch: { readonly [kind in keyof ScratchPlan]: readonly number[] };
    readonly plan: ScratchPlan;
  },
): Place | undefined {
  const { role } = buffer;
  switch (role.kind) {
    case "resident":
      return known.residents.get(role.name);
    case "table":
      return known.tables.place(role, buffer.dtype);
    case "input":
      return known.inputs.find(({ name }) => name === role.name)?.place;
    case "output":
      return known.outputs.find(({ name }) => name === role.name)?.place;
    case "scratch": {
      const { words, halves } = known.plan;
      const word = words.places.get(buffer.id);
      if (word) return { arena: known.scratch.words[word.arena]!, offset: word.offset };
      const half = halves.places.get(buffer.id);
      return (
        half && { arena: known.scratch.halves[half.arena]!, offset: half.offset, isHalf: true }
      );
    }
  }
}

/** The place that is named is that of the largest array which lives for one step only. */
function refuseTooMuch(space: ArenaSpace, entries: readonly EntryKernels[], limits: Limits): void {
  const of = (kind: Arena["kind"]) =>
    space.arenas.reduce((sum, arena) => sum + (arena.kind === kind ? arena.bytes : 0), 0);
  const needs = space.arenas.reduce((sum, { bytes }) => sum + bytes, 0);
  if (needs <= limits.totalBytes) return;
  const scratch = entries
    .flatMap(({ kernels }) => kernels.buffers)
    .filter(({ role, within }) => role.kind === "scratch" && !within);
  const [largest] = scratch.toSorted((a, b) => b.length - a.length);
  const bytes = largest ? largest.length * elementBytes(largest.dtype, space.target) : 0;
  throw new LimitError({
    limit: "totalBytes",
    what: "the program",
    needs,
    allowed: limits.totalBytes,
    parts: [
      ["parameters and optimizer", bytesText(of("resident"))],
      ["values of a step", bytesText(of("scratch"))],
      ...(largest ? [["the largest of them", bytesText(bytes)] as const] : []),
      ["batches and tables", bytesText(of("io") + of("table"))],
    ],
    ...(largest ? { origin: largest.origin } : {}),
    help: "a smaller batch, or `accumulate`, makes the values of a step smaller",
  });
}
