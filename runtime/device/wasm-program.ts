// A program in WebAssembly memory: arenas, tables filled, and for each entry a step table that the module walks.
import type { AttributeValue } from "../../compiler/graph/graph.ts";
import { generate } from "../../compiler/ops/generators/registry.ts";
import { fromHalfBits, isHalf, toHalfBits } from "../../compiler/ops/half.ts";
import type { HalfType } from "../../compiler/ops/half.ts";
import type {
  Copy,
  Dispatch,
  Entry,
  HostStep,
  Place,
  PlacedArray,
  Program,
  ResidentSlot,
  Slot,
  Step,
} from "../../compiler/program/program.ts";
import { decodeBase64 } from "../../compiler/wasm/base64.ts";
import {
  control,
  pageBytes,
  stepFlags,
  stepHeaderWords,
  wasmMemoryLayout,
} from "../../compiler/wasm/memory-layout.ts";
import type { WasmMemoryLayout } from "../../compiler/wasm/memory-layout.ts";
import { fromPanels, toPanels } from "../../compiler/wasm/panel-order.ts";
import { runResults } from "../../compiler/wasm/runner.ts";
import { WorldError } from "../errors.ts";
import type { KeptOutputs, LoadedProgram, RunOptions, TypedArray } from "./device.ts";
import { hostStepValues } from "./host-step.ts";
import { endedError, mayWait } from "./wasm-threads.ts";
import type { Attachment } from "./wasm-threads.ts";
import type { ThreadPool } from "./wasm.ts";

export interface WasmContext {
  readonly pool: ThreadPool;
  readonly relaxed: boolean;
  readonly patienceSeconds: number;
}

interface Exports {
  readonly start: (threads: number, scratch: number, table: number, steps: number) => number;
}

interface LoadedEntry {
  readonly entry: Entry;
  /** Runs of steps that the module walks, and steps of the host between them. */
  readonly parts: readonly (ModuleRun | HostStep)[];
  /** Address of each step in the table (of a step of the host, where the next one's is). */
  readonly steps: readonly number[];
}

interface ModuleRun {
  readonly kind: "run";
  readonly table: number;
  readonly count: number;
  readonly isParallel: boolean;
}

/** @throws WorldError `out-of-memory` where the engine does not give the memory. */
export async function loadWasmProgram(
  program: Program,
  context: WasmContext,
): Promise<WasmProgram> {
  if (program.target !== "wasm" || program.module === undefined)
    throw new Error(`the wasm device got a program for ${program.target}`);
  await context.pool.start();
  const bytes = decodeBase64(context.relaxed ? program.module.relaxed : program.module.plain);
  const module = await WebAssembly.compile(bytes);
  return new WasmProgram(program, module, context);
}

export class WasmProgram implements LoadedProgram {
  readonly program: Program;
  readonly allocatedBytes: number;
  private readonly context: WasmContext;
  private readonly module: WebAssembly.Module;
  private readonly memory: WebAssembly.Memory;
  private readonly layout: WasmMemoryLayout;
  private readonly words: Int32Array;
  private readonly exports: Exports;
  private readonly entries: ReadonlyMap<string, LoadedEntry>;
  private readonly residents: ReadonlyMap<string, ResidentSlot>;
  readonly runsAhead = false;
  private kept: KeptOutputs[] = [];
  private closed = false;

  constructor(program: Program, module: WebAssembly.Module, context: WasmContext) {
    this.program = program;
    this.context = context;
    this.module = module;
    this.layout = wasmMemoryLayout(program, context.pool.threads);
    this.memory = allocate(this.layout.bytes);
    this.allocatedBytes = this.memory.buffer.byteLength;
    this.words = new Int32Array(this.memory.buffer);
    this.words[control.patience / 4] = mayWait() ? Math.ceil(context.patienceSeconds * 10) : -1;
    this.exports = new WebAssembly.Instance(module, { env: { memory: this.memory } })
      .exports as unknown as Exports;
    this.residents = new Map(program.residents.map((slot) => [slot.name, slot]));
    for (const table of program.tables) this.fillTable(table);
    this.entries = new Map(
      program.entries.map((entry, number) => [entry.name, this.loadEntry(entry, number)]),
    );
  }

  private address({ arena, offset }: Place): number {
    const start = this.layout.arenas[arena];
    if (start === undefined) throw new Error(`the program has no arena ${arena}`);
    return start + offset;
  }

  private fillTable(slot: Program["tables"][number]): void {
    const values = generate(
      slot.generator,
      slot.settings as AttributeValue | undefined,
      slot.shape,
    );
    this.set(slot, values);
  }

  // ---- step tables ----

  private loadEntry(entry: Entry, number: number): LoadedEntry {
    const table = this.layout.tables[number]!;
    const parallel = entry.steps.map((step) => this.isParallel(step));
    const steps: number[] = [];
    let at = table / 4;
    entry.steps.forEach((step, place) => {
      // A step that one thread runs alone needs no meeting before another of that kind.
      const meets = parallel[place]! || parallel[place + 1] === true;
      steps.push(at * 4);
      if (step.kind === "host") return;
      const flags =
        (parallel[place]! ? stepFlags.parallel : 0) | (meets ? stepFlags.barrierAfter : 0);
      const words = this.stepWords(step, flags);
      this.words.set(words, at);
      at += words.length;
    });
    return { entry, steps, parts: partsOf(entry.steps, steps, parallel) };
  }

  private isParallel(step: Step): boolean {
    if (step.kind !== "dispatch") return false;
    const code = this.program.codes[step.code];
    if (code?.target !== "wasm") throw new Error(`step \`${step.label}\` has no wasm code`);
    return code.parallel && this.context.pool.threads > 1;
  }

  private stepWords(step: Dispatch | Copy, flags: number): number[] {
    const [code, operands] =
      step.kind === "copy"
        ? [0, [this.address(step.from), this.address(step.to), step.bytes]]
        : [step.code + 1, step.places.map((place) => this.address(place))];
    const header = [code, flags, operands.length];
    if (header.length !== stepHeaderWords)
      throw new Error("step header out of step with the runner");
    return [...header, ...operands];
  }

  // ---- the interface ----

  writeResident(name: string, data: TypedArray): void {
    this.write(this.resident(name), data);
  }

  async readResident(name: string): Promise<TypedArray> {
    const slot = this.resident(name);
    const { panels } = slot;
    return panels === undefined
      ? this.copied(slot)
      : fromPanels(panels, this.view(slot) as Float32Array);
  }

  private resident(name: string): ResidentSlot {
    const slot = this.residents.get(name);
    if (slot === undefined) throw new Error(`the program has no resident array \`${name}\``);
    return slot;
  }

  run(name: string, inputs: ReadonlyMap<string, TypedArray>, how: RunOptions = {}): void {
    const loaded = this.entry(name);
    this.writeInputs(loaded.entry, inputs);
    for (const part of loaded.parts) {
      if (part.kind === "host") this.runOnHost(part);
      else this.start(part.table, part.count, part.isParallel);
    }
    if (how.isKept)
      this.kept.push(new Map(loaded.entry.outputs.map((slot) => [slot.name, this.copied(slot)])));
  }

  async keptOutputs(): Promise<readonly KeptOutputs[]> {
    const { kept } = this;
    this.kept = [];
    return kept;
  }

  /** A run is done when `run` returns. */
  async pace(): Promise<void> {}

  async profile(name: string): Promise<readonly number[]> {
    const loaded = this.entry(name);
    return loaded.entry.steps.map((step, place) => {
      const before = performance.now();
      if (step.kind === "host") this.runOnHost(step);
      else this.start(loaded.steps[place]!, 1, this.isParallel(step));
      return performance.now() - before;
    });
  }

  private runOnHost(step: HostStep): void {
    const values = hostStepValues(step, (input) => this.values(input));
    this.set(step.output, values);
  }

  private entry(name: string): LoadedEntry {
    const loaded = this.entries.get(name);
    if (loaded === undefined) throw new Error(`the program has no entry \`${name}\``);
    return loaded;
  }

  private writeInputs(entry: Entry, inputs: ReadonlyMap<string, TypedArray>): void {
    for (const [name, data] of inputs) {
      const slot = entry.inputs.find((each) => each.name === name);
      if (slot === undefined) throw new Error(`entry \`${entry.name}\` has no input \`${name}\``);
      this.write(slot, data);
    }
  }

  private start(table: number, steps: number, isParallel: boolean): void {
    if (this.closed) throw new Error("the program was closed");
    const { pool } = this.context;
    if (isParallel) pool.enter(this);
    const threads = isParallel ? pool.threads : 1;
    try {
      const result = this.exports.start(threads, this.layout.scratch, table, steps);
      if (result !== runResults.done) throw endedError();
    } catch (error) {
      this.abort();
      pool.fail(error instanceof Error ? error : endedError(error));
      throw error;
    }
  }

  async readOutput(entry: string, name: string): Promise<TypedArray> {
    const slot = this.entry(entry).entry.outputs.find((each) => each.name === name);
    if (slot === undefined) throw new Error(`entry \`${entry}\` has no output \`${name}\``);
    return this.copied(slot);
  }

  /** Runs are done when `run` returns. */
  async finish(): Promise<void> {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.context.pool.leave(this);
  }

  // ---- memory ----

  /** The memory never grows, so a view of it stays good. */
  private readonly views = new Map<PlacedArray, TypedArray | Uint16Array>();

  private view(slot: PlacedArray): TypedArray | Uint16Array {
    const known = this.views.get(slot);
    if (known !== undefined) return known;
    const view = this.newView(slot);
    this.views.set(slot, view);
    return view;
  }

  private newView(slot: PlacedArray): TypedArray | Uint16Array {
    const length = slot.shape.reduce((product, extent) => product * extent, 1);
    const at = this.address(slot.place);
    switch (slot.dtype) {
      case "f32":
        return new Float32Array(this.memory.buffer, at, length);
      case "i32":
        return new Int32Array(this.memory.buffer, at, length);
      case "u32":
      case "bool":
        return new Uint32Array(this.memory.buffer, at, length);
      case "f16":
      case "bf16":
        return new Uint16Array(this.memory.buffer, at, length);
    }
  }

  /** Halves are handed out and taken as 32-bit floats. */
  private values(slot: PlacedArray): TypedArray {
    const view = this.view(slot);
    const { dtype } = slot;
    if (!(view instanceof Uint16Array)) return view;
    return Float32Array.from(view, (bits) => fromHalfBits(bits, dtype as HalfType));
  }

  private set(slot: PlacedArray, data: TypedArray | Float64Array): void {
    const { dtype } = slot;
    const view = this.view(slot);
    if (isHalf(dtype)) data.forEach((value, i) => (view[i] = toHalfBits(value, dtype)));
    else view.set(data);
  }

  private write(slot: Slot & Pick<ResidentSlot, "panels">, data: TypedArray): void {
    const view = this.view(slot);
    const isFitting = isHalf(slot.dtype)
      ? data instanceof Float32Array
      : data.constructor === view.constructor;
    if (data.length !== view.length || !isFitting)
      throw new Error(
        `\`${slot.name}\` holds ${view.length} ${slot.dtype}, but was given a ${data.constructor.name} of ${data.length}`,
      );
    if (slot.panels === undefined) this.set(slot, data);
    else toPanels(slot.panels, data as Float32Array, view as Float32Array);
  }

  private copied(slot: Slot): TypedArray {
    return this.values(slot).slice();
  }

  // ---- threads ----

  /** What thread number `thread` needs to serve this program. */
  attachment(thread: number): Attachment {
    const { pool } = this.context;
    if (thread === 1) this.welcome();
    return {
      module: this.module,
      memory: this.memory,
      thread,
      threads: pool.threads,
      scratch: this.layout.scratch + thread * this.layout.scratchStride,
      epoch: Atomics.load(this.words, control.epoch / 4),
    };
  }

  /** Waits until the threads that were sent away are out, and opens again. */
  private welcome(): void {
    if (Atomics.load(this.words, control.detached / 4) === 0) return;
    const others = this.context.pool.threads - 1;
    const left = control.left / 4;
    for (;;) {
      const count = Atomics.load(this.words, left);
      if (count === others) break;
      if (mayWait()) Atomics.wait(this.words, left, count, 1);
    }
    Atomics.store(this.words, left, 0);
    Atomics.store(this.words, control.detached / 4, 0);
  }

  /** Tells the threads to leave: they go back to hearing messages. */
  detach(): void {
    Atomics.store(this.words, control.detached / 4, 1);
    Atomics.add(this.words, control.epoch / 4, 1);
    Atomics.notify(this.words, control.epoch / 4);
  }

  /** Lets every thread give up at its next meeting. */
  abort(): void {
    Atomics.store(this.words, control.aborted / 4, 1);
    Atomics.notify(this.words, control.generation / 4);
  }
}

function partsOf(
  steps: readonly Step[],
  addresses: readonly number[],
  parallel: readonly boolean[],
): LoadedEntry["parts"] {
  const parts: (ModuleRun | HostStep)[] = [];
  for (let first = 0; first < steps.length;) {
    const step = steps[first]!;
    if (step.kind === "host") {
      parts.push(step);
      first++;
      continue;
    }
    const next = steps.findIndex((each, place) => place > first && each.kind === "host");
    const end = next < 0 ? steps.length : next;
    const isParallel = parallel.slice(first, end).some(Boolean);
    parts.push({ kind: "run", table: addresses[first]!, count: end - first, isParallel });
    first = end;
  }
  return parts;
}

function allocate(bytes: number): WebAssembly.Memory {
  const pages = bytes / pageBytes;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new WorldError(
      "out-of-memory",
      `no ${Math.ceil(bytes / 2 ** 20)} MiB of memory for the wasm device`,
      "use a smaller batch or model, or close other programs",
      cause,
    );
  }
}
