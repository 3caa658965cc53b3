// The three targets, each opened once for all cases.
import type { CompileSettings } from "../../compiler/compile-settings.ts";
import { DEFAULT_WEBGPU_LIMITS } from "../../compiler/program/limits.ts";
import { openChosenDevice } from "../../runtime/device/chosen-device.ts";
import type { ChosenDevice } from "../../runtime/device/chosen-device.ts";
import type { Target } from "./compare.ts";

export const targets: readonly Target[] = ["interpret", "wasm", "webgpu"];

export interface OracleDevice extends ChosenDevice {
  /** How to compile for it: within what every adapter offers, in the form that one in software likes. */
  readonly settings: CompileSettings;
}

const opened = new Map<Target, Promise<OracleDevice>>();

/** One thread, and the adapter in software: what every machine has. */
export function deviceOf(target: Target): Promise<OracleDevice> {
  const known = opened.get(target);
  if (known) return known;
  const device = openChosenDevice({ want: target, threads: 1, adapter: "software" }).then(
    (chosen) => ({ ...chosen, settings: settingsOf(target) }),
  );
  opened.set(target, device);
  return device;
}

function settingsOf(target: Target): CompileSettings {
  if (target !== "webgpu") return { target, verify: true };
  return { target, verify: true, limits: { ...DEFAULT_WEBGPU_LIMITS, gpuClass: "software" } };
}

export async function closeDevices(): Promise<void> {
  for (const device of opened.values()) await (await device).close();
  opened.clear();
}
