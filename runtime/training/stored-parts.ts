// All parts of a loaded compilation <-> the tensors of a checkpoint: parameters in one map, everything else that a step
// reads (statistics, optimizer slots, twins) in the other. Every bit is kept: the interpreter's doubles too, though another
// device then rounds them. Sums over the parts of a batch are zeros between steps, so they are not kept: how parameters
// are grouped, which their length tells, is no business of a checkpoint.
import type { ResidentPart } from "../../compiler/compiled.ts";
import type { DType } from "../../compiler/graph/graph.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import { isHalf } from "../../compiler/ops/half.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { StoredTensor, StoredTensors } from "../checkpoint/safetensors.ts";
import {
  asFloat32,
  asInt32,
  asNumbers,
  storeFloat32,
  storeHalves,
  storeInt32,
  storeUint32,
} from "../checkpoint/stored-values.ts";
import type { DeviceValues, LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";

export type StoredParts = Pick<Checkpoint, "parameters" | "state">;

export async function readParts(loaded: LoadedCompilation): Promise<StoredParts> {
  const parameters = new Map<string, StoredTensor>();
  const state = new Map<string, StoredTensor>();
  for (const part of loaded.compiled.layout.parts) {
    if (part.role === "accumulator") continue;
    const values = await loaded.readPart(part.path);
    (part.role === "parameter" ? parameters : state).set(part.path, store(values, part));
  }
  return { parameters, state };
}

/** @throws WorldError `unlike-checkpoint` that names the first part that is missing or has another shape */
export function writeParts(loaded: LoadedCompilation, stored: StoredParts, path: string): void {
  for (const part of loaded.compiled.layout.parts) {
    if (part.role === "accumulator") {
      loaded.writePart(part.path, new Float64Array(elementCount(part.shape)));
      continue;
    }
    const tensors = part.role === "parameter" ? stored.parameters : stored.state;
    loaded.writePart(part.path, readTensor(tensors, part, path));
  }
}

/** The values of one part. @throws WorldError `unlike-checkpoint` */
export function readTensor(tensors: StoredTensors, part: ResidentPart, path: string): DeviceValues {
  const tensor = tensors.get(part.path);
  if (tensor === undefined) throw unlike(`${path} has no \`${part.path}\``);
  if (tensor.shape.join() !== part.shape.join())
    throw unlike(
      `\`${part.path}\` is [${part.shape.join(", ")}], but in ${path} it is [${tensor.shape.join(", ")}]`,
    );
  return valuesOf(tensor);
}

function unlike(message: string): WorldError {
  return new WorldError(
    "unlike-checkpoint",
    message,
    "use the spec that the checkpoint was made with, as `vit show` prints it for the run",
  );
}

function store(values: DeviceValues, { dtype, shape }: ResidentPart): StoredTensor {
  if (values instanceof Float32Array)
    return isHalf(dtype) ? storeHalves(values, dtype, shape) : storeFloat32(values, shape);
  if (values instanceof Int32Array) return storeInt32(values, shape);
  if (values instanceof Uint32Array) return storeUint32(values, shape);
  return storeDoubles(values, dtype, shape);
}

function storeDoubles(values: Float64Array, dtype: DType, shape: readonly number[]): StoredTensor {
  switch (dtype) {
    case "i32":
      return storeInt32(Int32Array.from(values), shape);
    case "u32":
    case "bool":
      return storeUint32(Uint32Array.from(values), shape);
    case "f32":
    case "f16":
    case "bf16":
      return { dtype: "F64", shape, bytes: new Uint8Array(values.slice().buffer) };
  }
}

function valuesOf(tensor: StoredTensor): DeviceValues {
  switch (tensor.dtype) {
    case "F32":
      return asFloat32(tensor);
    case "I32":
      return asInt32(tensor);
    default:
      return Float64Array.from(asNumbers(tensor));
  }
}
