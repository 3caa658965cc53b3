// Two ways to bind what a WebGPU kernel reads and writes, counted on whole training steps and timed where only the CPU
// works: every arena whole, with offsets in a uniform (what we do), against a range of a buffer for each array.
//   npx tsx bench/binding-schemes.ts
import { DEFAULT_WEBGPU_LIMITS } from "../compiler/program/limits.ts";
import type { Buffer } from "../compiler/kernels/kernel.ts";
import type { Dispatch, Place } from "../compiler/program/program.ts";
import { bindArenas, offsetWords } from "../compiler/wgsl/bindings.ts";
import { generateWgsl } from "../compiler/wgsl/generate.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { loadSoftwareDawn } from "../runtime/device/webgpu-software.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { compileSpec } from "../runtime/spec/compile-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";

const recipes = ["examples/digits.vit", "examples/resnet.vit", "examples/byol.vit", "test/guard.vit:vit_tiny", "test/guard.vit:mixer_small", "test/guard.vit:resnet50"]; // prettier-ignore

/** A kernel's arrays, in the order of its code's slots. */
interface Bound {
  readonly step: Dispatch;
  readonly body: string;
  readonly ranges: readonly Range[];
}

interface Range {
  readonly place: Place;
  readonly end: number;
  readonly isWritten: boolean;
  readonly isReadInVectors: boolean;
}

function stepOf(recipe: string): Bound[] {
  const limits = DEFAULT_WEBGPU_LIMITS;
  const options = { files: specFiles(), catalog: catalog(nodeHost), settings: {} };
  const { compiled, entries } = compileSpec(parseTarget(recipe), options, { target: "webgpu", limits }); // prettier-ignore
  const { kernels, buffers } = entries!.find(({ name }) => name === "train")!.kernels;
  const steps = compiled.program!.entries.find(({ name }) => name === "train")!.steps;
  const dispatches = steps.filter((step) => step.kind === "dispatch");
  return kernels.map((kernel, at) => {
    const step = dispatches[at]!;
    if (kernel.kind === "host" || step.label !== kernel.label) throw new Error("not in step");
    const { order, code } = generateWgsl(kernel, buffers, limits);
    const body = code.target === "webgpu" ? code.wgsl : "";
    const ranges = order.map((id, slot) => rangeOf(buffers[id]!, step.places[slot]!, body, slot));
    return { step, body, ranges };
  });
}

function rangeOf({ length }: Buffer, place: Place, body: string, slot: number): Range {
  return {
    place,
    end: place.offset + 4 * length,
    isWritten: body.includes(`store${slot}(`),
    isReadInVectors: body.includes(`quad${slot}(`),
  };
}

/** Where each array has a binding of its own, those that overlap (a new value in the old one's place) share one. */
function bindingsOfRanges(ranges: readonly Range[]): Range[][] {
  const groups: Range[][] = [];
  for (const range of ranges) {
    const touched = groups.filter((group) => group.some((other) => overlap(range, other)));
    for (const group of touched) groups.splice(groups.indexOf(group), 1);
    groups.push([range, ...touched.flat()]);
  }
  return groups;
}

function overlap(a: Range, b: Range): boolean {
  return a.place.arena === b.place.arena && a.place.offset < b.end && b.place.offset < a.end;
}

function share(part: number, whole: number): string {
  return whole === 0 ? "none" : `${part} of ${whole}`;
}

function row(recipe: string): Record<string, string | number> {
  const step = stepOf(recipe);
  const whole = step.map(({ step: { places } }) => new Set(places.map(({ arena }) => arena)).size);
  const ranged = step.map(({ ranges }) => bindingsOfRanges(ranges));
  const counts = ranged.map((groups) => groups.length);
  const isOver = (count: number) => count > DEFAULT_WEBGPU_LIMITS.storageBuffers;
  const distinct = (names: readonly string[]) => new Set(names).size;
  const mean = (values: readonly number[]) => (values.reduce((a, b) => a + b, 0) / values.length).toFixed(1); // prettier-ignore
  const wanted = step.flatMap(({ ranges }) => ranges.filter((range) => range.isReadInVectors));
  const wholeVectors = step.flatMap(({ body, step: { places } }) =>
    bindArenas(body, places).wgsl.match(/const vectors\d+ = true/g) ?? []); // prettier-ignore
  const rangeVectors = ranged.flat().filter((group) => group.length === 1 && group[0]!.isReadInVectors && group[0]!.place.offset % 256 === 0); // prettier-ignore
  const places = step.flatMap(({ step: { places: each } }) => each);
  return {
    recipe,
    dispatches: step.length,
    "arenas bound, mean and most": `${mean(whole)}, ${Math.max(...whole)}`,
    "ranges bound, mean and most": `${mean(counts)}, ${Math.max(...counts)}`,
    "steps over 8 ranges": counts.filter(isOver).length,
    "arrays not at 256 bytes": share(places.filter(({ offset }) => offset % 256 !== 0).length, places.length), // prettier-ignore
    "bind groups, arenas": distinct(step.map(({ step: of }) => `${offsetWords(of.places).join()} in ${of.places.map(({ arena }) => arena).join()}`)), // prettier-ignore
    "bind groups, ranges": distinct(step.map(({ step: of }) => of.places.map(({ arena, offset }) => `${arena}@${offset}`).join())), // prettier-ignore
    "pipelines, arenas": distinct(step.map(({ body, step: of }) => bindArenas(body, of.places).wgsl)), // prettier-ignore
    "pipelines, ranges": distinct(step.map(({ step: of, ranges }) => `${of.code} ${bindingsOfRanges(ranges).map((group) => group.map((range) => ranges.indexOf(range)).join("+")).join()}`)), // prettier-ignore
    "vector operands, arenas": share(wholeVectors.length, wanted.length),
    "vector operands, ranges": share(rangeVectors.length, wanted.length),
  };
}

/** Microseconds of CPU to encode and submit a dispatch with so many storage bindings, on a device that runs nothing. */
async function encodingCost(gpuDevice: GPUDevice, bindings: number): Promise<number> {
  const dispatches = 200;
  const buffer = gpuDevice.createBuffer({ size: 1 << 20, usage: 0x80 | 0x40 });
  const names = Array.from({ length: bindings }, (_, at) => at);
  const code = `@group(0) @binding(0) var<uniform> offsets: vec4u;
${names.map((at) => `@group(0) @binding(${at + 1}) var<storage, read_write> b${at}: array<u32>;`).join("\n")}
@compute @workgroup_size(64) fn main() { ${names.map((at) => `b${at}[0] = offsets.x;`).join(" ")} }`;
  const module = gpuDevice.createShaderModule({ code });
  const uniforms = gpuDevice.createBuffer({ size: 256 * dispatches, usage: 0x40 });
  const pipeline = await gpuDevice.createComputePipelineAsync({ layout: "auto", compute: { module } }); // prettier-ignore
  const groups = Array.from({ length: dispatches }, (_, step) =>
    gpuDevice.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: uniforms, offset: 256 * step, size: 16 } },
        ...names.map((at) => ({
          binding: at + 1,
          resource: { buffer, offset: 256 * (at + step), size: 256 },
        })),
      ],
    }),
  );
  const run = (): void => {
    const encoder = gpuDevice.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const group of groups) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(1);
    }
    pass.end();
    gpuDevice.queue.submit([encoder.finish()]);
  };
  const times: number[] = [];
  for (let round = 0; round < 40; round++) {
    const before = process.cpuUsage();
    for (let again = 0; again < 5; again++) run();
    await gpuDevice.queue.onSubmittedWorkDone();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / (5 * dispatches));
  }
  return times.sort((a, b) => a - b)[4]!;
}

for (const recipe of recipes) console.table(row(recipe));
const gpu = loadSoftwareDawn().create(["backend=null"]);
const adapter = await gpu.requestAdapter();
const gpuDevice = await adapter!.requestDevice();
for (const bindings of [1, 2, 3, 5, 8])
  console.log(`${bindings} storage bindings: ${(await encodingCost(gpuDevice, bindings)).toFixed(2)} us of CPU a dispatch`); // prettier-ignore
gpuDevice.destroy();
// Dawn's objects must outlive every use of them, and its threads do not end by themselves.
process.exit(gpu === undefined ? 1 : 0);
