// Whole training steps as they would be on GPUs that are not here. Dawn has a device that runs nothing, but has every
// feature and refuses every shader, binding and dispatch that a real one would refuse: each program is loaded and run on
// it. What halves in 16 bits would be is run too, on the software adapter, with a word for each.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { DEFAULT_WEBGPU_LIMITS, type Limits } from "../../../compiler/program/limits.ts";
import type { Place, Program, Step } from "../../../compiler/program/program.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import type { TypedArray } from "../../../runtime/device/device.ts";
import { asStored } from "../../../runtime/device/loaded-compilation.ts";
import { createWebgpuDevice, type WebgpuDevice } from "../../../runtime/device/webgpu.ts";
import type { GpuContext } from "../../../runtime/device/webgpu-bindings.ts";
import { Pipelines } from "../../../runtime/device/webgpu-pipelines.ts";
import { loadWebgpuProgram } from "../../../runtime/device/webgpu-program.ts";
import { loadSoftwareDawn } from "../../../runtime/device/webgpu-software.ts";
import { Trouble } from "../../../runtime/device/webgpu-trouble.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { specFiles } from "../../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../../runtime/spec/compile-spec.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

function programOf(recipe: string, limits: Limits, precision: "f32" | "f16" = "f32"): Program {
  const files = specFiles();
  const read = (name: string) => {
    const text = files.read(name);
    return name.endsWith(`${recipe}.vit`)
      ? text?.replace("seed      = 0", `seed      = 0\n  precision = ${precision}`)
      : text;
  };
  const { compiled } = compileRecipeSpec(
    { file: `examples/${recipe}.vit` },
    { files: { ...files, read }, catalog: catalog(nodeHost) },
    { target: "webgpu", limits },
  );
  return compiled.program!;
}

/** Values for every input of an entry, the same each time; ids and labels are zero. */
function inputsOf(program: Program, entry: string): ReadonlyMap<string, TypedArray> {
  const { inputs } = program.entries.find(({ name }) => name === entry)!;
  return new Map<string, TypedArray>(
    inputs.map(({ name, dtype, shape }) => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      if (dtype === "i32") return [name, new Int32Array(length)];
      if (dtype !== "f32") return [name, new Uint32Array(length)];
      const values = Float32Array.from({ length }, (_, i) => Math.abs(Math.sin(i + name.length)));
      return [name, length === 1 ? Float32Array.of(1e-3) : values];
    }),
  );
}

const large: Limits = { ...DEFAULT_WEBGPU_LIMITS, workgroupBytes: 32768, subgroupSize: 32 };
const gpus: Readonly<Record<string, Limits>> = {
  "a card": { ...large, gpuClass: "discrete", hasF16: true },
  "a GPU beside a CPU": { ...large, gpuClass: "integrated", subgroupSize: 8, hasF16: true },
  "a GPU with what every GPU has": DEFAULT_WEBGPU_LIMITS,
};

describe("a device that refuses what is wrong takes", () => {
  let gpu: GPU | undefined; // which must outlive all that comes from it
  let gpuDevice: GPUDevice;
  let shared: Pick<GpuContext, "gpuDevice" | "pipelines" | "trouble">;
  beforeAll(async () => {
    gpu = loadSoftwareDawn().create(["backend=null"]);
    const adapter = await gpu.requestAdapter();
    const requiredFeatures: GPUFeatureName[] = ["shader-f16", "subgroups"];
    gpuDevice = await adapter!.requestDevice({ requiredFeatures });
    shared = { gpuDevice, pipelines: new Pipelines(gpuDevice), trouble: new Trouble(gpuDevice) };
  });
  afterAll(() => {
    gpuDevice.destroy();
    gpu = undefined;
  });

  for (const [kind, limits] of Object.entries(gpus))
    test.each([
      ["digits", "f32"],
      ["digits", "f16"],
      ["resnet", "f16"],
      ["byol", "f32"],
    ] as const)(`%s in %s for ${kind}`, async (recipe, precision) => {
      const program = programOf(recipe, limits, precision);
      const hasHalves = program.entries.some(({ steps }) => steps.some((step) => step.kind === "dispatch" && step.places.some((place) => place.isHalf))); // prettier-ignore
      expect(hasHalves).toBe(precision === "f16" && limits.hasF16 === true);
      expect(JSON.stringify(program.codes)).not.toMatch(/atomic/i);
      gpuDevice.pushErrorScope("validation");
      const loaded = await loadWebgpuProgram({ ...shared, limits }, program);
      for (const { name } of program.entries) loaded.run(name, inputsOf(program, name));
      expect((await gpuDevice.popErrorScope())?.message).toBeUndefined();
      loaded.close();
    });

  test("and refuses a shader of halves that is wrong", async () => {
    const code = "enable f16;\n@compute @workgroup_size(1) fn main() { let x: f16 = 1.0f; }";
    gpuDevice.pushErrorScope("validation");
    gpuDevice.createShaderModule({ code });
    expect((await gpuDevice.popErrorScope())?.message).toContain("cannot initialize");
  });
});

/** The program with a word for each half: twice the bytes, the elements where they are. */
function inWords(program: Program): Program {
  const ofHalves = new Set<number>();
  const word = ({ isHalf, ...place }: Place): Place => {
    if (!isHalf) return place;
    ofHalves.add(place.arena);
    return { ...place, offset: 2 * place.offset };
  };
  const steps = (of: readonly Step[]): Step[] =>
    of.map((step) => {
      if (step.kind === "dispatch") return { ...step, places: step.places.map(word) };
      expect(step.kind, "no copy or step of the host touches halves here").toBe("copy");
      return step;
    });
  const entries = program.entries.map((entry) => ({ ...entry, steps: steps(entry.steps) }));
  const arenas = program.arenas.map((arena, i) => ({
    ...arena,
    bytes: ofHalves.has(i) ? 2 * arena.bytes : arena.bytes,
  }));
  expect(ofHalves.size).toBeGreaterThan(0);
  return { ...program, entries, arenas };
}

describe("two steps on the software adapter", () => {
  let device: WebgpuDevice;
  beforeAll(async () => {
    device = await createWebgpuDevice({ adapter: "software" });
  });
  afterAll(() => device.close());

  /** Metrics and parameters after two steps from parameters that are the same each time. */
  async function run(program: Program): Promise<number[]> {
    const loaded = await device.load(program);
    for (const { name, shape, dtype, role } of program.residents) {
      const length = shape.reduce((product, extent) => product * extent, 1);
      const values = Array.from({ length }, (_, i) => (role === "parameter" ? 0.05 * Math.sin(i) : 1)); // prettier-ignore
      loaded.writeResident(name, asStored(values.map((x) => (dtype === "f32" ? x : 1)), dtype)); // prettier-ignore
    }
    for (let step = 0; step < 2; step++) loaded.run("train", inputsOf(program, "train"));
    const metrics = await loaded.readOutput("train", "metrics");
    const parameters = await loaded.readResident(program.residents[0]!.name);
    loaded.close();
    return [...metrics, ...parameters];
  }

  test("an arena of halves is planned so that they have the numbers of one without", async () => {
    const { hasF16: _, ...limits } = device.limits;
    const words = await run(programOf("digits", limits, "f16"));
    const halves = await run(inWords(programOf("digits", { ...limits, hasF16: true }, "f16")));
    expect(words.every(Number.isFinite)).toBe(true);
    expect(halves).toEqual(words);
  });

  test("kernels made for cards give the numbers of those made for it", async () => {
    const expected = await run(programOf("digits", device.limits));
    const got = await run(programOf("digits", { ...device.limits, gpuClass: "discrete" }));
    const worst = Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)));
    expect(worst).toBeLessThan(2e-5);
  });
});
