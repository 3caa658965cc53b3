// What a compilation is asked for: the target, the device to plan for, who is told of what crosses a boundary.
import type { RecomputeWish } from "./graph/lowered.ts";
import type { TensorGraph } from "./graph/graph.ts";
import { joiningOfProducts } from "./graph/join-products.ts";
import { attentionRecognition } from "./graph/recognise.ts";
import { rules, rulesOfGradients, type RuleSettings } from "./graph/simplify.ts";
import { fusionRules } from "./kernels/fuse/rules.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "./program/limits.ts";
import type { Limits } from "./program/limits.ts";
import type { EntryKernels } from "./program/entry-kernels.ts";

export type TargetName = "wasm" | "webgpu" | "interpret";

/** `without` names rules of `ruleNames` to leave out, for tests and experiments: the values stay, the figures grow. */
export interface CompileSettings extends RuleSettings {
  readonly target: TargetName;
  /** Of the device to plan for; else what every device of that kind has. */
  readonly limits?: Limits;
  /**
   * Compute threads of wasm that the program is for; 1 unless said. Code does not depend on them. Each has scratch of its
   * own, which counts where layers are computed again to keep to a size.
   */
  readonly threads?: number;
  /** In place of what the recipe says. */
  readonly recompute?: RecomputeWish | "none";
  /** False: without the entry that predicts, which no training run needs. */
  readonly prediction?: boolean;
  /** Milliseconds from any start, to time the stages. */
  readonly clock?: () => number;
  /** Told each value that crosses a boundary, entry by entry. */
  readonly show?: (stage: Stage, value: ShownValue) => void;
  /** Check what each stage promises. */
  readonly verify?: boolean;
}

/** `precision` and `recomputation` are the training step with halves, with values computed again: where a recipe says so. */
export type Stage = "graph" | "training" | "precision" | "recomputation" | "kernels" | "program";

export interface ShownValue {
  readonly entry: string;
  readonly graph?: TensorGraph;
  readonly kernels?: EntryKernels;
}

/** All that a compilation can be had without. */
export const ruleNames: readonly string[] = [
  ...[...rules, ...rulesOfGradients].map(({ name }) => name),
  attentionRecognition,
  joiningOfProducts,
  ...fusionRules.map(({ name }) => name),
];

/** @throws where `without` names a rule that there is not: it would leave nothing out, and nobody would know. */
export function checkRuleNames({ without = [] }: RuleSettings): void {
  for (const name of without)
    if (!ruleNames.includes(name)) throw new Error(`there is no rule "${name}" to leave out`);
}

/** Limits to plan within. */
export function limitsOf({ target, limits }: CompileSettings): Limits {
  return limits ?? (target === "webgpu" ? DEFAULT_WEBGPU_LIMITS : WASM_LIMITS);
}

/** Elements that one array may have. */
export function residentElements(settings: CompileSettings): number {
  const { bindingBytes, bufferBytes } = limitsOf(settings);
  return Math.floor(Math.min(bindingBytes, bufferBytes) / 4);
}

/** Times the stages where there is a clock. */
export class Stages {
  readonly timings: { name: string; ms: number }[] = [];
  private readonly clock: (() => number) | undefined;

  constructor({ clock }: CompileSettings) {
    this.clock = clock;
  }

  time<T>(name: string, run: () => T): T {
    const start = this.clock?.();
    const value = run();
    if (start !== undefined) this.timings.push({ name, ms: this.clock!() - start });
    return value;
  }
}
