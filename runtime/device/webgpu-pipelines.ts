// Kernel text and the arenas of its buffers -> a compute pipeline.
// Cached by the shader's text, so a second program (or the next layer) that needs the same shader gets it free.
import type { Place } from "../../compiler/program/program.ts";
import { bindArenas, type BoundShader } from "../../compiler/wgsl/bindings.ts";
import { WorldError } from "../errors.ts";

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
