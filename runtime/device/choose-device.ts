// Which device a run gets: the one asked for, else a real GPU where there is one, else WebAssembly.
import { WorldError, isWorldError } from "../errors.ts";
import { adapterLimits, describeAdapter, findAdapter } from "./webgpu-adapter.ts";
import type { AdapterInfo } from "./webgpu-adapter.ts";
import type { Limits } from "../../compiler/program/limits.ts";

export type DeviceName = "interpret" | "wasm" | "webgpu";

export const deviceNames: readonly DeviceName[] = ["interpret", "wasm", "webgpu"];

export interface DeviceChoice {
  readonly name: DeviceName;
  /** One sentence, for `vit doctor` and the run's log. */
  readonly reason: string;
}

export type AdapterReport =
  | { readonly kind: "found"; readonly info: AdapterInfo; readonly limits: Limits }
  | { readonly kind: "none"; readonly message: string; readonly hint: string };

/** What WebGPU offers here; says why where it offers nothing. */
export async function lookForAdapter(): Promise<AdapterReport> {
  try {
    const adapter = await findAdapter();
    return { kind: "found", info: describeAdapter(adapter), limits: adapterLimits(adapter) };
  } catch (error) {
    if (!isWorldError(error)) throw error;
    return { kind: "none", message: error.message, hint: error.hint };
  }
}

/** @throws WorldError `bad-setting` for a device that there is not. */
export async function chooseDevice(asked?: string): Promise<DeviceChoice> {
  if (asked !== undefined && asked !== "auto")
    return { name: deviceNamed(asked), reason: "asked for" };
  return preferred(await lookForAdapter());
}

export function preferred(adapter: AdapterReport): DeviceChoice {
  if (adapter.kind === "none") return { name: "wasm", reason: adapter.message };
  if (adapter.info.isSoftware)
    return { name: "wasm", reason: "the only adapter runs on the CPU, where wasm is faster" };
  return { name: "webgpu", reason: `there is a GPU: ${adapter.info.description}` };
}

function deviceNamed(name: string): DeviceName {
  const found = deviceNames.find((known) => known === name);
  if (found !== undefined) return found;
  const message = `there is no device ${name}`;
  throw new WorldError("bad-setting", message, `use one of ${deviceNames.join(", ")}`);
}
