// What a training run is asked for, what of it is written into run.json, and what cannot be asked.
import type { CompiledRecipe } from "../../compiler/compiled.ts";
import { latestCheckpoint } from "../checkpoint/checkpoint.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import { programChoices } from "./program-choices.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { TrainingEvent } from "./events.ts";
import { isRun } from "./run-folder.ts";
import type { RunDescription, RunSource } from "./run-folder.ts";

export interface TrainingRequest {
  readonly compiled: CompiledRecipe;
  /** Stays open: its owner closes it. */
  readonly device: ChosenDevice;
  /** Of the run, such as `runs/digits`; made where it is missing. A run that is there must be this one, and goes on. */
  readonly folder: string;
  /** The resolved spec as flat text: what makes two runs the same run. */
  readonly spec: string;
  readonly source: RunSource;
  /** Such as `vitrail` and `node`; for run.json. */
  readonly versions: Readonly<Record<string, string>>;
  readonly host: Host;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Aborted: the step under way is finished, a checkpoint saved, and `train` returns. */
  readonly signal?: AbortSignal;
  /** Stops after so many steps in all, as if by the signal; schedules stay those of the whole run. */
  readonly steps?: number;
  /** Instead of the recipe's. */
  readonly seed?: number;
  /** Loader threads; 1 unless said. They never change a result. */
  readonly workers?: number;
  /**
   * Metrics are read after so many steps, together; each step has its own all the same. Unless said, a GPU's after 16, or
   * a quarter of a second, and those of other devices after each step.
   */
  readonly metricsEvery?: number;
  /** An epoch unless said; whichever comes first. At the end there is always one. */
  readonly checkpointEvery?: { readonly steps?: number; readonly minutes?: number };
  /** `must`: it is an error where there is no checkpoint. */
  readonly resume?: "if-there" | "must";
}

/** For run.json. */
export function describeRun(request: TrainingRequest): RunDescription {
  const { compiled, device, versions } = request;
  const { plan } = compiled;
  return {
    format: 1,
    recipe: plan.name,
    settings: Object.fromEntries(plan.settings.map(({ name, value }) => [name, value])),
    seed: request.seed ?? plan.seed,
    batch: plan.batch,
    steps: plan.steps,
    stepsPerEpoch: plan.stepsPerEpoch,
    versions,
    device: { name: device.name, description: device.description, reason: device.reason },
    workers: request.workers ?? 1,
    fixes: device.fixes,
    choices: programChoices(compiled, device),
  };
}

/** @throws WorldError `bad-setting` */
export function checkSteps({ steps, compiled }: TrainingRequest): void {
  const most = compiled.plan.steps;
  if (steps === undefined || (Number.isInteger(steps) && steps >= 0 && steps <= most)) return;
  throw new WorldError(
    "bad-setting",
    `${steps} steps cannot be trained: the recipe has ${most}`,
    `choose 0 to ${most}, or set the recipe's length`,
  );
}

/** @throws WorldError `no-checkpoint` */
export function checkResumable({ folder, host }: TrainingRequest): void {
  if (isRun(host.files, folder) && latestCheckpoint(host.files, folder)) return;
  throw new WorldError(
    "no-checkpoint",
    `there is nothing to resume in ${folder}`,
    "leave out --resume to begin, or name the run's folder with --out",
  );
}
