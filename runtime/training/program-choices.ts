// A compilation and its device -> what was chosen for the run besides what the recipe says, for `run.json`: threads, what
// is computed again, the engine's features, and a fingerprint of the code. Equal fingerprints are equal kernels, tile by tile.
import type { CompiledRecipe } from "../../compiler/compiled.ts";
import { deviceBytes } from "../../compiler/device-bytes.ts";
import type { Program } from "../../compiler/program/program.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";

export interface ProgramChoices {
  /** Of the CPU that compute. */
  readonly threads: number;
  /** What the device's engine has and the kernels use, and its name: `fusedMultiplyAdd`. */
  readonly features: ChosenDevice["fixes"];
  /** Layers whose inside the backward pass computes again, and of how many; absent where the recipe does not ask. */
  readonly recomputed?: { readonly layers: readonly string[]; readonly of: number };
  /** Of the generated code and the order of its steps; the interpreter has none. */
  readonly program?: {
    readonly kernels: number;
    readonly dispatches: number;
    /** That the device allocates, all in all. */
    readonly bytes: number;
    readonly fingerprint: string;
  };
}

export function programChoices(
  { plan, program }: CompiledRecipe,
  { threads, fixes }: Pick<ChosenDevice, "threads" | "fixes">,
): ProgramChoices {
  return {
    threads,
    features: fixes,
    ...(plan.recomputed ? { recomputed: plan.recomputed } : {}),
    ...(program ? { program: describeProgram(program, threads, fixes) } : {}),
  };
}

function describeProgram(
  program: Program,
  threads: number,
  fixes: ChosenDevice["fixes"],
): ProgramChoices["program"] {
  const { codes, entries, module } = program;
  const code = module?.[fixes["fusedMultiplyAdd"] === true ? "relaxed" : "plain"] ?? codes;
  const steps = entries.map(({ name, steps }) => [name, ...steps.map((step) => (step.kind === "dispatch" ? step.code : step.kind))]); // prettier-ignore
  return {
    kernels: codes.length,
    dispatches: entries.reduce((sum, entry) => sum + entry.steps.length, 0),
    bytes: deviceBytes(program, threads),
    fingerprint: fingerprint(JSON.stringify([code, steps])),
  };
}

/** FNV-1a of the text's code units in 64 bits, as hexadecimal digits. */
function fingerprint(text: string): string {
  // Two halves of 32 bits: 64-bit products do not fit a number, and bigints are slow for megabytes of code.
  let [low, high] = [0x84222325, 0xcbf29ce4];
  for (let i = 0; i < text.length; i++) {
    low ^= text.charCodeAt(i);
    // Times 2^40 + 0x1b3.
    const product = (low >>> 0) * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) | 0;
    low = product | 0;
  }
  const hex = (half: number) => (half >>> 0).toString(16).padStart(8, "0");
  return hex(high) + hex(low);
}
