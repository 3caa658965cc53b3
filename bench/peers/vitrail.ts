// Vitrail itself as a peer: `node --import tsx bench/peers/vitrail.ts wasm|webgpu`.
import { createInterface } from "node:readline";
import { openSafetensors } from "../../runtime/checkpoint/safetensors.ts";
import { asNumbers } from "../../runtime/checkpoint/stored-values.ts";
import { openChosenDevice } from "../../runtime/device/chosen-device.ts";
import type { TypedArray } from "../../runtime/device/device.ts";
import type { LoadedCompilation } from "../../runtime/device/loaded-compilation.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { initialize } from "../../runtime/training/initialize.ts";
import { compiledWorkload } from "../suite/compiled-workload.ts";
import type { Answer, Request } from "../suite/protocol.ts";
import type { Workload } from "../suite/workloads.ts";
import { offerGpu } from "./gpu.ts";

type Prepare = Extract<Request, { readonly ask: "prepare" }>;

const target = process.argv[2] === "webgpu" ? "webgpu" : "wasm";
let run: (() => Promise<Answer>) | undefined;

async function prepare({ workload, weights, batch, threads }: Prepare): Promise<Answer> {
  const offer = target === "webgpu" ? await offerGpu() : undefined;
  if (offer !== undefined && "why" in offer) return { answer: "cannot", why: offer.why };
  const device = await openChosenDevice({ want: target, threads });
  const { compiled } = compiledWorkload(workload, target, device.limits);
  const loaded = await device.load(compiled);
  initialize(loaded, 0, nodeHost.files);
  const stored = openSafetensors(nodeHost.files, weights);
  const prefix = workload.kind === "train" ? "model." : "";
  for (const name of stored.tensors.keys())
    loaded.writePart(`${prefix}${name}`, Float32Array.from(asNumbers(stored.read(name))));
  run = runner(workload, loaded, batch);
  return { answer: "ready", version: device.description };
}

function runner(workload: Workload, loaded: LoadedCompilation, file: string) {
  const entry = workload.kind === "train" ? "train" : "forward";
  const stored = openSafetensors(nodeHost.files, file);
  const image = Float32Array.from(asNumbers(stored.read("image")));
  const known = stored.tensors.has("text") ? "text" : "label";
  const integers = Int32Array.from(asNumbers(stored.read(known)));
  const given = loaded.inputs(entry);
  const inputs = new Map<string, TypedArray>();
  for (const { name, shape, dtype } of given) {
    if (shape.length === 4) inputs.set(name, image);
    else if (dtype === "i32") inputs.set(name, integers);
    else if (dtype === "f32") inputs.set(name, Float32Array.of(name === "lr" ? workload.rate! : 1));
    else inputs.set(name, Uint32Array.of(0));
  }
  let step = 0;
  return async (): Promise<Answer> => {
    const start = performance.now();
    step++;
    if (entry === "train") inputs.set("t", Float32Array.of(step));
    loaded.run(entry, inputs);
    const output = await loaded.readOutput(entry, entry === "train" ? "metrics" : "output");
    const ms = performance.now() - start;
    return { answer: "ran", ms, loss: entry === "train" ? output[0]! : squares(output) };
  };
}

function squares(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value * value, 0);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  const answer = request.ask === "prepare" ? await prepare(request) : await run!();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
