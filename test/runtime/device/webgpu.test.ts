// The webgpu device, on the software adapter: programs with inputs, outputs, residents, tables, copies and entries.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Kernel } from "../../../compiler/kernels/kernel.ts";
import type { Dispatch, Place, Program, Slot } from "../../../compiler/program/program.ts";
import { mostKeptRuns, webgpuBytes } from "../../../compiler/wgsl/device-memory.ts";
import { generateWgsl } from "../../../compiler/wgsl/generate.ts";
import { generate } from "../../../compiler/ops/generators/registry.ts";
import { createWebgpuDevice, type WebgpuDevice } from "../../../runtime/device/webgpu.ts";
import { WorldError } from "../../../runtime/errors.ts";
import { about, apply, axes, Bench, flat, store } from "../../compiler/wgsl/kernel-bench.ts";

const LENGTH = 70;
const zeros = { initializer: { kind: "zeros", settings: {} }, role: "state", trainable: false } as const; // prettier-ignore

let device: WebgpuDevice;
beforeAll(async () => {
  device = await createWebgpuDevice({ adapter: "software" });
});
afterAll(() => device.close());

const place = (arena: number, offset: number): Place => ({ arena, offset });

const slot = (name: string, at: Place, length = LENGTH): Slot => ({
  name,
  dtype: "f32",
  shape: [length],
  place: at,
});

/**
 * Residents `total` and `kept`, input `x`, table `waves`.
 * `step`: total += x * waves, output `total`; `keep`: kept = total, by a copy inside one arena.
 */
function program(): Program {
  const bench = new Bench();
  const [total, x, waves] = [bench.output(LENGTH), bench.output(LENGTH), bench.output(LENGTH)];
  const grid = axes([LENGTH]);
  const [t, i, w] = [total, x, waves].map((buffer) => bench.load(buffer, flat(...grid)));
  const sum = apply("add", [t!, apply("multiply", [i!, w!])]);
  const stages = [
    { kind: "store", over: "grid", store: store(total, flat(...grid), sum) },
  ] as const;
  const kernel: Kernel = { kind: "loop", ...about, grid, row: [], stages };
  const generated = generateWgsl(kernel, bench.buffers, device.limits);
  const places = [place(0, 0), place(1, 0), place(2, 0)];
  const dispatch: Dispatch = {
    kind: "dispatch",
    code: 0,
    places: generated.order.map((id) => places[id]!),
    label: "total + x * waves",
    path: "",
    phase: "forward",
    flops: 2 * LENGTH,
    bytes: 16 * LENGTH,
  };
  const [rows, size] = [7, 10];
  return {
    target: "webgpu",
    limits: device.limits,
    arenas: [
      { kind: "resident", bytes: 1024 },
      { kind: "io", bytes: 512 },
      { kind: "table", bytes: 512 },
    ],
    residents: [
      { ...slot("total", place(0, 0)), ...zeros },
      { ...slot("kept", place(0, 512)), ...zeros },
    ],
    tables: [
      { name: "waves", dtype: "f32", shape: [rows, size], place: place(2, 0), generator: "dft", settings: { size, rows } }, // prettier-ignore
    ],
    entries: [
      {
        name: "step",
        steps: [dispatch],
        inputs: [slot("x", place(1, 0))],
        outputs: [slot("total", place(0, 0))],
      },
      {
        name: "keep",
        steps: [{ kind: "copy", from: place(0, 0), to: place(0, 512), bytes: LENGTH * 4 }],
        inputs: [],
        outputs: [],
      },
    ],
    codes: [generated.code],
  };
}

const waves = (): Float32Array =>
  Float32Array.from(generate("dft", { size: 10, rows: 7 }, [7, 10]));
const ones = new Map([["x", new Float32Array(LENGTH).fill(1)]]);

describe("a loaded program", () => {
  test("allocates what is planned, to the byte, and no more over 1,000 steps", async () => {
    const loaded = await device.load(program());
    expect(loaded.allocatedBytes).toBe(webgpuBytes(loaded.program));
    for (let step = 0; step < 1000; step++) {
      loaded.run("step", ones);
      if (step % 100 === 99) await loaded.readOutput("step", "total");
    }
    expect(loaded.allocatedBytes).toBe(webgpuBytes(loaded.program));
    const total = await loaded.readOutput("step", "total");
    waves().forEach((wave, at) => expect(total[at]).toBeCloseTo(1000 * wave, 2));
    loaded.close();
  });

  test("fills tables at load, keeps residents between runs and inputs until they are given anew", async () => {
    const loaded = await device.load(program());
    loaded.writeResident("total", new Float32Array(LENGTH).fill(2));
    loaded.run("step", ones);
    loaded.run("step", new Map());
    const total = await loaded.readResident("total");
    waves().forEach((wave, at) => expect(total[at]).toBeCloseTo(2 + 2 * wave, 5));
    loaded.close();
  });

  test("copies inside one arena", async () => {
    const loaded = await device.load(program());
    const values = Float32Array.from({ length: LENGTH }, (_, i) => i);
    loaded.writeResident("total", values);
    loaded.run("keep", new Map());
    expect(await loaded.readResident("kept")).toEqual(values);
    loaded.close();
  });

  test("gives each run's own outputs, also where the next run starts before they arrive", async () => {
    const loaded = await device.load(program());
    const reads = [1, 2, 3].map(() => {
      loaded.run("step", ones);
      return loaded.readOutput("step", "total");
    });
    const totals = await Promise.all(reads);
    expect(totals.map((total) => total[0])).toEqual([1, 2, 3]);
    loaded.close();
  });

  test("keeps the outputs of runs until they are fetched together, while others are kept already", async () => {
    const loaded = await device.load(program());
    const firsts = (kept: Awaited<ReturnType<typeof loaded.keptOutputs>>) =>
      kept.map((outputs) => outputs.get("total")![0]);
    const keep = async (): Promise<void> => {
      loaded.run("step", ones, { isKept: true });
      await loaded.pace();
    };
    for (let run = 0; run < 3; run++) await keep();
    loaded.run("step", ones);
    const first = loaded.keptOutputs();
    for (let run = 0; run < 2; run++) await keep();
    expect(firsts(await first)).toEqual([1, 2, 3]);
    expect(firsts(await loaded.keptOutputs())).toEqual([5, 6]);
    expect(await loaded.keptOutputs()).toEqual([]);
    for (let run = 0; run < mostKeptRuns; run++) await keep();
    await expect(keep()).rejects.toThrow("64 runs are kept already: read them first");
    expect(loaded.allocatedBytes).toBe(webgpuBytes(loaded.program));
    loaded.close();
  });

  test("refuses names that it does not have, and arrays of another size", async () => {
    const loaded = await device.load(program());
    expect(() => loaded.run("leap", new Map())).toThrow("no entry leap");
    expect(() => loaded.run("step", new Map([["y", new Float32Array(LENGTH)]]))).toThrow(
      "no input y",
    );
    expect(() => loaded.writeResident("total", new Float32Array(3))).toThrow("280 bytes, got 12");
    await expect(loaded.readOutput("step", "loss")).rejects.toThrow("no output loss");
    loaded.close();
    expect(() => loaded.run("step", ones)).toThrow("closed");
  });
});

describe("trouble", () => {
  test("a shader that does not compile names its kernel and the line", async () => {
    const { codes, ...rest } = program();
    const broken = codes.map((code) => ({ ...code, wgsl: "fn main() { let x = nothing; }" }));
    const load = device.load({ ...rest, codes: broken } as Program);
    await expect(load).rejects.toThrow(/total \+ x \* waves: unresolved value 'nothing'/);
  });

  test("a program planned for a larger device is refused before anything is allocated", async () => {
    const { arenas, ...rest } = program();
    const [first, ...others] = arenas;
    const load = device.load({ ...rest, arenas: [{ ...first!, bytes: 2 ** 40 }, ...others] });
    await expect(load).rejects.toMatchObject({ code: "out-of-memory" });
  });

  test("a lost device is a WorldError from the next call on", async () => {
    const other = await createWebgpuDevice({ adapter: "software" });
    const loaded = await other.load(program());
    loaded.run("step", ones);
    other.lose();
    const read = loaded.readOutput("step", "total");
    await expect(read).rejects.toBeInstanceOf(WorldError);
    await expect(read).rejects.toMatchObject({ code: "device-lost" });
    expect(() => loaded.run("step", ones)).toThrow(WorldError);
  });
});

test("the device says what it is and what it can do", () => {
  expect(device.adapter).toMatchObject({ isSoftware: true, architecture: "swiftshader" });
  expect(device.description).toMatch(/software/);
  expect(device.limits).toMatchObject({
    storageBuffers: 12,
    gpuClass: "software",
    subgroupSize: 4,
  });
});
