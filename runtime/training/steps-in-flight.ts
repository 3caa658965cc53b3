// Training steps that were started and whose metrics nobody has seen yet. Where a device runs ahead, the metrics of many
// steps wait on it and are fetched in one go, while it takes the next steps; each step's figures are those it would have
// had alone. Where a device does not, each step's are there when it was run.
import type { TrainingPlan } from "../../compiler/compiled.ts";
import { mostKeptRuns } from "../../compiler/wgsl/device-memory.ts";
import { found } from "../device/loaded-compilation.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import { stepResult } from "./training-step.ts";
import type { StartedStep, StepResult } from "./training-step.ts";

/** Steps whose metrics are read together where nobody says, on a device that runs ahead. */
const usualGroup = 16;

/** Where steps are slow, somebody who watches does not wait for a whole group. */
const patienceMs = 250;

export interface StepsInFlightOptions {
  /** Metrics are read after so many steps; else after as many as a device likes, and more often where steps are slow. */
  readonly every?: number | undefined;
  readonly now: () => number;
}

/** @throws WorldError `bad-setting` for a number that no device can wait for */
export function checkMetricsEvery(every: number | undefined): void {
  if (every === undefined || (Number.isInteger(every) && every >= 1 && every <= mostKeptRuns))
    return;
  throw new WorldError(
    "bad-setting",
    `metrics cannot be read every ${every} steps`,
    `choose 1 to ${mostKeptRuns}`,
  );
}

export class StepsInFlight {
  private readonly loaded: LoadedCompilation;
  private readonly plan: TrainingPlan;
  private readonly every: number;
  private readonly patienceMs: number;
  private readonly now: () => number;
  /** Steps whose metrics were not asked for yet. */
  private waiting: StartedStep[] = [];
  private waitingSince = 0;
  /** Steps whose metrics are on their way. */
  private reading:
    { isDone: boolean; readonly results: Promise<readonly StepResult[]> } | undefined;

  constructor(loaded: LoadedCompilation, plan: TrainingPlan, options: StepsInFlightOptions) {
    this.loaded = loaded;
    this.plan = plan;
    this.every = options.every ?? (loaded.runsAhead ? usualGroup : 1);
    this.patienceMs = options.every === undefined ? patienceMs : Number.POSITIVE_INFINITY;
    this.now = options.now;
  }

  /** Takes a step that was just started. Gives those whose metrics have come since, in order; seldom waits. */
  async add(step: StartedStep): Promise<readonly StepResult[]> {
    if (this.waiting.length === 0) this.waitingSince = this.now();
    this.waiting.push(step);
    if (this.every === 1) return this.settle();
    const isDue =
      this.waiting.length >= this.every || this.now() - this.waitingSince > this.patienceMs;
    if (!isDue) return this.reading?.isDone ? this.arrived() : [];
    const earlier = await this.arrived();
    this.read();
    return earlier;
  }

  /** Waits for the metrics of every step that was started. */
  async settle(): Promise<readonly StepResult[]> {
    const earlier = await this.arrived();
    if (this.waiting.length === 0) return earlier;
    this.read();
    return [...earlier, ...(await this.arrived())];
  }

  private read(): void {
    const steps = this.waiting;
    this.waiting = [];
    const results = this.loaded
      .keptOutputs()
      .then((kept) =>
        steps.map((step, i) => stepResult(this.plan, step, found(kept[i]!, "metrics", "output"))),
      );
    const reading = { isDone: false, results };
    const done = (): void => void (reading.isDone = true);
    results.then(done, done); // whoever asks for them sees the error
    this.reading = reading;
  }

  private async arrived(): Promise<readonly StepResult[]> {
    const { reading } = this;
    this.reading = undefined;
    return reading === undefined ? [] : await reading.results;
  }
}
