// A program on a WebGPU device. `load` makes every buffer, pipeline and bind group; a run writes the inputs, encodes
// the entry's fixed list of dispatches in one pass and submits it once.
// Where an entry has steps of the host, the commands before each are submitted, what it reads is fetched, and all that
// is asked for meanwhile waits its turn.
// (A command buffer can be submitted only once, so the list is encoded anew; this costs a few microseconds a dispatch.)
import { copyKernel } from "../../compiler/wgsl/copy-kernel.ts";
import {
  hostReadBytes,
  offsetsKey,
  placesOf,
  planDeviceMemory,
  slotBytes,
  stepWords,
  type DeviceMemory,
} from "../../compiler/wgsl/device-memory.ts";
import { generate } from "../../compiler/ops/generators/registry.ts";
import type { AttributeValue } from "../../compiler/graph/graph.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import type {
  Copy,
  Dispatch,
  Entry,
  HostStep,
  Place,
  PlacedArray,
  Program,
  Slot,
} from "../../compiler/program/program.ts";
import { WorldError } from "../errors.ts";
import type { LoadedProgram, TypedArray } from "./device.ts";
import { hostStepValues } from "./host-step.ts";
import { Buffers } from "./webgpu-buffers.ts";
import type { BoundPipeline, Pipelines } from "./webgpu-pipelines.ts";
import { EntryOutputs, mappedBytes, ResidentReader, typedArray } from "./webgpu-readback.ts";
import { asWorldError, type Trouble } from "./webgpu-trouble.ts";
import { encodeCommand, timedCommands, type Command } from "./webgpu-commands.ts";
import { WorkQueue } from "./work-queue.ts";

/** What all programs on one GPU device share. */
export interface GpuContext {
  readonly gpuDevice: GPUDevice;
  readonly limits: Limits;
  readonly pipelines: Pipelines;
  readonly trouble: Trouble;
}

interface LoadedEntry {
  readonly entry: Entry;
  /** Lists of commands, and steps of the host between them. */
  readonly parts: readonly (readonly Command[] | HostStep)[];
  readonly inputs: ReadonlyMap<string, Slot>;
  readonly outputs: EntryOutputs;
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
      return { entry, parts: await bindings.parts(entry), inputs, outputs };
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

/** Steps -> commands with their bind groups; equal ones are made once. */
class Bindings {
  private readonly context: GpuContext;
  private readonly program: Program;
  private readonly buffers: Buffers;
  private readonly blocks: ReadonlyMap<string, number>;
  private readonly groups = new Map<string, GPUBindGroup>();

  constructor(context: GpuContext, program: Program, memory: DeviceMemory, buffers: Buffers) {
    this.context = context;
    this.program = program;
    this.buffers = buffers;
    this.blocks = new Map(memory.offsets.blocks.map(({ at, words }) => [offsetsKey(words), at]));
  }

  async parts({ steps }: Entry): Promise<(Command[] | HostStep)[]> {
    const made = await Promise.all(
      steps.map((step) => (step.kind === "host" ? step : this.command(step))),
    );
    const parts: (Command[] | HostStep)[] = [];
    for (const each of made) {
      const last = parts.at(-1);
      if ("kind" in each) parts.push(each);
      else if (Array.isArray(last)) last.push(each);
      else parts.push([each]);
    }
    return parts;
  }

  private async command(step: Dispatch | Copy): Promise<Command> {
    const bound = await this.pipelineOf(step);
    const { workgroups } = this.codeOf(step);
    return { pipeline: bound.pipeline, bindGroup: this.bindGroup(step, bound), workgroups };
  }

  private readonly pipelines = new Map<string, Promise<BoundPipeline>>();

  /** Steps of one code whose buffers lie in arenas in the same pattern share a pipeline. */
  private pipelineOf(step: Dispatch | Copy): Promise<BoundPipeline> {
    const places = placesOf(step);
    const name = step.kind === "copy" ? `copy ${step.bytes}` : String(step.code);
    const key = `${name} in ${places.map(({ arena }) => arena).join(" ")}`;
    const known = this.pipelines.get(key);
    if (known !== undefined) return known;
    const { wgsl, label } = this.codeOf(step);
    const bound = this.context.pipelines.bound(wgsl, places, label);
    this.pipelines.set(key, bound);
    return bound;
  }

  private codeOf(step: Dispatch | Copy): {
    readonly wgsl: string;
    readonly workgroups: Command["workgroups"];
    readonly label: string;
  } {
    if (step.kind === "copy")
      return { ...copyKernel(step.bytes / 4, this.context.limits), label: "copy" };
    const code = this.program.codes[step.code];
    if (code?.target !== "webgpu")
      throw new Error(`step ${step.label} has no WebGPU code: the program is for another target`);
    return { wgsl: code.wgsl, workgroups: code.workgroups, label: step.label };
  }

  private bindGroup(step: Dispatch | Copy, { layout, arenas }: BoundPipeline): GPUBindGroup {
    const words = stepWords(step);
    const at = this.blocks.get(offsetsKey(words))!;
    const key = `${at} ${arenas.join(" ")} ${this.layoutNumber(layout)}`;
    const known = this.groups.get(key);
    if (known !== undefined) return known;
    const offsets = { buffer: this.buffers.offsets!, offset: at, size: words.byteLength };
    const group = this.context.gpuDevice.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: offsets },
        ...arenas.map((arena, place) => ({
          binding: place + 1,
          resource: { buffer: this.buffers.arenas[arena]! },
        })),
      ],
    });
    this.groups.set(key, group);
    return group;
  }

  private readonly layoutNumbers = new Map<GPUBindGroupLayout, number>();

  private layoutNumber(layout: GPUBindGroupLayout): number {
    const number = this.layoutNumbers.get(layout) ?? this.layoutNumbers.size;
    this.layoutNumbers.set(layout, number);
    return number;
  }
}

class WebgpuProgram implements LoadedProgram {
  readonly program: Program;
  readonly allocatedBytes: number;
  private readonly context: GpuContext;
  private readonly buffers: Buffers;
  private readonly entries: ReadonlyMap<string, LoadedEntry>;
  private readonly residents: ReadonlyMap<string, Slot>;
  private readonly reader: ResidentReader;
  private readonly queue = new WorkQueue();
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

  run(name: string, inputs: ReadonlyMap<string, TypedArray>): void {
    this.check();
    const loaded = this.entry(name);
    for (const input of inputs.keys())
      if (!loaded.inputs.has(input)) throw new Error(`${name} has no input ${input}`);
    const needsHost = loaded.parts.some((part) => !Array.isArray(part));
    if (this.queue.isIdle && !needsHost) return this.runNow(loaded, inputs);
    const kept = new Map([...inputs].map(([input, data]) => [input, data.slice()]));
    this.queue.add(() => (needsHost ? this.runInParts(loaded, kept) : this.runNow(loaded, kept)));
  }

  private runNow(loaded: LoadedEntry, inputs: ReadonlyMap<string, TypedArray>): void {
    this.writeInputs(loaded, inputs);
    this.submit(loaded.entry.name, loaded.parts.flat() as Command[]);
    loaded.outputs.ran();
  }

  private async runInParts(
    loaded: LoadedEntry,
    inputs: ReadonlyMap<string, TypedArray>,
  ): Promise<void> {
    this.check();
    this.writeInputs(loaded, inputs);
    for (const part of loaded.parts) {
      if ("kind" in part) await this.runOnHost(part);
      else this.submit(loaded.entry.name, part);
    }
    loaded.outputs.ran();
  }

  private writeInputs({ inputs: slots }: LoadedEntry, inputs: ReadonlyMap<string, TypedArray>) {
    for (const [input, data] of inputs) this.write(slots.get(input)!, data);
  }

  private submit(label: string, commands: readonly Command[]): void {
    const encoder = this.context.gpuDevice.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    for (const command of commands) encodeCommand(pass, command);
    pass.end();
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
    // Dawn ends the process where it is handed shared memory, as loader threads fill it
    const own = data.buffer instanceof ArrayBuffer ? data : data.slice();
    const bytes = new Uint8Array(own.buffer as ArrayBuffer, own.byteOffset, own.byteLength);
    this.context.gpuDevice.queue.writeBuffer(this.buffers.arenas[arena]!, offset, bytes);
  }
}
