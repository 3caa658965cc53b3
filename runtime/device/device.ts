// The interface of a device: what runs a program. `wasm`, `webgpu` and `interpret` implement it.
// Nothing is allocated, no pipeline or bind group made, after `load` has returned.
import type { Program } from "../../compiler/program/program.ts";

export type TypedArray = Float32Array | Int32Array | Uint32Array;

export interface LoadedProgram {
  readonly program: Program;
  /** Bytes that the device really allocated: equals the plan. */
  readonly allocatedBytes: number;
  /** Writes a resident array by path or name (initial values, a checkpoint). */
  writeResident(name: string, data: TypedArray): void;
  readResident(name: string): Promise<TypedArray>;
  /** Runs an entry once with these inputs (name -> values); inputs not given keep their last values. */
  run(entry: string, inputs: ReadonlyMap<string, TypedArray>): void;
  /**
   * Runs an entry once, step by step, inputs as they are: milliseconds of each step.
   * @throws WorldError where the device has no clock of its own (a GPU without timestamp queries).
   */
  profile(entry: string): Promise<readonly number[]>;
  /** Reads an entry's output after its last run; waits for the device. */
  readOutput(entry: string, name: string): Promise<TypedArray>;
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
