// The device `webgpu`: runs programs on a GPU through the page's WebGPU or Dawn in Node.
import type { Limits } from "../../compiler/program/limits.ts";
import type { Program } from "../../compiler/program/program.ts";
import type { Device, LoadedProgram } from "./device.ts";
import { openDevice, type AdapterChoice, type AdapterInfo } from "./webgpu-adapter.ts";
import { Pipelines } from "./webgpu-pipelines.ts";
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
