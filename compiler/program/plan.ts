// Kernel graphs of all entries -> a program: places for every buffer, code for every distinct kernel, lists of steps.
// Residents, tables and what the host writes or reads have places of their own; scratch is shared by the entries,
// planned by lifetime within each and as large as the largest needs.
import type { ResidentLayout } from "../compiled.ts";
import type { DType, Origin, TensorType } from "../graph/graph.ts";
import { elementCount } from "../graph/graph.ts";
import type { Buffer, HostArray, HostWork, Kernel, KernelGraph } from "../kernels/kernel.ts";
import { kernelKey } from "../kernels/kernel-key.ts";
import { buffersOf } from "../kernels/kernel-buffers.ts";
import { spansOf } from "../kernels/span.ts";
import { bytesText, LimitError } from "./target.ts";
import type { GeneratedKernel, Target } from "./target.ts";
import { elementBytes, hasOwnArena, WASM_LIMITS } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { align, lowerBound, planMemory } from "./plan-memory.ts";
import type { Interval, Placement } from "./plan-memory.ts";
import type {
  Arena,
  Entry,
  Place,
  Program,
  ResidentSlot,
  Slot,
  Step,
  TableSlot,
} from "./program.ts";

export interface EntryKernels {
  readonly name: string;
  readonly kernels: KernelGraph;
  readonly inputs: readonly (TensorType & { readonly name: string })[];
  readonly outputs: readonly (TensorType & { readonly name: string })[];
}

/** @throws LimitError where an array or a kernel cannot be had within the limits. */
export function planProgram(
  entries: readonly EntryKernels[],
  layout: ResidentLayout,
  target: Target,
  limits: Limits,
): Program {
  const space = new Space(limits, target.name);
  const residents = placeResidents(layout, space);
  const tables = new Tables(space);
  const io = new HostArrays(space);
  const plans = entries.map((entry) => planScratch(entry, limits, target.name));
  const scratch = {
    words: space.addScratch(plans.map(({ words }) => words.arenas)),
    halves: space.addScratch(plans.map(({ halves }) => halves.arenas)),
  };
  const codes = new Codes(target, limits);
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
    return { name: entry.name, inputs, outputs, steps: stepsOf(entry, roots, codes) };
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

/** The place that is named is that of the largest array which lives for one step only. */
function refuseTooMuch(space: Space, entries: readonly EntryKernels[], limits: Limits): void {
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

/** What a program needs of memory, in bytes, before anything runs. */
export interface Footprint {
  readonly parameters: number;
  /** Slots, twins, running statistics, accumulated gradients. */
  readonly optimizer: number;
  /** Scratch: activations and gradients, by lifetime. */
  readonly activations: number;
  /** Batches, metrics, tables, and what the device needs to run kernels. */
  readonly workspace: number;
  readonly total: number;
  /** The same with the largest live set in place of the scratch plan. */
  readonly lowerBound: number;
}

/** @param deviceBytes what the device allocates for this program, all in all */
export function footprint(
  program: Program,
  entries: readonly EntryKernels[],
  deviceBytes: number,
): Footprint {
  const sum = (slots: readonly ResidentSlot[]) =>
    slots.reduce((bytes, slot) => bytes + arrayBytes(slot, program.target), 0);
  const of = (kind: Arena["kind"]) =>
    program.arenas
      .filter((arena) => arena.kind === kind)
      .reduce((bytes, arena) => bytes + arena.bytes, 0);
  const parameters = sum(program.residents.filter(({ role }) => role === "parameter"));
  const optimizer = of("resident") - parameters;
  const activations = of("scratch");
  const workspace = deviceBytes - parameters - optimizer - activations;
  const live = Math.max(
    0,
    ...entries.map((entry) => lowerBound(intervalsOf(entry, program.target, program.limits))),
  );
  return {
    parameters,
    optimizer,
    activations,
    workspace,
    total: deviceBytes,
    lowerBound: deviceBytes - activations + live,
  };
}

function arrayBytes({ shape, dtype }: TensorType, target: Target["name"]): number {
  return elementCount(shape) * elementBytes(dtype, target);
}

/** Hands out arenas; arrays of one kind fill one arena until the next would pass the limit. */
class Space {
  readonly arenas: { kind: Arena["kind"]; bytes: number }[] = [];
  private readonly open = new Map<Arena["kind"], number>();
  readonly target: Target["name"];
  private readonly limits: Limits;

  constructor(limits: Limits, target: Target["name"]) {
    this.limits = limits;
    this.target = target;
  }

  private get arenaBytes(): number {
    return arenaBytes(this.limits);
  }

  add(kind: Arena["kind"], bytes: number, what: string, help = smallerStep): Place {
    const size = align(bytes);
    if (size > this.arenaBytes) throw tooLarge(what, size, this.limits, help);
    const open = this.open.get(kind);
    const arena = open === undefined ? undefined : this.arenas[open]!;
    if (open !== undefined && arena && arena.bytes + size <= this.arenaBytes) {
      const offset = arena.bytes;
      arena.bytes += size;
      return { arena: open, offset };
    }
    this.arenas.push({ kind, bytes: size });
    this.open.set(kind, this.arenas.length - 1);
    return { arena: this.arenas.length - 1, offset: 0 };
  }

  /** Scratch arena i is as large as the largest entry needs. Returns their numbers. */
  addScratch(plans: readonly (readonly number[])[]): readonly number[] {
    const count = Math.max(0, ...plans.map((plan) => plan.length));
    return Array.from({ length: count }, (_, i) => {
      this.arenas.push({ kind: "scratch", bytes: Math.max(...plans.map((plan) => plan[i] ?? 0)) });
      return this.arenas.length - 1;
    });
  }
}

function arenaBytes(limits: Limits): number {
  return Math.floor(Math.min(limits.bindingBytes, limits.bufferBytes) / 256) * 256;
}

const smallerStep = "a smaller batch, or `accumulate`, makes the arrays of a step smaller";

function tooLarge(
  what: string,
  needs: number,
  limits: Limits,
  help: string,
  origin?: Origin,
): LimitError {
  const limit = limits.bindingBytes <= limits.bufferBytes ? "bindingBytes" : "bufferBytes";
  const broken = { limit, what, needs, allowed: limits[limit], help } as const;
  return new LimitError(origin ? { ...broken, origin } : broken);
}

/** Groups are split at the limit: an array that is larger is one parameter, or what an optimizer keeps of it. */
function nameOfResident(layout: ResidentLayout, resident: string): string {
  const [part, ...others] = layout.parts.filter((each) => each.resident === resident);
  if (!part || others.length > 0) return `\`${resident}\``;
  return part.role === "parameter" ? `the parameter \`${part.path}\`` : `\`${part.path}\``;
}

function placeResidents(layout: ResidentLayout, space: Space): Map<string, Place> {
  return new Map(
    layout.residents.map(({ name, dtype, length }) => [
      name,
      space.add(
        "resident",
        length * elementBytes(dtype, space.target),
        nameOfResident(layout, name),
        "make its axes shorter, or cut it in two; no batch changes its size",
      ),
    ]),
  );
}

function residentSlots(
  layout: ResidentLayout,
  places: ReadonlyMap<string, Place>,
  target: Target["name"],
): ResidentSlot[] {
  return layout.parts.map(
    ({ path, role, shape, dtype, initializer, trainable, resident, offset }) => {
      const { arena, offset: start } = places.get(resident)!;
      const place = { arena, offset: start + offset * elementBytes(dtype, target) };
      return { name: path, role, shape, dtype, initializer, trainable, place };
    },
  );
}

/** Tables by generator and settings: equal ones are made once. */
class Tables {
  readonly slots: TableSlot[] = [];
  private readonly known = new Map<string, Place>();
  private readonly space: Space;

  constructor(space: Space) {
    this.space = space;
  }

  place(role: Extract<Buffer["role"], { kind: "table" }>, dtype: DType): Place {
    const key = JSON.stringify([role.generator, role.settings, role.shape, dtype]);
    const known = this.known.get(key);
    if (known) return known;
    const name = `${role.generator}.${this.slots.length}`;
    const place = this.space.add(
      "table",
      arrayBytes({ shape: role.shape, dtype }, this.space.target),
      `the table \`${role.generator}\``,
    );
    this.slots.push({
      name,
      dtype,
      shape: role.shape,
      place,
      generator: role.generator,
      settings: role.settings,
    });
    this.known.set(key, place);
    return place;
  }
}

/** What the host writes or reads. Inputs of one name and type are shared by the entries. */
class HostArrays {
  private readonly known = new Map<string, Place>();
  private readonly space: Space;

  constructor(space: Space) {
    this.space = space;
  }

  slot(
    { name, shape, dtype }: EntryKernels["inputs"][number],
    kind: "input" | "output",
    entry: string,
  ): Slot {
    const key = JSON.stringify([kind, name, shape, dtype, kind === "output" ? entry : ""]);
    const place =
      this.known.get(key) ??
      this.space.add("io", arrayBytes({ shape, dtype }, this.space.target), `${kind} \`${name}\``);
    this.known.set(key, place);
    return { name, shape, dtype, place };
  }
}

/** Where halves have arenas of their own, they are placed apart. */
interface ScratchPlan {
  readonly words: Placement;
  readonly halves: Placement;
}

function planScratch(entry: EntryKernels, limits: Limits, target: Target["name"]): ScratchPlan {
  const intervals = intervalsOf(entry, target, limits);
  const origins = new Map(entry.kernels.buffers.map((buffer) => [buffer.id, buffer.origin]));
  for (const { id, bytes } of intervals) {
    if (align(bytes) <= arenaBytes(limits)) continue;
    const origin = origins.get(id)!;
    const whose = origin.path === "" ? "a value" : `a value of \`${origin.path}\``;
    throw tooLarge(`${whose} in ${entry.name}`, align(bytes), limits, smallerStep, origin);
  }
  const { buffers } = entry.kernels;
  const isHalf = ({ id }: Interval) => hasOwnArena(buffers[id]!.dtype, target, limits);
  const words = intervals.filter((interval) => !isHalf(interval));
  return {
    words: planMemory(words, arenaBytes(limits)),
    halves: planMemory(intervals.filter(isHalf), arenaBytes(limits)),
  };
}

/** Lifetimes of scratch buffers: parts live and die with the whole that they lie in. */
export function intervalsOf(
  { kernels }: Pick<EntryKernels, "kernels">,
  target: Target["name"] = "wasm",
  limits: Limits = WASM_LIMITS,
): Interval[] {
  const spans = spansOf(kernels.buffers);
  const lives = new Map<number, { first: number; last: number }>();
  kernels.kernels.forEach((kernel, step) => {
    for (const buffer of buffersOf(kernel)) {
      const { root } = spans[buffer]!;
      lives.set(root, { first: lives.get(root)?.first ?? step, last: step });
    }
  });
  return kernels.buffers.flatMap((buffer): Interval[] => {
    const live = lives.get(buffer.id);
    if (buffer.within || buffer.role.kind !== "scratch" || !live) return [];
    const isHalf = hasOwnArena(buffer.dtype, target, limits);
    const bytes = buffer.length * (isHalf ? 2 : elementBytes(buffer.dtype, target));
    return [{ id: buffer.id, bytes, ...live }];
  });
}

function placeOf(
  buffer: Buffer,
  known: {
    readonly residents: ReadonlyMap<string, Place>;
    readonly tables: Tables;
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

/** Code of distinct kernels, in order of first use. */
class Codes {
  readonly generated: GeneratedKernel[] = [];
  /** By structure: its code, and which of the kernel's buffers each place is that the code expects. */
  private readonly byStructure = new Map<string, { readonly code: number; readonly order: readonly number[] }>(); // prettier-ignore
  private readonly byKey = new Map<string, number>();
  readonly limits: Limits;
  readonly target: Target;

  constructor(target: Target, limits: Limits) {
    this.target = target;
    this.limits = limits;
  }

  generate(
    kernel: Kernel,
    buffers: readonly Buffer[],
  ): { readonly code: number; readonly order: readonly number[] } {
    this.checkArrays(kernel, buffers);
    const order = buffersOf(kernel);
    const structure = kernelKey(kernel, order, buffers);
    let known = this.byStructure.get(structure);
    if (known === undefined) {
      const made = this.made(kernel, buffers);
      known = { code: this.numberOf(made), order: made.order.map((id) => order.indexOf(id)) };
      this.byStructure.set(structure, known);
    }
    return { code: known.code, order: known.order.map((place) => order[place]!) };
  }

  /** A generator knows no places: what breaks a limit there is this kernel. */
  private made(kernel: Kernel, buffers: readonly Buffer[]): GeneratedKernel {
    try {
      return this.target.generate(kernel, buffers, this.limits);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      throw new LimitError({ ...error.broken, what: `\`${kernel.label}\``, origin: kernel.origin });
    }
  }

  private numberOf(made: GeneratedKernel): number {
    const known = made.key === undefined ? undefined : this.byKey.get(made.key);
    if (known !== undefined) return known;
    if (made.key !== undefined) this.byKey.set(made.key, this.generated.length);
    return this.generated.push(made) - 1;
  }

  private checkArrays(kernel: Kernel, buffers: readonly Buffer[]): void {
    const allowed = Math.min(this.limits.bindingBytes, this.target.largestArrayBytes);
    for (const id of buffersOf(kernel)) {
      const { length, dtype } = buffers[id]!;
      const bytes = length * elementBytes(dtype, this.target.name);
      if (bytes > allowed)
        throw new LimitError({
          limit: "bindingBytes",
          what: `an array of \`${kernel.label}\``,
          needs: bytes,
          allowed,
          origin: kernel.origin,
          help: smallerStep,
        });
    }
  }
}

function stepsOf(
  entry: EntryKernels,
  rootPlaces: ReadonlyMap<number, Place>,
  codes: Codes,
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

/** Each buffer that a kernel touches, once: what it must move at least. */
function bytesMoved(
  kernel: Kernel,
  buffers: readonly Buffer[],
  { target, limits }: Pick<Codes, "target" | "limits">,
): number {
  return buffersOf(kernel).reduce((sum, id) => {
    const { dtype, length, role } = buffers[id]!;
    const isHalf = role.kind === "scratch" && hasOwnArena(dtype, target.name, limits);
    return sum + length * (isHalf ? 2 : elementBytes(dtype, target.name));
  }, 0);
}
