// What one training step costs besides its arithmetic, once training is under way: counted, not timed. Two runs of
// unequal length differ by the steps between them alone, so their counts differ by what those steps did.
import { Worker } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import { findAdapter } from "../../../runtime/device/webgpu-adapter.ts";
import type { InputBatches } from "../../../runtime/data/recipe-data.ts";
import type { TypedArray } from "../../../runtime/device/device.ts";
import { initialize } from "../../../runtime/training/initialize.ts";
import { train } from "../../../runtime/training/train.ts";
import { runTrainingStep } from "../../../runtime/training/training-step.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { compileText, requestFor, smallRecipe } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 240_000 });
afterEach(() => vi.restoreAllMocks());

type Counts = Record<string, number>;
/** Any object, seen as its methods. */
type Methods = Record<string, (...given: unknown[]) => unknown>;

const text = smallRecipe
  .replace("3 epochs", "200 steps")
  .replace("every 1 epochs", "every 1000 steps");

/** Counts what the methods of a real object are called for, and shows each result to `seen`. */
function count(
  of: object,
  names: readonly string[],
  counts: Counts,
  seen: (result: object) => void = () => {},
): void {
  const methods = of as unknown as Methods;
  for (const name of names) {
    const real = methods[name]!.bind(of);
    methods[name] = (...given) => {
      counts[name] = (counts[name] ?? 0) + 1;
      const result = real(...given);
      seen(result as object);
      return result;
    };
  }
}

/** Runs that were asked for and not done yet, the most at any time. */
let mostInFlight = 0;

/** Every call that a GPU device gets in a run of so many steps. */
async function gpuCalls(recipe: string, steps: number, metricsEvery: number): Promise<Counts> {
  const counts: Counts = {};
  const adapters = Object.getPrototypeOf(await findAdapter({ adapter: "software" })) as GPUAdapter;
  const requestDevice = adapters.requestDevice;
  vi.spyOn(adapters, "requestDevice").mockImplementation(async function (this: GPUAdapter, wanted) {
    const gpu = await requestDevice.call(this, wanted);
    count(gpu, ["createBuffer"], counts, (buffer) => count(buffer, ["mapAsync"], counts));
    count(gpu, ["createBindGroup", "createBindGroupLayout", "createShaderModule", "createComputePipelineAsync", "createQuerySet"], counts); // prettier-ignore
    count(gpu, ["createCommandEncoder"], counts, (encoder) => {
      count(encoder, ["copyBufferToBuffer"], counts);
      count(encoder, ["beginComputePass"], counts, (pass) => count(pass, ["dispatchWorkgroups"], counts)); // prettier-ignore
    });
    const { queue } = gpu;
    let underWay = 0;
    count(queue, ["onSubmittedWorkDone"], counts, (end) => {
      mostInFlight = Math.max(mostInFlight, ++underWay);
      void (end as Promise<void>).then(() => underWay--);
    });
    count(queue, ["submit", "writeBuffer"], counts);
    Object.defineProperty(gpu, "queue", { value: queue });
    return gpu;
  });
  const wish = { want: "webgpu", adapter: "software" } as const;
  const more = { steps, metricsEvery, checkpointEvery: { steps: 1000 } };
  const { request } = await requestFor(recipe, temporaryFolder(), wish, more);
  await train(request);
  await request.device.close();
  vi.restoreAllMocks();
  return counts;
}

async function callsInSteps(recipe: string, steps: number, metricsEvery: number): Promise<Counts> {
  const [less, more] = [
    await gpuCalls(recipe, 16, metricsEvery),
    await gpuCalls(recipe, 16 + steps, metricsEvery),
  ];
  return Object.fromEntries(
    Object.entries(more).map(([name, calls]) => [name, calls - (less[name] ?? 0)]),
  );
}

const makesNothing = {
  createBuffer: 0,
  createBindGroup: 0,
  createBindGroupLayout: 0,
  createShaderModule: 0,
  createComputePipelineAsync: 0,
};

test("on webgpu a step is one submit and makes nothing; metrics of 16 steps are read at once", async () => {
  const dispatches = 8; // two layers forward and backward, dropout, the loss, clipping, AdamW
  expect(await callsInSteps(text, 32, 16)).toEqual({
    ...makesNothing,
    createCommandEncoder: 32,
    beginComputePass: 32,
    dispatchWorkgroups: 32 * dispatches,
    copyBufferToBuffer: 32, // the metrics, to where those of other steps wait
    submit: 32,
    writeBuffer: 32 * 6, // image, label, rate, seed, step, t
    onSubmittedWorkDone: 32,
    mapAsync: 2,
  });
  // one or two are under way when the next one starts, never more
  expect(mostInFlight).toBeGreaterThan(1);
  expect(mostInFlight).toBeLessThanOrEqual(3);
});

test("read after every step, they cost no further submit either", async () => {
  expect(await callsInSteps(text, 8, 1)).toMatchObject({ ...makesNothing, submit: 8, mapAsync: 8 });
});

test("parts of an accumulated batch are a submit each, and so is the update", async () => {
  const split = text.replace("batch     = 32", "batch     = 32\n  accumulate = 4");
  expect(await callsInSteps(split, 16, 16)).toMatchObject({
    ...makesNothing,
    submit: 16 * 5,
    copyBufferToBuffer: 16,
    mapAsync: 1,
  });
});

const arrays = [Float32Array, Int32Array, Uint32Array, Uint8Array, Float64Array] as const;

/** Counts typed arrays as they are made, by whatever way JavaScript code has. */
function countArrays(counts: Counts): void {
  const made = <T extends ArrayLike<number>>(array: T): T => {
    counts["arrays"]!++;
    counts["elements"]! += array.length;
    return array;
  };
  for (const kind of arrays) {
    const { slice, from, of, prototype } = { ...statics(kind), prototype: kind.prototype };
    vi.spyOn(prototype as Float32Array, "slice").mockImplementation(function (
      this: Float32Array,
      ...range
    ) {
      return made(slice.apply(this, range));
    });
    const counting = new Proxy(kind, {
      construct: (target, given: unknown[], by) =>
        made(Reflect.construct(target, given, by) as Float32Array),
      get: (target, name) => {
        if (name === "from") return (...given: [number[]]) => made(from.apply(target, given));
        if (name === "of") return (...given: number[]) => made(of.apply(target, given));
        return Reflect.get(target, name) as unknown;
      },
    });
    vi.stubGlobal(kind.name, counting);
  }
}

interface Statics {
  readonly slice: Float32Array["slice"];
  readonly from: (this: unknown, ...given: [number[]]) => Float32Array;
  readonly of: (this: unknown, ...given: number[]) => Float32Array;
}

function statics(kind: (typeof arrays)[number]): Statics {
  return { slice: kind.prototype.slice, from: kind.from, of: kind.of } as unknown as Statics;
}

test("on wasm a step makes a handful of single numbers, sends nothing and grows nothing", async () => {
  const device = await openChosenDevice({ want: "wasm", threads: 2 });
  const compiled = compileText(text, device);
  const { plan } = compiled;
  const loaded = await device.load(compiled);
  initialize(loaded, 0, nodeHost.files);
  const batch = new Map<string, TypedArray>(
    loaded.inputs("train").map(({ name, shape, dtype }) => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      return [name, dtype === "f32" ? new Float32Array(length) : dtype === "i32" ? new Int32Array(length) : new Uint32Array(length)]; // prettier-ignore
    }),
  );
  for (const name of ["seed", "step", "t", ...plan.scalars.map(({ input }) => input)])
    batch.delete(name);
  const batches = { next: async () => ({ inputs: batch, count: plan.batch }) };
  const step = (number: number) =>
    runTrainingStep(loaded, plan, batches as unknown as InputBatches, number);
  for (let warm = 0; warm < 4; warm++) await step(warm);

  const bytes = loaded.allocatedBytes;
  const counts: Counts = { arrays: 0, elements: 0 };
  const sent = vi.spyOn(Worker.prototype, "postMessage");
  const grown = vi.spyOn(WebAssembly.Memory.prototype as unknown as { grow(): number }, "grow");
  const memories = vi.spyOn(WebAssembly, "Memory");
  const notified = vi.spyOn(Atomics, "notify");
  countArrays(counts);
  for (let number = 4; number < 24; number++) await step(number);
  vi.unstubAllGlobals();

  // rate, seed, step and t as arrays of one number, and a copy of the three metrics
  expect(counts).toEqual({ arrays: 20 * 5, elements: 20 * (4 + 3) });
  for (const calls of [sent, memories, grown, notified]) expect(calls).not.toHaveBeenCalled();
  expect(loaded.allocatedBytes).toBe(bytes);
  loaded.close();
  await device.close();
});
