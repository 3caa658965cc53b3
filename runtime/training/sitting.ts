// One sitting of a run: what is opened before its first step, whether it begins or goes on from a checkpoint, what
// changes as it goes, and how it tells of itself.
import type { TrainingPlan } from "../../compiler/compiled.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import { latestCheckpoint, loadCheckpoint } from "../checkpoint/checkpoint.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openLog } from "../checkpoint/log.ts";
import type { Log } from "../checkpoint/log.ts";
import type { InputBatches, RecipeData } from "../data/recipe-data.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { createEvaluator } from "../evaluation/evaluate.ts";
import type { Evaluator } from "../evaluation/evaluate.ts";
import { logged } from "./events.ts";
import type { EventTime, Figures, LoadedFile, TrainingEvent } from "./events.ts";
import { initialize } from "./initialize.ts";
import { loadWeights } from "./load-weights.ts";
import { logPath, openRun } from "./run-folder.ts";
import type { CheckpointInfo } from "./run-folder.ts";
import { StepsInFlight } from "./steps-in-flight.ts";
import { writeParts } from "./stored-parts.ts";
import type { TrainingRequest } from "./training-request.ts";

/** From the start, or from a checkpoint, to the end or the next stop. */
export interface Sitting {
  readonly request: TrainingRequest;
  readonly plan: TrainingPlan;
  readonly loaded: LoadedCompilation;
  readonly batches: InputBatches;
  /** The batches again, from those of a step on. */
  readonly batchesAt: (step: number) => Promise<InputBatches>;
  readonly inFlight: StepsInFlight;
  readonly evaluator: Evaluator;
  readonly log: Log;
  readonly until: number;
  readonly startedMs: number;
  /** Steps that the device was asked for, and those of them whose metrics are known. */
  started: number;
  step: number;
  loss: number | null;
  evaluations: Record<string, Figures>;
  checkpoint: string | null;
  checkpointMs: number;
  /** Milliseconds of the latest steps, for the rate. */
  readonly stepMs: number[];
}

export async function openSitting(
  request: TrainingRequest,
  loaded: LoadedCompilation,
  data: RecipeData,
): Promise<Sitting> {
  const { compiled, folder, host } = request;
  const startedMs = host.now();
  const plan: TrainingPlan = { ...compiled.plan, seed: request.seed ?? compiled.plan.seed };
  const found = latestCheckpoint(host.files, folder);
  const saved = found && loadCheckpoint(host.files, found.path);
  const step = saved?.step ?? 0;
  let loads: readonly LoadedFile[] = [];
  if (saved) writeParts(loaded, saved, found.path);
  else {
    initialize(loaded, plan.seed, host.files);
    loads = loadWeights(loaded, plan.loads, host.files);
  }
  const info = saved && infoOf(saved);
  const batchesAt = (from: number): Promise<InputBatches> =>
    data.batches({
      views: plan.views,
      batch: plan.batch / plan.accumulate,
      seed: plan.seed,
      mode: "train",
      startStep: from * plan.accumulate,
    });
  const { metricsEvery: every } = request;
  const sitting: Sitting = {
    request,
    plan,
    loaded,
    batches: await batchesAt(step),
    batchesAt,
    inFlight: new StepsInFlight(loaded, plan, { every, now: host.now }),
    evaluator: createEvaluator(plan, loaded, data),
    log: openLog(host.files, logPath(folder), info?.logBytes ?? 0),
    until: Math.max(step, Math.min(request.steps ?? plan.steps, plan.steps)),
    startedMs,
    started: step,
    step,
    loss: info?.loss ?? null,
    evaluations: { ...info?.evaluations },
    checkpoint: found?.path ?? null,
    checkpointMs: startedMs,
    stepMs: [],
  };
  const notes = [
    ...(found?.passedOver ?? []),
    ...changesSince(info, request.device),
    ...(saved ? otherLayers(request) : []),
  ];
  emitStart(sitting, notes, loads);
  return sitting;
}

function infoOf(checkpoint: Checkpoint): CheckpointInfo {
  return checkpoint.info as unknown as CheckpointInfo;
}

function emitStart(sitting: Sitting, notes: readonly string[], loads: readonly LoadedFile[]): void {
  const { request, plan, loaded, step, loss, until } = sitting;
  const parameters = loaded.compiled.layout.parts
    .filter(({ role }) => role === "parameter")
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
  emit(sitting, {
    event: "start",
    step,
    loss,
    until,
    steps: plan.steps,
    stepsPerEpoch: plan.stepsPerEpoch,
    batch: plan.batch,
    recipe: plan.name,
    parameters,
    folder: request.folder,
    device: request.device.description,
    resumed: sitting.checkpoint !== null,
    notes,
    loads,
    time: time(sitting),
  });
}

/** Where a checkpoint was made under another device or version, the bits may differ from here on: it is said. */
function changesSince(info: CheckpointInfo | null, device: ChosenDevice): readonly string[] {
  const before = info?.fixes ?? device.fixes;
  return [...new Set([...Object.keys(before), ...Object.keys(device.fixes)])]
    .filter((name) => before[name] !== device.fixes[name])
    .map(
      (name) =>
        `the checkpoint was made with ${name} = ${before[name] ?? "none"}, this is ${device.fixes[name] ?? "none"}: bits may differ`,
    );
}

/** A budget is kept on the machine of each sitting; run.json has the choice of the first. */
function otherLayers({ compiled, folder, host }: TrainingRequest): readonly string[] {
  const { choices } = openRun(host.files, folder).description;
  const [before, now] = [choices, compiled.plan].map(
    (each) => each?.recomputed?.layers.length ?? 0,
  );
  if (choices === undefined || now === before) return [];
  return [
    `as run.json says, the layers computed again were ${before}; to keep to \`recompute to\` here they are ${now}: the bits are the same`,
  ];
}

/** To the log, what belongs there, and to whoever listens. */
export function emit(sitting: Sitting, event: TrainingEvent): void {
  const line = logged(event);
  if (line) sitting.log.write(line);
  sitting.request.onEvent?.(event);
}

export function time({ request, startedMs }: Sitting): EventTime {
  return { seconds: (request.host.now() - startedMs) / 1000 };
}
