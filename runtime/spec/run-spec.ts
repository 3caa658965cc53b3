// A model by its target, weights, named inputs -> its named outputs, in evaluation form, on any device. The batch and
// all that the signature leaves open come from the shapes of the inputs; an optional input that is not given leaves out
// what depends on it. What a model gives without a name is called `output`.
import type { CompiledModel } from "../../compiler/compiled.ts";
import type { DType } from "../../compiler/graph/graph.ts";
import type { NameTable } from "../../compiler/names/name-table.ts";
import { nearestName } from "../../compiler/model/nearest-name.ts";
import type { Field } from "../../grammar/syntax.ts";
import type { StoredDtype, StoredTensor, StoredTensors } from "../checkpoint/safetensors.ts";
import {
  asFloat32,
  asInt32,
  asNumbers,
  storeFloat32,
  storeInt32,
  storeUint32,
} from "../checkpoint/stored-values.ts";
import { openSource } from "../checkpoint/weight-source.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import type { TypedArray } from "../device/device.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { Files as DataFiles } from "../host/host.ts";
import { writeWeights } from "../training/model-weights.ts";
import { compileSpec } from "./compile-spec.ts";
import { namesOfSpec } from "./names-of-spec.ts";
import { locateSpec, nameableOf, openFile, openSpec, UnclearTarget } from "./open-spec.ts";
import type { OpenOptions } from "./open-spec.ts";
import { SpecError } from "./spec-error.ts";
import type { SpecTarget } from "./spec-target.ts";

export interface RunRequest {
  readonly target: SpecTarget;
  /** A file of tensors, a checkpoint's folder, or a run's. */
  readonly weights: string;
  /** The library whose names the weights have, such as `timm`; ours unless said. */
  readonly as?: string;
  /** Whose weights to take of a checkpoint with several nets that fit. */
  readonly net?: string;
  readonly inputs: StoredTensors;
}

export interface RunContext {
  readonly options: OpenOptions;
  readonly device: ChosenDevice;
  /** Where the weights lie. */
  readonly files: DataFiles;
}

/** @throws SpecError, UnclearTarget, WorldError; nothing is computed unless all inputs and weights fit */
export async function runSpec(request: RunRequest, context: RunContext): Promise<StoredTensors> {
  const { device, files } = context;
  const target = modelTarget(request.target, context.options);
  checkNames(target, request.inputs, context.options);
  const source = openSource(files, request.weights);
  const shapes = Object.fromEntries([...request.inputs].map(([name, { shape }]) => [name, shape]));
  const { name, limits } = device;
  const options = { ...context.options, inputs: shapes };
  const spec = compileSpec(target, options, { target: name, limits });
  const compiled = spec.compiled as CompiledModel;
  const values = valuesOf(compiled, request.inputs);
  const names = {
    ...(request.net === undefined ? {} : { net: request.net }),
    ...(request.as === undefined ? {} : { table: namesIn(request.as, target, options) }),
  };
  const loaded = await device.load(compiled);
  try {
    writeWeights(loaded, source, names);
    return await forward(loaded, compiled, values);
  } finally {
    loaded.close();
  }
}

function namesIn(format: string, target: SpecTarget, options: OpenOptions): NameTable {
  const resolved = openSpec(target, options);
  if (resolved.kind === "wrong") throw new SpecError(resolved);
  return namesOfSpec(resolved, format);
}

/** Without a name it is the file's only model, though the file may have recipes too. */
function modelTarget(target: SpecTarget, { files }: OpenOptions): SpecTarget {
  if (target.name !== undefined) return target;
  const { file } = openFile(files, target.file);
  const models = nameableOf(file).filter(({ kind }) => kind === "model");
  if (models.length === 1) return { ...target, name: models[0]!.name.text };
  throw new UnclearTarget(
    target,
    models.map(({ name }) => name.text),
  );
}

/** Inputs that the signature does not have, and those that it cannot do without. */
function checkNames(target: SpecTarget, inputs: StoredTensors, options: OpenOptions): void {
  const located = locateSpec(target, options);
  if (located.kind === "wrong") throw new SpecError(located);
  const { declaration } = located;
  if (declaration.kind === "recipe")
    throw new WorldError(
      "bad-setting",
      `${target.name} is a recipe, but only a model can be run`,
      `see \`vit list ${target.file}\` for its models`,
    );
  const fields = declaration.inputs;
  const names = fields.map(({ name }) => name.text);
  const takes = `${target.name} takes ${fields.map(shown).join(", ")}`;
  const unknown = [...inputs.keys()].filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const near = nearestName(unknown[0]!, names);
    const meant = near === undefined ? takes : `rename it \`${near}\`: ${takes}`;
    throw badInput(`${target.name} has no input \`${unknown.join("`, `")}\``, meant);
  }
  const missing = fields.filter((field) => !isOptional(field) && !inputs.has(field.name.text));
  if (missing.length > 0) {
    const found = inputs.size === 0 ? "none is given" : `given: ${[...inputs.keys()].join(", ")}`;
    const wanted = missing.map(({ name }) => name.text).join("`, `");
    throw badInput(
      `${target.name} needs its input \`${wanted}\`, but it is missing (${found})`,
      takes,
    );
  }
  if (inputs.size === 0) throw badInput(`no input of ${target.name} is given`, takes);
}

function isOptional({ type, default: standard }: Field): boolean {
  return type?.kind === "type-optional" || standard !== undefined;
}

function shown(field: Field): string {
  const type = field.type?.kind === "type-optional" ? field.type.of : field.type;
  const element = type?.kind === "type-tensor" ? type.element?.text : undefined;
  const kind = element === "int" ? "int32" : element === "bool" ? "bool" : "float32";
  return `${field.name.text} (${kind}${isOptional(field) ? ", may be left out" : ""})`;
}

function badInput(message: string, hint: string): WorldError {
  return new WorldError("unlike-input", message, hint);
}

// ---------------------------------------------------------------------------------------------- values in, values out

const floats: ReadonlySet<StoredDtype> = new Set(["F16", "BF16", "F32", "F64"]);

function valuesOf({ model }: CompiledModel, inputs: StoredTensors): Map<string, TypedArray> {
  return new Map(
    model.inputs.map(({ name, dtype }) => [
      name,
      inputValues(name, dtype as DType, inputs.get(name)!),
    ]),
  );
}

function inputValues(name: string, dtype: DType, tensor: StoredTensor): TypedArray {
  const isFloat = floats.has(tensor.dtype);
  if (dtype === "f32" && isFloat) return asFloat32(tensor);
  if (dtype === "i32" && !isFloat && tensor.dtype !== "BOOL") return asInt32(inRange(name, tensor));
  if (dtype === "bool" && (tensor.dtype === "BOOL" || tensor.dtype === "U8"))
    return Uint32Array.from(asNumbers(tensor), (value) => (value === 0 ? 0 : 1));
  const wanted = { f32: "F32", i32: "I32 or I64", bool: "BOOL" }[dtype as "f32" | "i32" | "bool"];
  throw badInput(
    `the tensor for \`${name}\` is ${tensor.dtype}, but ${wanted} is wanted`,
    "convert it",
  );
}

function inRange(name: string, tensor: StoredTensor): StoredTensor {
  const beyond = Array.from(asNumbers(tensor)).find((value) => value !== (value | 0));
  if (beyond === undefined) return tensor;
  throw badInput(`the tensor for \`${name}\` holds ${beyond}`, "ids must fit 32 bits");
}

async function forward(
  loaded: LoadedCompilation,
  { model }: CompiledModel,
  values: ReadonlyMap<string, TypedArray>,
): Promise<StoredTensors> {
  const chance = new Map<string, TypedArray>(
    ["seed", "step"].map((name) => [name, Uint32Array.of(0)]),
  );
  const wanted = loaded.inputs("forward").map(({ name }) => name);
  const given = [...chance, ...values].filter(([name]) => wanted.includes(name));
  loaded.run("forward", new Map(given));
  const outputs = new Map<string, StoredTensor>();
  for (const { name, shape, dtype } of model.outputs)
    outputs.set(name, stored(await loaded.readOutput("forward", name), shape, dtype as DType));
  return outputs;
}

/** Reals as F32, also where the interpreter has computed doubles. */
function stored(values: ArrayLike<number>, shape: readonly number[], dtype: DType): StoredTensor {
  switch (dtype) {
    case "bool":
      return {
        dtype: "BOOL",
        shape,
        bytes: Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)),
      };
    case "i32":
      return storeInt32(Int32Array.from(values), shape);
    case "u32":
      return storeUint32(Uint32Array.from(values), shape);
    default:
      return storeFloat32(Float32Array.from(values), shape);
  }
}
