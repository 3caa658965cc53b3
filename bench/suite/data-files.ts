// The weights and the batch of a workload as files that every peer reads. Numbers are drawn by a small generator keyed
// by the name, so that a run can be repeated; no weight is zero where that would leave out work.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { elementCount } from "../../compiler/graph/graph.ts";
import type { ResidentPart } from "../../compiler/compiled.ts";
import { streamHash, threefry2x32 } from "../../compiler/ops/threefry.ts";
import { writeSafetensors } from "../../runtime/checkpoint/safetensors.ts";
import type { StoredTensor } from "../../runtime/checkpoint/safetensors.ts";
import { storeFloat32, storeInt32 } from "../../runtime/checkpoint/stored-values.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { compiledWorkload } from "./compiled-workload.ts";
import { channelsOf, classes, type Workload } from "./workloads.ts";

export interface DataFiles {
  readonly weights: string;
  readonly batch: string;
}

export function writeDataFiles(workload: Workload, folder: string): DataFiles {
  mkdirSync(folder, { recursive: true });
  const { parts } = compiledWorkload(workload, "wasm").compiled.layout;
  const weights = parts.flatMap((part): [string, StoredTensor][] =>
    part.role === "parameter" || part.role === "state"
      ? [[part.path.replace(/^model\./, ""), storeFloat32(weightOf(part), part.shape)]]
      : [],
  );
  const files = { weights: join(folder, "weights.safetensors"), batch: join(folder, "batch.safetensors") }; // prettier-ignore
  write(files.weights, new Map(weights));
  write(files.batch, new Map(Object.entries(batchOf(workload))));
  return files;
}

/** Images, and what they are compared with: labels, or texts. */
function batchOf({ batch, network }: Workload): Readonly<Record<string, StoredTensor>> {
  const shape = [batch, network.size, network.size, channelsOf(network)];
  const image = storeFloat32(uniform("image", elementCount(shape)), shape);
  if (network.family === "towers") {
    const { length, vocabulary } = network.textual;
    const text = uniform("text", batch * length).map((each) => ((each + 1) / 2) * vocabulary);
    return { image, text: storeInt32(Int32Array.from(text), [batch, length]) };
  }
  const label = Int32Array.from({ length: batch }, (_, i) => (i * 7) % classes);
  return { image, label: storeInt32(label, [batch]) };
}

function write(path: string, tensors: ReadonlyMap<string, StoredTensor>): void {
  const writer = nodeHost.files.create(path);
  writeSafetensors(writer, tensors);
  writer.close();
}

/** Weights as Xavier would have them; scales and variances one, the rest small. */
function weightOf({ path, shape }: ResidentPart): Float32Array {
  const name = path.split(".").at(-1)!;
  const values = uniform(path, elementCount(shape));
  if (name === "log_scale") return values.fill(Math.log(1 / 0.07));
  if (name === "scale" || name === "running_var") return values.fill(1);
  const fanIn = elementCount(shape.slice(0, -1));
  const spread = shape.length >= 2 && name === "weight" ? Math.sqrt(3 / fanIn) : 0.02;
  return values.map((value) => value * spread);
}

/** In [-1, 1). */
function uniform(name: string, count: number): Float32Array {
  const key = [streamHash(name), 0] as const;
  return Float32Array.from({ length: count }, (_, i) => threefry2x32(key, [i, 0], 20)[0] / 2 ** 31 - 1); // prettier-ignore
}
