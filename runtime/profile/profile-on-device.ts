// A compiled recipe or model -> its profile on a device, whose best is measured first.
import type { ChosenDevice } from "../device/chosen-device.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { CompiledSpec } from "../spec/compile-spec.ts";
import { measurePeak } from "./machine-peak.ts";
import { profileSpec, type Profile } from "./profile.ts";

/** @throws WorldError `bad-setting` for the interpreter, which has no kernels */
export async function profileOnDevice(
  spec: CompiledSpec,
  device: ChosenDevice,
  host: Host,
  repeats: number,
): Promise<Profile> {
  const { name: target, limits, threads } = device;
  if (target === "interpret")
    throw new WorldError(
      "bad-setting",
      "the interpreter has no kernels to time",
      "use --device wasm or --device webgpu",
    );
  const peak = await measurePeak({
    target,
    limits,
    threads,
    relaxed: device.fixes["fusedMultiplyAdd"] === true,
    clock: host.now,
    load: (program) => device.loadProgram(program),
  });
  return profileSpec(spec, device, host, { repeats, seed: 0, peak });
}
