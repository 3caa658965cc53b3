// Runs kernels written by hand on the wasm device: each buffer has a place of its own in one resident arena.
// Answers the values of every buffer afterwards.
import type { DType } from "../../../compiler/graph/graph.ts";
import { kernelKey } from "../../../compiler/kernels/kernel-key.ts";
import type { Buffer, Kernel } from "../../../compiler/kernels/kernel.ts";
import { WASM_LIMITS } from "../../../compiler/program/limits.ts";
import type { Program, ResidentSlot, Step } from "../../../compiler/program/program.ts";
import type { GeneratedKernel } from "../../../compiler/program/target.ts";
import { wasmTarget } from "../../../compiler/wasm/generate.ts";
import type { TypedArray } from "../../../runtime/device/device.ts";
import { createWasmDevice } from "../../../runtime/device/wasm.ts";
import type { WasmDevice, WasmDeviceOptions } from "../../../runtime/device/wasm.ts";

export interface Given {
  readonly dtype?: DType;
  readonly values: readonly number[] | Float64Array;
}

export interface Case {
  /** By buffer id. */
  readonly buffers: readonly Given[];
  readonly kernels: readonly Kernel[];
}

const origin = { path: "" };

export function buffersOfCase({ buffers }: Case): Buffer[] {
  return buffers.map(({ dtype, values }, id) => ({
    id,
    dtype: dtype ?? "f32",
    length: values.length,
    role: { kind: "scratch" },
    origin,
  }));
}

/**
 * A program with one entry `main` that runs the kernels; residents are named by buffer id.
 * `share`: however small, every thread gets its part, which is what the tests are about.
 */
export function programOf(given: Case, { share } = { share: true }): Program {
  const buffers = buffersOfCase(given);
  let bytes = 0;
  const offsets = buffers.map((buffer) => {
    const offset = bytes;
    bytes += Math.ceil((buffer.length * 4) / 256) * 256;
    return offset;
  });
  const codes: GeneratedKernel[] = [];
  const keys: string[] = [];
  const steps = given.kernels.map((kernel): Step => {
    const generated = wasmTarget.generate(kernel, buffers, WASM_LIMITS);
    const key = kernelKey(kernel, generated.order, buffers);
    if (!keys.includes(key)) {
      keys.push(key);
      codes.push(generated);
    }
    return {
      kind: "dispatch",
      code: keys.indexOf(key),
      places: generated.order.map((id) => ({ arena: 0, offset: offsets[id]! })),
      label: kernel.label,
      path: "",
      phase: "forward",
      flops: kernel.flops,
      bytes: 0,
    };
  });
  const residents = buffers.map((buffer, id): ResidentSlot => ({
    name: String(id),
    dtype: buffer.dtype,
    shape: [buffer.length],
    place: { arena: 0, offset: offsets[id]! },
    role: "state",
    initializer: { kind: "zeros", settings: {} },
    trainable: false,
  }));
  return {
    target: "wasm",
    limits: WASM_LIMITS,
    arenas: [{ kind: "resident", bytes }],
    residents,
    tables: [],
    entries: [{ name: "main", steps, inputs: [], outputs: [] }],
    codes: codes.map(({ code }) =>
      code.target === "wasm" && share ? { ...code, parallel: true } : code,
    ),
    ...wasmTarget.link(codes),
  };
}

export function typed(dtype: DType, values: ArrayLike<number>): TypedArray {
  if (dtype === "f32") return Float32Array.from(values);
  return dtype === "i32" ? Int32Array.from(values) : Uint32Array.from(values);
}

export async function runOn(device: WasmDevice, given: Case): Promise<TypedArray[]> {
  const loaded = await device.load(programOf(given));
  const buffers = buffersOfCase(given);
  given.buffers.forEach(({ values }, id) =>
    loaded.writeResident(String(id), typed(buffers[id]!.dtype, values)),
  );
  loaded.run("main", new Map());
  const results = await Promise.all(buffers.map((_, id) => loaded.readResident(String(id))));
  loaded.close();
  return results;
}

const devices = new Map<string, Promise<WasmDevice>>();

/** One device for each choice of options, kept between tests. */
export function deviceWith(options: WasmDeviceOptions): Promise<WasmDevice> {
  const key = JSON.stringify(options);
  const known = devices.get(key) ?? createWasmDevice(options);
  devices.set(key, known);
  return known;
}
