// The device that was chosen, opened: what the compiler must keep to, what fixes the bits of a run on it, and how to
// load a compilation on it. The interpreter is one of them.
import type { Compiled } from "../../compiler/compiled.ts";
import { WASM_LIMITS } from "../../compiler/program/limits.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import type { Program } from "../../compiler/program/program.ts";
import { WorldError } from "../errors.ts";
import { chooseDevice } from "./choose-device.ts";
import type { DeviceChoice, DeviceName } from "./choose-device.ts";
import type { Device, LoadedProgram } from "./device.ts";
import { createInterpreter } from "./interpret.ts";
import { loadedCompilation } from "./loaded-compilation.ts";
import type { LoadedCompilation } from "./loaded-compilation.ts";
import { createWasmDevice } from "./wasm.ts";
import { createWebgpuDevice } from "./webgpu.ts";

export interface DeviceWish {
  /** A DeviceName, or `auto` (the default). */
  readonly want?: string;
  /** Compute threads of wasm; else VITRAIL_THREADS, else as many as there are cores. */
  readonly threads?: number;
  /** false: wasm without fused multiply-add although the engine has it. */
  readonly relaxed?: boolean;
  /** `software` for the adapter that tests run on. */
  readonly adapter?: "software" | "any";
}

export interface ChosenDevice {
  readonly name: DeviceName;
  /** For people: `wasm, 2 threads, fused multiply-add`. */
  readonly description: string;
  /** Why this one, in a sentence without a full stop. */
  readonly reason: string;
  /** Threads of the CPU that compute. */
  readonly threads: number;
  /** What the compiler must keep to. */
  readonly limits: Limits;
  /** What fixes the bits of a run besides spec, seed and data; goes into run.json. */
  readonly fixes: Readonly<Record<string, string | number | boolean>>;
  /** @throws WorldError where the memory is not there, or the compilation is for another device */
  load(compiled: Compiled): Promise<LoadedCompilation>;
  /** A program that stands for itself. @throws WorldError as `load` does; the interpreter runs no programs */
  loadProgram(program: Program): Promise<LoadedProgram>;
  close(): Promise<void>;
}

/** @throws WorldError where what was asked for is not there */
export async function openChosenDevice(wish: DeviceWish = {}): Promise<ChosenDevice> {
  const choice = await chooseDevice(wish.want);
  switch (choice.name) {
    case "interpret":
      return interpreter(choice);
    case "wasm":
      return wasm(choice, wish);
    case "webgpu":
      return webgpu(choice, wish);
  }
}

function interpreter(choice: DeviceChoice): ChosenDevice {
  return {
    ...choice,
    description: "interpreter in float64, one thread",
    threads: 1,
    limits: WASM_LIMITS,
    fixes: { device: "interpret" },
    load: async (compiled) => createInterpreter(compiled),
    loadProgram: async () => {
      throw new WorldError("unsupported", "the interpreter runs no programs", "use --device wasm or webgpu"); // prettier-ignore
    },
    close: async () => {},
  };
}

async function wasm(choice: DeviceChoice, wish: DeviceWish): Promise<ChosenDevice> {
  const { threads, relaxed } = wish;
  const device = await createWasmDevice({
    ...(threads === undefined ? {} : { threads }),
    ...(relaxed === undefined ? {} : { relaxed }),
  });
  return {
    ...choice,
    description: device.description,
    threads: device.threads,
    limits: WASM_LIMITS,
    fixes: { device: "wasm", fusedMultiplyAdd: device.relaxed },
    load: (compiled) => load(device, compiled),
    loadProgram: (program) => device.load(program),
    close: () => device.close(),
  };
}

async function webgpu(choice: DeviceChoice, { adapter }: DeviceWish): Promise<ChosenDevice> {
  const device = await createWebgpuDevice(adapter === undefined ? {} : { adapter });
  const { description, limits } = device;
  return {
    ...choice,
    description,
    threads: 1,
    limits,
    fixes: {
      device: "webgpu",
      adapter: description,
      architecture: device.adapter.architecture,
      tiles: limits.gpuClass ?? "discrete",
      subgroups: limits.subgroupSize ?? "none",
      halves: limits.hasF16 === true ? "16 bits" : "32 bits",
    },
    load: (compiled) => load(device, compiled),
    loadProgram: (program) => device.load(program),
    close: async () => device.close(),
  };
}

async function load(device: Device, compiled: Compiled): Promise<LoadedCompilation> {
  const { program } = compiled;
  if (program?.target === device.name)
    return loadedCompilation(compiled, await device.load(program));
  throw new WorldError(
    "unsupported",
    `this was compiled for ${program?.target ?? "interpret"}, not for ${device.name}`,
    `compile it for ${device.name}`,
  );
}
