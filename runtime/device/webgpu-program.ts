// A program on a WebGPU device. `load` makes every buffer, pipeline and bind group; a run writes the inputs, encodes
// the entry's fixed list of dispatches in one pass and submits it once.
// Where an entry has steps of the host, the commands before each are submitted, what it reads is fetched, and all that
// is asked for meanwhile waits its turn.
// (A command buffer can be submitted only once, so the list is encoded anew; this costs a few microseconds a dispatch.)
import {
  hostReadBytes,
  planDeviceMemory,
  slotBytes,
  type DeviceMemory,
  type Staging,
} from "../../compiler/wgsl/device-memory.ts";
import { generate } from "../../compiler/ops/generators/registry.ts";
import type { AttributeValue } from "../../compiler/graph/graph.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import type {
  Entry,
  HostStep,
  Place,
  PlacedArray,
  Program,
  Slot,
} from "../../compiler/program/program.ts";
import { WorldError } from "../errors.ts";
import type { KeptOutputs, LoadedProgram, RunOptions, TypedArray } from "./device.ts";
import { hostStepValues } from "./host-step.ts";
import { Bindings, type GpuContext } from "./webgpu-bindings.ts";
import { Buffers } from "./webgpu-buffers.ts";
import {
  EntryOutputs,
  mappedBytes,
  OutputKeeper,
  ResidentReader,
  typedArray,
} from "./webgpu-readback.ts";
import { asWorldError } from "./webgpu-trouble.ts";
import { encodeCommand, timedCommands, type Command } from "./webgpu-commands.ts";
import { WorkQueue } from "./work-queue.ts";

interface LoadedEntry {
  readonly entry: Entry;
  /** Lists of commands, and steps of the host between them. */
  readonly parts: readonly (readonly Command[] | HostStep)[];
  readonly inputs: ReadonlyMap<string, Slot>;
  readonly outputs: EntryOutputs;
  readonly staging: Staging;
}

/** @throws WorldError: out of memory, or a shader that the driver refuses. */
export async function loadWebgpuProgram(
  context: GpuContext,
  program: Program,
): Promise<LoadedProgram> {
  const { gpuDevice } = context;
  const memory = planDeviceMemory(program);
  refuseLargeArenas(memory, context.limits);
  gpuDevice.pushErrorScope("validation");
  gpuDevice.pushErrorScope("out-of-memory");
  const buffers = new Buffers(gpuDevice, memory);
  const bindings = new Bindings(context, program, memory, buffers);
  const entries = Promise.all(
    program.entries.map(async (entry, at): Promise<LoadedEntry> => {
      const outputs = new EntryOutputs(gpuDevice, buffers.arenas, memory.staging[at]!, buffers.staging[at]!); // prettier-ignore
      const inputs = new Map(entry.inputs.map((slot) => [slot.name, slot]));
      const staging = memory.staging[at]!;
      return { entry, parts: await bindings.parts(entry), inputs, outputs, staging };
    }),
  );
  const settled = await entries.catch((error: unknown) => error as Error);
  const errors = await Promise.all([gpuDevice.popErrorScope(), gpuDevice.popErrorScope()]);
  const error = settled instanceof Error ? settled : errors.find((each) => each !== null);
  if (settled instanceof Error || (error !== undefined && error !== null)) {
    buffers.destroy();
    throw error instanceof Error ? error : asWorldError(error as GPUError);
  }
  const loaded = new WebgpuProgram(context, program, buffers, settled);
  loaded.fillTables();
  return loaded;
}

function refuseLargeArenas(memory: DeviceMemory, limits: Limits): void {
  const most = Math.min(limits.bufferBytes, limits.bindingBytes);
  const large = memory.arenas.find((bytes) => bytes > most);
  if (large !== undefined)
    throw new WorldError(
      "out-of-memory",
      `the program needs a block of ${large} bytes, and this GPU gives at most ${most}`,
      "compile it for this device, or use a smaller batch",
    );
}

class WebgpuProgram implements LoadedProgram {
  readonly program: Program;
  readonly allocatedBytes: number;
  private readonly context: GpuContext;
  private readonly buffers: Buffers;
  private readonly entries: ReadonlyMap<string, LoadedEntry>;
  private readonly residents: ReadonlyMap<string, Slot>;
  private readonly reader: ResidentReader;
  private readonly keeper: OutputKeeper;
  private readonly queue = new WorkQueue();
  /** Ends of runs that may still be under way, oldest first. */
  private readonly ends: Promise<unknown>[] = [];
  readonly runsAhead = true;
  private isClosed = false;

  constructor(
    context: GpuContext,
    program: Program,
    buffers: Buffers,
    entries: readonly LoadedEntry[],
  ) {
    this.context = context;
    this.program = program;
    this.buffers = buffers;
    this.allocatedBytes = buffers.bytes;
    this.entries = new Map(entries.map((loaded) => [loaded.entry.name, loaded]));
    this.residents = new Map(program.residents.map((slot) => [slot.name, slot]));
    this.keeper = new OutputKeeper(buffers.arenas, buffers.kept);
    this.reader = new ResidentReader(context.gpuDevice, buffers.arenas, buffers.residentStaging);
  }

  fillTables(): void {
    for (const table of this.program.tables) {
      const values = generate(table.generator, table.settings as AttributeValue, table.shape);
      this.write(table, Float32Array.from(values));
    }
  }

  writeResident(name: string, data: TypedArray): void {
    this.check();
    const slot = this.resident(name);
    if (this.queue.isIdle) return this.write(slot, data);
    const kept = data.slice();
    this.queue.add(() => this.write(slot, kept));
  }

  readResident(name: string): Promise<TypedArray> {
    this.check();
    const slot = this.resident(name);
    if (this.queue.isIdle) return this.checked(this.reader.read(slot));
    return this.checked(this.queue.result(() => this.reader.read(slot)));
  }

  run(name: string, inputs: ReadonlyMap<string, TypedArray>, how: RunOptions = {}): void {
    this.check();
    const loaded = this.entry(name);
    for (const input of inputs.keys())
      if (!loaded.inputs.has(input)) throw new Error(`${name} has no input ${input}`);
    if (how.isKept) this.keeper.checkRoom(loaded.staging);
    const needsHost = loaded.parts.some((part) => !Array.isArray(part));
    if (this.queue.isIdle && !needsHost) return this.runNow(loaded, inputs, how);
    const own = new Map([...inputs].map(([input, data]) => [input, data.slice()]));
    this.queue.add(() =>
      needsHost ? this.runInParts(loaded, own, how) : this.runNow(loaded, own, how),
    );
  }

  private runNow(
    loaded: LoadedEntry,
    inputs: ReadonlyMap<string, TypedArray>,
    { isKept = false }: RunOptions,
  ): void {
    this.writeInputs(loaded, inputs);
    this.submit(loaded, (loaded.parts[0] ?? []) as readonly Command[], isKept);
    loaded.outputs.ran();
  }

  private async runInParts(
    loaded: LoadedEntry,
    inputs: ReadonlyMap<string, TypedArray>,
    { isKept = false }: RunOptions,
  ): Promise<void> {
    this.check();
    this.writeInputs(loaded, inputs);
    for (const part of loaded.parts) {
      if ("kind" in part) await this.runOnHost(part);
      else this.submit(loaded, part, isKept && part === loaded.parts.at(-1));
    }
    if (isKept && "kind" in loaded.parts.at(-1)!) this.submit(loaded, [], true);
    loaded.outputs.ran();
  }

  private writeInputs({ inputs: slots }: LoadedEntry, inputs: ReadonlyMap<string, TypedArray>) {
    for (const [input, data] of inputs) this.write(slots.get(input)!, data);
  }

  /** Commands, and the copies that keep what the entry has made, in one command buffer. */
  private submit(
    { entry: { name: label }, staging }: LoadedEntry,
    commands: readonly Command[],
    isKept: boolean,
  ): void {
    const encoder = this.context.gpuDevice.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    for (const command of commands) encodeCommand(pass, command);
    pass.end();
    if (isKept) this.keeper.keep(encoder, staging);
    this.context.gpuDevice.queue.submit([encoder.finish()]);
  }

  async profile(name: string): Promise<readonly number[]> {
    this.check();
    await this.finish();
    const { parts } = this.entry(name);
    const times: number[] = [];
    for (const part of parts) {
      if (Array.isArray(part)) {
        times.push(...(await this.checked(timedCommands(this.context.gpuDevice, part))));
      } else {
        const before = performance.now();
        await this.runOnHost(part as HostStep);
        times.push(performance.now() - before);
      }
    }
    return times;
  }

  private async runOnHost(step: HostStep): Promise<void> {
    const staging = this.buffers.hostStaging!;
    const encoder = this.context.gpuDevice.createCommandEncoder({ label: step.label });
    const starts = new Map<PlacedArray, number>();
    let end = 0;
    for (const input of step.inputs) {
      const { arena, offset } = input.place;
      encoder.copyBufferToBuffer(this.buffers.arenas[arena]!, offset, staging, end, slotBytes(input)); // prettier-ignore
      starts.set(input, end);
      end += slotBytes(input);
    }
    this.context.gpuDevice.queue.submit([encoder.finish()]);
    const bytes = await mappedBytes(staging, hostReadBytes(step));
    const values = hostStepValues(step, (input) => {
      const start = starts.get(input)!;
      return typedArray(input.dtype, bytes.slice(start, start + slotBytes(input)));
    });
    this.write({ ...step.output, name: step.label }, values);
  }

  readOutput(entry: string, name: string): Promise<TypedArray> {
    this.check();
    const { outputs } = this.entry(entry);
    if (this.queue.isIdle) return this.checked(outputs.read(name));
    return this.checked(this.queue.result(() => outputs.read(name)));
  }

  keptOutputs(): Promise<readonly KeptOutputs[]> {
    this.check();
    if (this.queue.isIdle) return this.checked(this.keeper.read());
    return this.checked(this.queue.result(() => this.keeper.read()));
  }

  async pace(): Promise<void> {
    this.check();
    if (!this.queue.isIdle) await this.checked(this.queue.finish());
    const end = this.context.gpuDevice.queue.onSubmittedWorkDone();
    end.catch(() => {}); // whoever waits for it sees the error
    this.ends.push(end);
    if (this.ends.length > 2) await this.checked(this.ends.shift()!);
  }

  async finish(): Promise<void> {
    this.check();
    await this.checked(this.queue.finish());
    await this.context.gpuDevice.queue.onSubmittedWorkDone();
    this.context.trouble.check();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.buffers.destroy();
  }

  private check(): void {
    this.context.trouble.check();
    this.queue.check();
    if (this.isClosed) throw new Error("the program is closed");
  }

  /** What went wrong on the device says more than the failed read that follows from it. */
  private async checked<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      await this.context.trouble.settled();
      throw error;
    } finally {
      this.context.trouble.check();
    }
  }

  private entry(name: string): LoadedEntry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new Error(`the program has no entry ${name}`);
    return entry;
  }

  private resident(name: string): Slot {
    const slot = this.residents.get(name);
    if (slot === undefined) throw new Error(`the program has no resident array ${name}`);
    return slot;
  }

  private write(slot: Slot, data: TypedArray): void {
    if (data.byteLength !== slotBytes(slot))
      throw new Error(`${slot.name} has ${slotBytes(slot)} bytes, got ${data.byteLength}`);
    const { arena, offset }: Place = slot.place;
    this.context.gpuDevice.queue.writeBuffer(this.buffers.arenas[arena]!, offset, this.own(slot, data)); // prettier-ignore
  }

  /** Copies of inputs that lie in shared memory, by their slot: made once, filled at each write. */
  private readonly copies = new Map<Slot, TypedArray>();

  /** Dawn ends the process where it is handed shared memory, as loader threads fill it. */
  private own(slot: Slot, data: TypedArray): TypedArray & ArrayBufferView<ArrayBuffer> {
    if (data.buffer instanceof ArrayBuffer)
      return data as TypedArray & ArrayBufferView<ArrayBuffer>;
    const copy = this.copies.get(slot) ?? data.slice();
    copy.set(data);
    this.copies.set(slot, copy);
    return copy as TypedArray & ArrayBufferView<ArrayBuffer>;
  }
}
