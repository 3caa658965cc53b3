// A compilation on a device, as training, evaluation and prediction see it: entries to run, and parts of residents by
// their path, wherever a device keeps them. The interpreter is one too, so that no loop asks which it has.
import type { Compiled, ResidentPart } from "../../compiler/compiled.ts";
import type { DType } from "../../compiler/graph/graph.ts";
import { roundTo } from "../../compiler/ops/half.ts";
import type { LoadedProgram, RunOptions, TypedArray } from "./device.ts";

/** Values as a device hands them out: the interpreter computes and keeps doubles, all others 32 bits. */
export type DeviceValues = TypedArray | Float64Array;

export interface EntryInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface LoadedCompilation {
  readonly compiled: Compiled;
  /** What the device allocated; 0 where nobody counts (the interpreter). */
  readonly allocatedBytes: number;
  /** The inputs that an entry reads. @throws Error where there is no such entry */
  inputs(entry: string): readonly EntryInput[];
  hasEntry(entry: string): boolean;
  /** Rounds to what the device stores. */
  writePart(path: string, values: DeviceValues): void;
  readPart(path: string): Promise<DeviceValues>;
  /** Whether `run` may return before the device has run. */
  readonly runsAhead: boolean;
  /** Inputs that are not given keep their last values. */
  run(entry: string, inputs: ReadonlyMap<string, TypedArray>, how?: RunOptions): void;
  /** As `run` with the last inputs: milliseconds of each step. @throws WorldError where nothing measures them */
  profile(entry: string): Promise<readonly number[]>;
  readOutput(entry: string, name: string): Promise<DeviceValues>;
  /** Outputs by name of every run that was kept since the last call, oldest first. */
  keptOutputs(): Promise<readonly ReadonlyMap<string, DeviceValues>[]>;
  /** Called between runs: waits while more than two are under way. */
  pace(): Promise<void>;
  finish(): Promise<void>;
  close(): void;
}

/** A program that a device has loaded, under the paths of its parts. */
export function loadedCompilation(compiled: Compiled, loaded: LoadedProgram): LoadedCompilation {
  const entries = new Map(loaded.program.entries.map((entry) => [entry.name, entry.inputs]));
  const parts = partsByPath(compiled);
  return {
    compiled,
    allocatedBytes: loaded.allocatedBytes,
    hasEntry: (entry) => entries.has(entry),
    inputs: (entry) => found(entries, entry, "entry"),
    writePart: (path, values) =>
      loaded.writeResident(path, asStored(values, found(parts, path, "part").dtype)),
    readPart: (path) => loaded.readResident(path),
    runsAhead: loaded.runsAhead,
    run: (entry, inputs, how) => loaded.run(entry, inputs, how),
    profile: (entry) => loaded.profile(entry),
    readOutput: (entry, name) => loaded.readOutput(entry, name),
    keptOutputs: () => loaded.keptOutputs(),
    pace: () => loaded.pace(),
    finish: () => loaded.finish(),
    close: () => loaded.close(),
  };
}

export function partsByPath(compiled: Compiled): ReadonlyMap<string, ResidentPart> {
  return new Map(compiled.layout.parts.map((part) => [part.path, part]));
}

export function found<T>(things: ReadonlyMap<string, T>, name: string, kind: string): T {
  const thing = things.get(name);
  if (thing === undefined) throw new Error(`the compilation has no ${kind} \`${name}\``);
  return thing;
}

/** Values in the form in which devices take a type: halves as 32-bit floats, rounded. */
export function asStored(values: ArrayLike<number>, dtype: DType): TypedArray {
  switch (dtype) {
    case "f32":
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case "f16":
    case "bf16":
      return Float32Array.from(values, (value) => roundTo(value, dtype));
    case "i32":
      return values instanceof Int32Array ? values : Int32Array.from(values);
    case "u32":
    case "bool":
      return values instanceof Uint32Array ? values : Uint32Array.from(values);
  }
}
