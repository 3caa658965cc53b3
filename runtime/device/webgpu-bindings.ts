// Steps of a program -> commands with their pipelines and bind groups, all made when the program is loaded.
import { copyKernel } from "../../compiler/wgsl/copy-kernel.ts";
import {
  offsetsKey,
  placesOf,
  stepWords,
  type DeviceMemory,
} from "../../compiler/wgsl/device-memory.ts";
import { placePattern } from "../../compiler/wgsl/bindings.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import type { Copy, Dispatch, Entry, HostStep, Program } from "../../compiler/program/program.ts";
import type { Buffers } from "./webgpu-buffers.ts";
import type { Command } from "./webgpu-commands.ts";
import type { BoundPipeline, Pipelines } from "./webgpu-pipelines.ts";
import type { Trouble } from "./webgpu-trouble.ts";

/** What all programs on one GPU device share. */
export interface GpuContext {
  readonly gpuDevice: GPUDevice;
  readonly limits: Limits;
  readonly pipelines: Pipelines;
  readonly trouble: Trouble;
}

/** Equal pipelines and bind groups are made once. */
export class Bindings {
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
    const key = `${name} in ${placePattern(places)}`;
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
