// Parts of residents and a seed -> their first values, in double, rounded once to what is stored: every target starts
// from the same bits. Each number is a function of seed, path and place alone (Threefry, counter-based), so that a
// layer that is added or renamed changes no other's values.
import type { Compiled, ResidentPart } from "../../compiler/compiled.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import type { Initializer } from "../../compiler/graph/graph.ts";
import { streamHash, threefry2x32 } from "../../compiler/ops/threefry.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { asNumbers } from "../checkpoint/stored-values.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { found, partsByPath } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";

/** Gives every part its first value. @throws WorldError where an initial file is missing or unlike the part */
export function initialize(loaded: LoadedCompilation, seed: number, files: Files): void {
  for (const part of loaded.compiled.layout.parts)
    loaded.writePart(part.path, initialValues(loaded.compiled, part, seed, files));
}

/** The first values of one part, rounded to its type. */
export function initialValues(
  compiled: Compiled,
  part: ResidentPart,
  seed: number,
  files: Files,
): Float64Array {
  return initialTensor(
    { ...followCopies(part, partsByPath(compiled)), dtype: part.dtype },
    seed,
    files,
  );
}

type Started = Pick<ResidentPart, "path" | "shape" | "dtype" | "initializer">;

/** The same of a parameter or state by itself, which is no copy of another. */
export function initialTensor(tensor: Started, seed: number, files: Files): Float64Array {
  const values = new Float64Array(elementCount(tensor.shape));
  fill(values, tensor, seed, files);
  if (tensor.dtype === "f32") for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i]!); // prettier-ignore
  return values;
}

/** A twin starts as what it follows. */
function followCopies(
  part: ResidentPart,
  parts: ReadonlyMap<string, ResidentPart>,
  passed = 0,
): ResidentPart {
  const { kind } = part.initializer;
  if (kind !== "copy") return part;
  if (passed > parts.size) throw new Error(`\`${part.path}\` starts as a copy of itself`);
  const source = found(parts, String(setting(part.initializer, "path")), "part");
  if (elementCount(source.shape) !== elementCount(part.shape))
    throw new Error(
      `\`${part.path}\` starts as a copy of \`${source.path}\`, which has another shape`,
    );
  return followCopies(source, parts, passed + 1);
}

function fill(values: Float64Array, part: Started, seed: number, files: Files): void {
  const { initializer, path } = part;
  const number = (name: string): number => Number(setting(initializer, name));
  switch (initializer.kind) {
    case "zeros":
      return;
    case "ones":
      values.fill(1);
      return;
    case "constant":
      values.fill(number("value"));
      return;
    case "values":
      values.set(setting(initializer, "values") as readonly number[]);
      return;
    case "normal":
    case "truncated": {
      const [mean, std] = [number("mean"), number("std")];
      const draw = initializer.kind === "normal" ? normal : truncated;
      return fillBy(values, seed, path, (element) => mean + std * draw(element));
    }
    case "uniform": {
      const [low, high] = [number("low"), number("high")];
      return fillBy(values, seed, path, (draw) => low + (high - low) * draw.uniform());
    }
    case "file":
      return fillFromFile(values, part, String(setting(initializer, "name")), files);
    default:
      throw new Error(`\`${path}\` starts from \`${initializer.kind}\`, which no host knows`);
  }
}

function setting(initializer: Initializer, name: string): number | string | readonly number[] {
  const value = initializer.settings[name];
  if (value === undefined) throw new Error(`\`${initializer.kind}\` lacks its \`${name}\``);
  return value;
}

// ---- draws ----

interface ElementDraw {
  /** In [0, 1), a multiple of 2^-53. */
  readonly uniform: () => number;
  readonly normal: () => number;
}

function fillBy(
  values: Float64Array,
  seed: number,
  path: string,
  make: (draw: ElementDraw) => number,
): void {
  const key = [(streamHash(`initial ${path}`) ^ seed) >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const; // prettier-ignore
  let element = 0;
  let attempt = 0;
  const words = (): [number, number] => threefry2x32(key, [element, attempt++], 20);
  const draw: ElementDraw = {
    uniform: () => {
      const [high, low] = words();
      return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
    },
    /** Box and Muller (1958); the first uniform number is never 0. */
    normal: () => {
      const [first, second] = words();
      return (
        Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 32)) *
        Math.cos((2 * Math.PI * second) / 2 ** 32)
      );
    },
  };
  for (; element < values.length; element++) {
    attempt = 0;
    values[element] = make(draw);
  }
}

function normal(draw: ElementDraw): number {
  return draw.normal();
}

/** Drawn again beyond two standard deviations. */
function truncated(draw: ElementDraw): number {
  for (;;) {
    const value = draw.normal();
    if (Math.abs(value) <= 2) return value;
  }
}

// ---- files ----

/** The tensor named as the part, or the only one of the file. */
function fillFromFile(values: Float64Array, part: Started, name: string, files: Files): void {
  if (!files.exists(name))
    throw new WorldError(
      "missing-file",
      `\`${part.path}\` starts from ${name}, which is not there`,
      "check the path; it counts from the folder where you are",
    );
  const file = openSafetensors(files, name);
  const [only] = file.tensors.size === 1 ? [...file.tensors.keys()] : [];
  const tensor = file.read(file.tensors.has(part.path) ? part.path : (only ?? part.path));
  if (tensor.shape.join() !== part.shape.join())
    throw new WorldError(
      "unlike-checkpoint",
      `\`${part.path}\` is [${part.shape.join(", ")}], but in ${name} it is [${tensor.shape.join(", ")}]`,
      "use a file with the same shape",
    );
  values.set(asNumbers(tensor));
}
