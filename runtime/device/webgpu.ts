// The device `webgpu`: runs programs on a GPU through the page's WebGPU or Dawn in Node.
// Pipelines are cached by their text, so a second program (or the next layer) that needs the same shader gets it free.
import { bindArenas, type BoundShader } from "../../compiler/wgsl/bindings.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import type { Place, Program } from "../../compiler/program/program.ts";
import { WorldError } from "../errors.ts";
import type { Device, LoadedProgram } from "./device.ts";
import { openDevice, type AdapterChoice, type AdapterInfo } from "./webgpu-adapter.ts";
import { loadWebgpuProgram } from "./webgpu-program.ts";
import { Trouble } from "./webgpu-trouble.ts";

export interface WebgpuDevice extends Device {
  readonly name: "webgpu";
  readonly limits: Limits;
  readonly adapter: AdapterInfo;
  /** Destroys the GPU device as if the driver had, so that a test can see what follows. */
  lose(): void;
  /** Gives the GPU back; programs loaded on it can no longer run. */
  close(): void;
}

/** @throws WorldError where there is no adapter (`no-adapter`, `missing-package`, `unsupported`). */
export async function createWebgpuDevice(choice: AdapterChoice = {}): Promise<WebgpuDevice> {
  const { gpuDevice, info, limits } = await openDevice(choice);
  const trouble = new Trouble(gpuDevice);
  const pipelines = new Pipelines(gpuDevice);
  return {
    name: "webgpu",
    description: `${info.description || info.vendor}${info.isSoftware ? " (software)" : ""}`,
    limits,
    adapter: info,
    load: (program: Program): Promise<LoadedProgram> => {
      trouble.check();
      return loadWebgpuProgram({ gpuDevice, limits, pipelines, trouble }, program);
    },
    lose: () => gpuDevice.destroy(),
    close: () => {
      trouble.closing();
      gpuDevice.destroy();
    },
  };
}

/** A pipeline and what its bind groups need. */
export interface BoundPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly arenas: readonly number[];
}

/** Pipelines of one GPU device by shader text, layouts by pattern of access. */
export class Pipelines {
  private readonly gpuDevice: GPUDevice;
  private readonly byText = new Map<string, Promise<GPUComputePipeline>>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();

  constructor(gpuDevice: GPUDevice) {
    this.gpuDevice = gpuDevice;
  }

  /** @throws WorldError where the kernel's buffers lie in more arenas than can be bound, or the driver refuses it. */
  async bound(body: string, places: readonly Place[], label: string): Promise<BoundPipeline> {
    const shader = bindArenas(body, places);
    const most = this.gpuDevice.limits.maxStorageBuffersPerShaderStage;
    if (shader.arenas.length > most)
      throw new WorldError(
        "unsupported",
        `${label} reads and writes ${shader.arenas.length} arenas, and this GPU binds ${most}`,
        "use a smaller batch, or --device wasm",
      );
    const layout = this.layoutOf(shader);
    return {
      pipeline: await this.pipelineOf(shader, layout, label),
      layout,
      arenas: shader.arenas,
    };
  }

  private layoutOf({ isWritten }: BoundShader): GPUBindGroupLayout {
    const key = isWritten.map((written) => (written ? "w" : "r")).join("");
    const known = this.layouts.get(key);
    if (known !== undefined) return known;
    const visibility = 4; // GPUShaderStage.COMPUTE
    const layout = this.gpuDevice.createBindGroupLayout({
      entries: [
        { binding: 0, visibility, buffer: { type: "uniform" } },
        ...isWritten.map((written, at) => ({
          binding: at + 1,
          visibility,
          buffer: { type: written ? ("storage" as const) : ("read-only-storage" as const) },
        })),
      ],
    });
    this.layouts.set(key, layout);
    return layout;
  }

  private pipelineOf(
    { wgsl }: BoundShader,
    layout: GPUBindGroupLayout,
    label: string,
  ): Promise<GPUComputePipeline> {
    const known = this.byText.get(wgsl);
    if (known !== undefined) return known;
    const pipeline = this.compile(wgsl, layout, label);
    this.byText.set(wgsl, pipeline);
    return pipeline;
  }

  private async compile(
    wgsl: string,
    layout: GPUBindGroupLayout,
    label: string,
  ): Promise<GPUComputePipeline> {
    const module = this.gpuDevice.createShaderModule({ label, code: wgsl });
    try {
      return await this.gpuDevice.createComputePipelineAsync({
        label,
        layout: this.gpuDevice.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module },
      });
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const first = messages.find((message) => message.type === "error");
      const reason =
        first === undefined
          ? (cause as Error).message
          : `${first.message} in \`${wgsl.split("\n")[first.lineNum - 1]?.trim()}\``;
      throw new WorldError(
        "unsupported",
        `the GPU's driver does not take the shader of ${label}: ${reason}`,
        "please report it: this is a bug in vit or in the driver; --device wasm may work meanwhile",
        cause,
      );
    }
  }
}
