// What a compilation hands to the runtime: everything a run needs, the source left behind.
import type {
  DrawnSetting,
  HostExpression,
  Load,
  LoweredModel,
  Module,
  ViewInput,
} from "./graph/lowered.ts";
import type { DType, Initializer, TensorGraph } from "./graph/graph.ts";
import type { ResolvedDataset, ResolvedView } from "./model/catalog.ts";
import type { Program } from "./program/program.ts";
import type { PanelOrder } from "./wasm/panel-order.ts";

/** A named part of a resident array: a parameter, a running statistic, an optimizer's slot, a twin's copy. */
export interface ResidentPart {
  /** The path (`layers.0.attn.qkv.weight`, `AdamW.m/layers.0...`); names the tensor in a checkpoint. */
  readonly path: string;
  readonly role: "parameter" | "state" | "slot" | "twin" | "accumulator";
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly initializer: Initializer;
  readonly trainable: boolean;
  /** The resident array that it lies in, and where, in elements. */
  readonly resident: string;
  readonly offset: number;
  /** Where a target keeps it in the order in which products read it: how `shape` lies in its place. */
  readonly panels?: PanelOrder;
}

/** A flat array in device memory that all entries share: `parameters.0`, `slots.0.m`, a single state by its path. */
export interface Resident {
  readonly name: string;
  readonly dtype: DType;
  readonly length: number;
}

export interface ResidentLayout {
  readonly residents: readonly Resident[];
  readonly parts: readonly ResidentPart[];
}

/** A graph over residents (leaves are `input` and `resident`), as every target runs it. */
export interface EntryGraph {
  /**
   * `train`, or `accumulate` and `update`; `evaluate.NAME`; `predict`. Where the plan has choices: `train.0`, … or
   * `accumulate.0`, …, one for each combination.
   */
  readonly name: string;
  readonly graph: TensorGraph;
}

export type PlannedEvaluation = {
  readonly name: string;
  /** The entry to run on each batch; its outputs are the metrics by name, or `features`. */
  readonly entry: string;
  readonly everySteps: number;
  readonly batch: number;
  readonly views: readonly ViewInput[];
} & (
  | {
      /** Means over the batch weighted by input `weights` [batch]: the runtime adds them up by real examples. */
      readonly kind: "mean";
      /** Names of the outputs, each f32 []: one, or one for each of a list. */
      readonly metrics: readonly string[];
    }
  | {
      /** Output `features` [batch, width]. */
      readonly kind: "protocol";
      readonly protocol: string;
      readonly settings: { readonly [name: string]: number | string };
      readonly fit: { readonly views: readonly ViewInput[]; readonly label: ResolvedView };
      readonly test: { readonly views: readonly ViewInput[]; readonly label: ResolvedView };
    }
);

/** What the training loop follows. Plain JSON. */
export interface TrainingPlan {
  readonly name: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  readonly batch: number;
  /** Parts that a batch is run in; 1 where it is not split. Each part has batch / accumulate examples. */
  readonly accumulate: number;
  readonly seed: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Every data set of the recipe: views name one by its `name`. */
  readonly datasets: readonly ResolvedDataset[];
  readonly views: readonly ViewInput[];
  /**
   * Inputs [] f32 of any entry, computed on the host before each step. Besides these each entry may take `seed` and
   * `step` (u32, []) for its draws, and `t` (f32, []: the step counted from 1). After n steps an evaluation and a
   * prediction read them as at step n.
   */
  readonly scalars: readonly { readonly input: string; readonly expression: HostExpression }[];
  /**
   * Names of the elements of output `metrics` [n] of `train` (or `update`), in order. The first two are always
   * `loss` and `gradient_norm`. Where one of these two is not finite, the step left every resident as it was.
   */
  readonly metrics: readonly string[];
  /**
   * Where the recipe computes in halves: the metric that has the step's loss scale. A step whose loss is finite and whose
   * `gradient_norm` is not left every resident as it was too, but halved the scale, and is no trouble unless the scale was
   * `least` already.
   */
  readonly lossScale?: { readonly metric: string; readonly least: number };
  /**
   * Settings drawn at each step. Each combination of their values has its entry, `train.K` or `accumulate.K`, with K
   * counting the combinations, the last setting fastest. Empty where nothing is drawn: the entry has no number then.
   */
  readonly choices: readonly DrawnSetting[];
  /** Where the recipe asks for it: the layers whose inside the backward pass computes again, and of how many. */
  readonly recomputed?: { readonly layers: readonly string[]; readonly of: number };
  readonly evaluations: readonly PlannedEvaluation[];
  /** Entry `predict`: inputs are the views' (one batch), its one output is [batch, classes]. */
  readonly predict?: {
    readonly batch: number;
    readonly views: readonly ViewInput[];
    readonly classes?: readonly string[];
    /** The shape of the output. */
    readonly shape: readonly number[];
  };
  readonly loads: readonly Load[];
}

export interface Compiled {
  readonly layout: ResidentLayout;
  readonly graphs: readonly EntryGraph[];
  /** Absent where the target is the interpreter. */
  readonly program?: Program;
  /** Milliseconds of each stage, where the caller handed in a clock. */
  readonly stages: readonly { readonly name: string; readonly ms: number }[];
  /** Which attentions were found, and why near misses were not. */
  readonly recognised: readonly string[];
}

export interface CompiledRecipe extends Compiled {
  readonly plan: TrainingPlan;
  readonly modules: readonly Module[];
}

/** A model's forward pass: entry `forward`, its inputs and outputs by name. */
export interface CompiledModel extends Compiled {
  readonly model: LoweredModel;
}
