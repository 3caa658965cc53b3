// What `case.py` writes, as types, and all fixtures that there are.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TypedArray } from "../../runtime/device/device.ts";
import { uniform } from "./counter.ts";

/** Norm, and inner products with the vectors `name#1` and `name#2`. */
export type Measured = readonly [number, number, number];
export type MeasuredByName = Readonly<Record<string, Measured>>;
type ByNet = Readonly<Record<string, MeasuredByName>>;

export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly center: number;
  readonly spread: number;
}

export type FixtureInput = { readonly shape: readonly number[] } & (
  | { readonly kind: "uniform"; readonly center: number; readonly spread: number }
  | { readonly kind: "integers"; readonly below: number }
  | { readonly kind: "booleans"; readonly share: number }
  | {
      readonly kind: "given";
      readonly type: "real" | "integer" | "boolean";
      readonly values: readonly number[];
    }
);

export interface FixtureNet {
  /** The format of the reference's names. */
  readonly as: string;
  readonly weights: readonly Weight[];
}

export interface ForwardFixture {
  readonly spec: string;
  readonly net: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, FixtureInput>>;
  readonly outputs: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>
  >;
}

export interface StepFixture {
  readonly losses: Readonly<Record<string, number>>;
  readonly gradient_norm: number;
  /** By net, then by name: the change since the start. */
  readonly changes: ByNet;
  readonly twins: ByNet;
}

export interface TrainingFixture {
  readonly recipe: string;
  readonly inputs: Readonly<Record<string, FixtureInput>>;
  readonly gradients: ByNet;
  /** The twin's name -> that of the net it follows. */
  readonly twins: Readonly<Record<string, string>>;
  readonly steps: readonly StepFixture[];
}

export interface Fixture {
  readonly name: string;
  readonly reference: {
    readonly package: string;
    readonly version: string;
    readonly what: string;
  };
  /** By the recipe's name for it. */
  readonly nets: Readonly<Record<string, FixtureNet>>;
  readonly forward?: ForwardFixture;
  readonly training?: TrainingFixture;
}

export const oracleFolder = dirname(fileURLToPath(import.meta.url));

/** Sorted by name. */
export function readFixtures(): readonly Fixture[] {
  const folder = join(oracleFolder, "fixtures");
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Fixture);
}

/** A tensor of the reference: its values in row-major order. */
export interface ReferenceTensor {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** The weights of a net, by the reference's names. */
export function generatedWeights(
  net: string,
  { weights }: FixtureNet,
): ReadonlyMap<string, ReferenceTensor> {
  return new Map(
    weights.map(({ name, shape, center, spread }) => {
      const draws = uniform(`${net}/${name}`, countOf(shape));
      return [name, { shape, values: draws.map((draw) => center + spread * draw) }];
    }),
  );
}

/** What the reference was given, as a device takes it. */
export function generatedInputs(
  inputs: Readonly<Record<string, FixtureInput>>,
): ReadonlyMap<string, TypedArray> {
  return new Map(Object.entries(inputs).map(([name, input]) => [name, inputValues(name, input)]));
}

function inputValues(name: string, input: FixtureInput): TypedArray {
  const draws = (): Float64Array => uniform(`input/${name}`, countOf(input.shape));
  switch (input.kind) {
    case "uniform":
      return Float32Array.from(draws(), (draw) => input.center + input.spread * draw);
    case "integers":
      return Int32Array.from(draws(), (draw) => Math.floor(((draw + 1) / 2) * input.below));
    case "booleans":
      return Uint32Array.from(draws(), (draw) => ((draw + 1) / 2 < input.share ? 1 : 0));
    case "given":
      if (input.type === "real") return Float32Array.from(input.values);
      return input.type === "integer" ? Int32Array.from(input.values) : Uint32Array.from(input.values); // prettier-ignore
  }
}

export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
