// Runs single kernels on the software adapter and compares them with plain loops: the tests' one way to the device.
// A small builder of kernels by hand (axes, loads, stores), and `check`, which runs one both ways, twice on the device.
import { expect, vi } from "vitest";
import type { DType } from "../../../compiler/graph/graph.ts";
import type { Axis, Buffer, Expression, Kernel, Store } from "../../../compiler/kernels/kernel.ts";
import { axisIndex, linearIndex } from "../../../compiler/ops/index-arithmetic.ts";
import type { Index } from "../../../compiler/ops/index-expression.ts";
import type { ScalarInstruction } from "../../../compiler/ops/op.ts";
import { DEFAULT_WEBGPU_LIMITS } from "../../../compiler/program/limits.ts";
import type { Place, Program, Slot } from "../../../compiler/program/program.ts";
import type { GeneratedKernel } from "../../../compiler/program/target.ts";
import { bindArenas } from "../../../compiler/wgsl/bindings.ts";
import { generateWgsl } from "../../../compiler/wgsl/generate.ts";
import type { TypedArray } from "../../../runtime/device/device.ts";
import { createWebgpuDevice, type WebgpuDevice } from "../../../runtime/device/webgpu.ts";
import { runPlainly, type Memory } from "./plain-kernel.ts";

// A software adapter may take a second to compile a shader, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

let shared: Promise<WebgpuDevice> | undefined;

/** One device for all tests of a file, so that pipelines are shared. */
export function softwareDevice(): Promise<WebgpuDevice> {
  shared ??= createWebgpuDevice({ adapter: "software" });
  return shared;
}

/** Buffers with their first values; ids are places in the list. */
export class Bench {
  readonly buffers: Buffer[] = [];
  readonly values: TypedArray[] = [];

  private readonly inPlace = new Map<number, number>();

  /** An array that kernels write in the place of another one of its length. */
  outputInPlaceOf(buffer: number): number {
    const { dtype } = this.buffers[buffer]!;
    const output = this.add(typed(dtype, this.values[buffer]!), dtype);
    this.inPlace.set(output, buffer);
    return output;
  }

  /** An array that kernels read. */
  input(values: readonly number[] | TypedArray, dtype: DType = "f32"): number {
    return this.add(typed(dtype, values), dtype);
  }

  /** An array of fixed pseudo-random numbers in [-1, 1). */
  noise(length: number, seed = this.buffers.length + 1): number {
    let state = Math.imul(seed, 2654435761) >>> 0;
    return this.input(
      Array.from({ length }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 31 - 1;
      }),
    );
  }

  /** An array that kernels write, filled with a value that no kernel makes. */
  output(length: number, dtype: DType = "f32"): number {
    return this.add(typed(dtype, Array(length).fill(99)), dtype);
  }

  private add(values: TypedArray, dtype: DType): number {
    const id = this.buffers.length;
    const role = { kind: "resident", name: `b${id}` } as const;
    this.buffers.push({ id, dtype, length: values.length, role, origin: { path: "" } });
    this.values.push(values);
    return id;
  }

  load(buffer: number, index: Index): Expression {
    return { kind: "load", buffer, index, dtype: this.buffers[buffer]!.dtype };
  }

  /** Runs the kernel on the device, in fresh arenas. Returns every buffer's values afterwards. */
  async run(kernel: Kernel, generate: Generator): Promise<TypedArray[]> {
    const device = await softwareDevice();
    const loaded = await device.load(this.program(kernel, generate));
    this.values.forEach((values, id) => loaded.writeResident(`b${id}`, values));
    loaded.run("once", new Map());
    const results = await Promise.all(this.values.map((_, id) => loaded.readResident(`b${id}`)));
    loaded.close();
    return results;
  }

  /** One entry with one dispatch; even buffers lie in one arena, odd ones in another. */
  program(kernel: Kernel, generate: Generator = forGpu): Program {
    const generated = generate(kernel, this.buffers);
    const sizes = [0, 0];
    const places: Place[] = [];
    const residents = this.buffers.map(({ id, dtype, length }): Program["residents"][number] => {
      const shared = places[this.inPlace.get(id) ?? id];
      const place = shared ?? { arena: id % 2, offset: sizes[id % 2]! };
      if (shared === undefined) sizes[id % 2]! += Math.ceil((length * 4) / 256) * 256;
      places.push(place);
      const slot: Slot = { name: `b${id}`, dtype, shape: [length], place };
      return {
        ...slot,
        role: "state",
        trainable: false,
        initializer: { kind: "zeros", settings: {} },
      };
    });
    const dispatch = {
      kind: "dispatch",
      code: 0,
      places: generated.order.map((id) => residents[id]!.place),
      label: kernel.label,
      path: "",
      phase: "forward",
      flops: 0,
      bytes: 0,
    } as const;
    return {
      target: "webgpu",
      limits: DEFAULT_WEBGPU_LIMITS,
      arenas: sizes.map((bytes) => ({ kind: "resident", bytes: Math.max(bytes, 256) })),
      residents,
      tables: [],
      entries: [{ name: "once", steps: [dispatch], inputs: [], outputs: [] }],
      codes: [generated.code],
    };
  }

  /** The whole text that the device gets for it. */
  shader(kernel: Kernel, generate: Generator): string {
    const { entries, codes } = this.program(kernel, generate);
    const [step] = entries[0]!.steps;
    const [code] = codes;
    if (step?.kind !== "dispatch" || code?.target !== "webgpu") throw new Error("one dispatch");
    return bindArenas(code.wgsl, step.places).wgsl;
  }

  /** Puts what the kernel writes, made plainly, in place of the values. */
  runPlainly(kernel: Kernel): void {
    const memory = this.memory();
    runPlainly(kernel, memory);
    this.buffers.forEach(({ id, dtype }) => (this.values[id] = typed(dtype, [...memory.get(id)!])));
  }

  private memory(): Memory {
    return new Map(this.values.map((values, id) => [id, Float64Array.from(values)]));
  }

  /**
   * The device's values equal the plain ones within `tolerance` (of the largest value) and two runs' bits agree,
   * for the code made for GPUs, for those with subgroups, and for software adapters, where they differ.
   */
  async check(
    kernel: Kernel,
    tolerance = 2e-6,
    generators: readonly Generator[] = [forGpu, forSubgroups, forSoftware],
  ): Promise<void> {
    const memory = this.memory();
    runPlainly(kernel, memory);
    const tried = new Set<string | undefined>();
    for (const generate of generators) {
      const { key } = generate(kernel, this.buffers);
      if (tried.has(key)) continue;
      tried.add(key);
      const [first, second] = [await this.run(kernel, generate), await this.run(kernel, generate)];
      expect(first.map(bits)).toEqual(second.map(bits));
      first.forEach((values, id) =>
        expectClose(values, memory.get(id)!, tolerance, `buffer ${id}`),
      );
    }
  }
}

export type Generator = (kernel: Kernel, buffers: readonly Buffer[]) => GeneratedKernel;

export const forGpu: Generator = (kernel, buffers) =>
  generateWgsl(kernel, buffers, DEFAULT_WEBGPU_LIMITS);

/** As small as those of the software adapter. */
export const forSubgroups: Generator = (kernel, buffers) =>
  generateWgsl(kernel, buffers, { ...DEFAULT_WEBGPU_LIMITS, subgroupSize: 4 });

export const forSoftware: Generator = (kernel, buffers) =>
  generateWgsl(kernel, buffers, { ...DEFAULT_WEBGPU_LIMITS, gpuClass: "software" });

function bits(values: TypedArray): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function typed(dtype: DType, values: readonly number[] | TypedArray): TypedArray {
  if (dtype === "f32") return Float32Array.from(values);
  return dtype === "i32" ? Int32Array.from(values) : Uint32Array.from(values);
}

function expectClose(
  actual: TypedArray,
  expected: Float64Array,
  tolerance: number,
  what: string,
): void {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  let worst = 0;
  let where = 0;
  actual.forEach((value, at) => {
    const error = Math.abs(value - expected[at]!) / scale;
    if (!(error <= worst)) [worst, where] = [error, at];
  });
  const message = `${what} differs most at ${where}: ${actual[where]} instead of ${expected[where]}`;
  expect(worst, message).toBeLessThanOrEqual(tolerance);
}

/** Axes numbered from `from` on. */
export function axes(extents: readonly number[], from = 0): Axis[] {
  return extents.map((extent, at) => ({ id: from + at, extent }));
}

/** The row-major position of these axes. */
export function flat(...of: readonly Axis[]): Index {
  return linearIndex(
    of.map(at),
    of.map((axis) => axis.extent),
  );
}

export function at(axis: Axis): Index {
  return axisIndex(axis.id, axis.extent);
}

export function apply(
  instruction: ScalarInstruction,
  operands: readonly Expression[],
  dtype: DType = operands[0]!.dtype,
): Expression {
  return { kind: "apply", instruction, arguments: operands, dtype };
}

export function constant(value: number, dtype: DType = "f32"): Expression {
  return { kind: "constant", value, dtype };
}

export function store(buffer: number, index: Index, value: Expression): Store {
  return { buffer, index, value };
}

/** What every kernel has besides its work. */
export const about = {
  id: 0,
  label: "test",
  origin: { path: "" },
  macs: 0,
  flops: 0,
  phase: "forward",
} as const;
