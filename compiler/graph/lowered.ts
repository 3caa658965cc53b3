// What lowering hands on: a model as a graph and a tree of modules; a recipe as dataflow still open for
// differentiation (the builder goes with it), with everything around it resolved to plain data.
import type { FileSpan } from "../../grammar/diagnostic.ts";
import type { Adaptation } from "../names/adaptations.ts";
import type { NameTable } from "../names/name-table.ts";
import type { ResolvedDataset, ResolvedView } from "../model/catalog.ts";
import type { Builder } from "./builder.ts";
import type { Initializer, Node, Origin, Parameter, State, TensorGraph, Update } from "./graph.ts";

/** A block by the file that declares it, with its settings printed canonically. */
export interface BlockUse {
  readonly block: string;
  readonly file: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
}

/** One instance of a block (or a labelled scope) in a model, for summary, show, diff and error messages. */
export interface Module {
  /** `layers.3.attn.qkv`; empty for the model itself. */
  readonly path: string;
  /** The block's name (`Linear`), or empty for labelled braces and repeats. */
  readonly block: string;
  /** All blocks that stand at this very path, the outermost first: a model that applies another one adds no path. */
  readonly standing: readonly BlockUse[];
  /** Settings as given or defaulted, printed canonically, in declared order. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** Own parameters and those below. */
  readonly parameters: number;
  /** Multiply-adds of contractions and convolutions for one example, own and below. */
  readonly macs: number;
  /** Result type for people: `[batch, tokens = 197, width = 768]`. */
  readonly output: string;
  readonly origin: Origin;
}

export interface LoweredModel {
  readonly name: string;
  readonly variant?: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** Outputs named as the record says (`output` where there is only one); inputs by name, batch first. */
  readonly graph: TensorGraph;
  readonly inputs: readonly {
    readonly name: string;
    readonly axes: readonly string[];
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly axes: readonly string[];
    readonly shape: readonly number[];
    readonly dtype: string;
  }[];
  readonly modules: readonly Module[];
}

/** Scalars of a run, computed on the host each step in double: `lr`, a twin's decay. */
export type HostExpression =
  | { readonly kind: "number"; readonly value: number }
  /** step: the number of this step, from 0; epoch: step / steps an epoch (a real); steps: the length in steps. */
  | { readonly kind: "variable"; readonly name: "step" | "epoch" | "steps" | "steps_per_epoch" }
  | {
      readonly kind: "apply";
      readonly operation:
        | "add" | "subtract" | "multiply" | "divide" | "power" | "minimum" | "maximum" | "floor" | "ceil" | "round"
        | "negate" | "absolute" | "sqrt" | "exp" | "log" | "cos" | "sin" | "less" | "less_equal" | "equal" | "select"; // prettier-ignore
      readonly arguments: readonly HostExpression[];
    };

/** An optimizer's body, ready to be applied to one parameter or to a flat arena of many. */
/** What a body reads of a parameter: its own element, sums over all of it besides, or more. */
export type OptimizerReach = "element" | "sums" | "shape";

export interface OptimizerUse {
  readonly name: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** All but `shape` run on many parameters at once, flat. */
  readonly reach: OptimizerReach;
  /** `t` counts from 1; `lr` and `t` are scalar f32 nodes. Slots start from their leaves, `state {path: slotPath(name)}`. */
  apply(
    g: Builder,
    at: {
      readonly p: Node;
      readonly g: Node;
      readonly t: Node;
      readonly lr: Node;
      readonly slotPath: (slot: string) => string;
    },
  ): {
    readonly next: Node;
    readonly slots: readonly {
      readonly name: string;
      readonly state: State;
      readonly next: Node;
    }[];
  };
}

/** Parameters that share optimizer settings and a course of the learning rate. */
export interface ParameterGroup {
  readonly paths: readonly string[];
  readonly optimizer: OptimizerUse;
  readonly lr: HostExpression;
}

export interface Twin {
  readonly name: string;
  /** twin state path -> parameter path it follows. */
  readonly follows: readonly { readonly state: string; readonly parameter: string }[];
  /** Running statistics that the step renews in the net and not in the twin, which is only evaluated: they follow too. */
  readonly statistics: readonly { readonly state: string; readonly of: string }[];
  readonly decay: HostExpression;
  readonly update: "after_step" | "before_forward";
}

/** A batch field that the loader fills: input name -> view. */
export interface ViewInput {
  readonly input: string;
  readonly view: ResolvedView;
}

export type LoweredEvaluation = {
  readonly name: string;
  readonly everySteps: number;
  readonly batch: number;
  readonly views: readonly ViewInput[];
} & (
  | {
      /**
       * The graph's outputs are scalars, each the mean over the examples of the batch weighted by the input
       * `weights` [batch] (1 for a real example, 0 for filler): the runtime adds them up by real examples.
       */
      readonly kind: "mean";
      readonly graph: TensorGraph;
    }
  | {
      /** A protocol of the runtime (`nearest_neighbours`, `linear_probe`): features of fit and test examples, then host work. */
      readonly kind: "protocol";
      readonly protocol: string;
      readonly settings: { readonly [name: string]: number | string };
      /** Input names of the graph are those of `views`; its output is `features` [batch, width]. */
      readonly graph: TensorGraph;
      readonly fit: { readonly views: readonly ViewInput[]; readonly label: ResolvedView };
      readonly test: { readonly views: readonly ViewInput[]; readonly label: ResolvedView };
    }
);

/** A checkpoint to start from. */
export interface Load {
  readonly net: string;
  readonly file: string;
  /** The format whose names the file has, and what they are; without it the names are ours. */
  readonly names?: string;
  readonly table?: NameTable;
  readonly adaptations: readonly { readonly path: string; readonly how: string }[];
  /** The same, ready to be done. */
  readonly changes: readonly Adaptation[];
  /** Where in the file the weights lie. */
  readonly within?: string;
  readonly origin: Origin;
}

/** A value of a drawn setting, as a log has it; what is no number or truth value is printed. */
export type DrawnValue = number | string | boolean;

/** `draw patch from [8, 16, 32]`: one of these at each step. */
export interface DrawnSetting {
  readonly name: string;
  readonly values: readonly DrawnValue[];
}

/** An input that stands for the gradients by those parameters, flat and one after another, before any clipping. */
export interface GradientRequest {
  readonly input: string;
  readonly paths: readonly string[];
}

/** What one training step computes. */
export interface TrainingDataflow {
  /** Everything is alive in it; inputs `seed` and `step` (u32 scalars) feed draws. */
  readonly builder: Builder;
  readonly losses: readonly {
    readonly name: string;
    readonly value: Node;
    readonly watched: boolean;
  }[];
  readonly metrics: readonly { readonly name: string; readonly value: Node }[];
  /** Gradients that metrics read: only they depend on these inputs. */
  readonly gradients: readonly GradientRequest[];
  readonly stateUpdates: readonly Update[];
}

/** As a `TrainingDataflow` it is the first of `choices`. */
/** The inside of every layer; or of as few of the first layers as let the program have so many bytes. */
export type RecomputeWish =
  | { readonly kind: "layers" }
  | { readonly kind: "budget"; readonly bytes: number; readonly at?: FileSpan };

export interface LoweredRecipe extends TrainingDataflow {
  readonly name: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** Examples a step. */
  readonly batch: number;
  /**
   * Parts that a step is split into. The dataflow is that of one part: its inputs hold `batch / accumulate` examples,
   * its losses are means over them; each part has a `step` of its own for its draws (step * accumulate + part).
   */
  readonly accumulate: number;
  readonly seed: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly precision: "f32" | "f16";
  readonly clip?: number;
  /** What the backward pass computes again instead of having it kept. */
  readonly recompute?: RecomputeWish;
  /** Settings drawn at each step; mostly there are none. */
  readonly drawn: readonly DrawnSetting[];
  /** Inputs [] f32 of any graph that the host computes before each step, besides rates and decays of twins. */
  readonly courses: readonly { readonly input: string; readonly expression: HostExpression }[];
  /**
   * One for each combination of the values of `drawn` (the last setting varies fastest), over the same parameters,
   * states and views; their losses and metrics have the same names in the same order. One where nothing is drawn.
   */
  readonly choices: readonly TrainingDataflow[];
  /** Every data set that a `data` clause names. */
  readonly datasets: readonly ResolvedDataset[];
  readonly views: readonly ViewInput[];
  readonly parameters: readonly Parameter[];
  readonly states: readonly State[];
  readonly groups: readonly ParameterGroup[];
  readonly twins: readonly Twin[];
  readonly clamps: readonly {
    readonly path: string;
    readonly low: number;
    readonly high: number;
  }[];
  readonly loads: readonly Load[];
  readonly evaluations: readonly LoweredEvaluation[];
  /** The model to list and predict with: the first net applied in an evaluation, or else in the loss. */
  readonly predict?: {
    readonly graph: TensorGraph;
    readonly views: readonly ViewInput[];
    readonly classes?: readonly string[];
  };
  readonly modules: readonly Module[];
  /** A loss that mixes examples (contrastive, batch statistics): why accumulation would change the result. */
  readonly mixesExamples?: string;
}

export type { Initializer };
