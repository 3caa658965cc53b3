// The interface of a device: what runs a program. `wasm`, `webgpu` and `interpret` implement it.
// Nothing is allocated, no pipeline or bind group made, after `load` has returned.
import type { Program } from "../../compiler/program/program.ts";

export type TypedArray = Float32Array | Int32Array | Uint32Array;

export interface RunOptions {
  /** Its outputs wait on the device, with those of other runs (at most `mostKeptRuns`), for `keptOutputs`. */
  readonly isKept?: boolean;
}

/** What one run has made, by the names of its entry's outputs. */
export type KeptOutputs = ReadonlyMap<string, TypedArray>;

export interface LoadedProgram {
  readonly program: Program;
  /** Bytes that the device really allocated: equals the plan. */
  readonly allocatedBytes: number;
  /** Writes a resident array by path or name (initial values, a checkpoint). */
  writeResident(name: string, data: TypedArray): void;
  readResident(name: string): Promise<TypedArray>;
  /** Whether `run` may return before the device has run: then steps are taken ahead of their results. */
  readonly runsAhead: boolean;
  /** Runs an entry once with these inputs (name -> values); inputs not given keep their last values. */
  run(entry: string, inputs: ReadonlyMap<string, TypedArray>, how?: RunOptions): void;
  /**
   * Runs an entry once, step by step, inputs as they are: milliseconds of each step.
   * @throws WorldError where the device has no clock of its own (a GPU without timestamp queries).
   */
  profile(entry: string): Promise<readonly number[]>;
  /** Reads an entry's output after its last run; waits for the device. */
  readOutput(entry: string, name: string): Promise<TypedArray>;
  /** The outputs by name of every run that was kept since the last call, oldest first, fetched in one go. */
  keptOutputs(): Promise<readonly KeptOutputs[]>;
  /** Called between runs: waits while more than two that were asked for before such calls are under way. */
  pace(): Promise<void>;
  /** Waits until all that was started has run. @throws WorldError where the device was lost. */
  finish(): Promise<void>;
  close(): void;
}

export interface Device {
  readonly name: "wasm" | "webgpu" | "interpret";
  /** For people: adapter, features, threads. */
  readonly description: string;
  load(program: Program): Promise<LoadedProgram>;
}
