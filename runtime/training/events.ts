// What a training run says of itself, as it happens: to the command line, to `--json`, and into `metrics.jsonl`.
// Wall times and what follows from them lie in `time` alone, so that two logs can be compared apart from it.

/** Seconds of training in this sitting, checkpoints and evaluations included. */
export interface EventTime {
  readonly seconds: number;
  /** Training examples a second over the last steps; in `step` events. */
  readonly imagesPerSecond?: number;
}

/** Figures by name. */
export type Figures = Readonly<Record<string, number>>;

/** What one `load` of a recipe did, by the paths of the net's tensors. */
export interface LoadedFile {
  readonly net: string;
  readonly file: string;
  /** Tensors taken as they are, or with their axes in another order. */
  readonly loaded: number;
  readonly resized: readonly string[];
  /** Those that start from their initializers all the same. */
  readonly fresh: readonly string[];
  /** Tensors of the file, by its names, that the net has no use for. */
  readonly unused: readonly string[];
}

/** `step` counts training steps done: the first `step` event has 1. Losses that are not known (yet) are null. */
export type TrainingEvent =
  | {
      readonly event: "start";
      /** 0, or the step of the checkpoint that the run goes on from. */
      readonly step: number;
      readonly loss: number | null;
      /** The step at which this sitting ends, and at which the run does. */
      readonly until: number;
      readonly steps: number;
      readonly stepsPerEpoch: number;
      readonly batch: number;
      readonly recipe: string;
      readonly parameters: number;
      readonly folder: string;
      readonly device: string;
      readonly resumed: boolean;
      /** What a person should know: a damaged checkpoint passed over, another device than before. */
      readonly notes: readonly string[];
      /** What `load` took from which file; empty where the run goes on from a checkpoint. */
      readonly loads: readonly LoadedFile[];
      readonly time: EventTime;
    }
  | {
      readonly event: "step";
      readonly step: number;
      readonly loss: number;
      /** Of this step; null where the recipe has several. */
      readonly lr: number | null;
      readonly gradient_norm: number;
      /** All further metrics of the recipe. */
      readonly metrics: Figures;
      /** Every scalar of the step, such as `lr` of each group and a twin's decay. */
      readonly scalars: Figures;
      /** The settings drawn for this step (`draw patch from …`); absent where the recipe draws none. */
      readonly choices?: Readonly<Record<string, number | string | boolean>>;
      /**
       * Gradients in halves were too large: the step renewed nothing but the loss scale, which is half as large from the
       * next step on. Its gradient's norm is not finite (null in the log).
       */
      readonly skipped?: true;
      readonly time: EventTime;
    }
  | {
      readonly event: "evaluation";
      readonly step: number;
      readonly loss: number | null;
      readonly name: string;
      readonly metrics: Figures;
      readonly time: EventTime;
    }
  | {
      readonly event: "checkpoint";
      readonly step: number;
      readonly loss: number | null;
      readonly path: string;
      readonly time: EventTime;
    }
  | {
      readonly event: "end";
      readonly step: number;
      readonly loss: number | null;
      /** `finished`: all steps of the recipe; `enough`: those asked for; `stopped`: by the signal. */
      readonly why: "finished" | "enough" | "stopped";
      /** The latest results of each evaluation. */
      readonly evaluations: Readonly<Record<string, Figures>>;
      /** What had to be decided about images, and how often. */
      readonly data: Figures;
      readonly checkpoint: string;
      readonly time: EventTime;
    };

/**
 * What goes into the log: what a resumed run repeats exactly, so nothing of sittings and folders. Steps, evaluations,
 * and the end of a finished run; undefined for the rest.
 */
export function logged(event: TrainingEvent): Readonly<Record<string, unknown>> | undefined {
  switch (event.event) {
    case "step":
    case "evaluation":
      return { ...event };
    case "start":
    case "checkpoint":
      return undefined;
    case "end": {
      const { checkpoint: _, data: __, ...rest } = event;
      return event.why === "finished" ? rest : undefined;
    }
  }
}
