// A compiled recipe, a device, a folder -> a trained model in that folder. The one training loop, for every target.
// Everything that a step depends on is a function of its number, the seed and the parts stored in a checkpoint: so a
// run that was stopped, at whatever moment, ends with the bits of one that never was, its log included.
//
// For the command line and for programs:
//   openChosenDevice({ want, threads, adapter }): Promise<ChosenDevice>        runtime/device/chosen-device.ts
//   train(request: TrainingRequest): Promise<TrainingResult>                   here; events come by `onEvent`
//   openRun(files, folder): Run; openCheckpoint(files, run)                    runtime/training/run-folder.ts
//   evaluateRun(run, { compiled, device, host, ... }): Promise<RunEvaluation>  runtime/evaluation/evaluate-run.ts
//   predictImages(run, paths, { compiled, device, host }): Promise<Prediction[]>  runtime/evaluation/predict-image.ts
import type { CompiledRecipe, TrainingPlan } from "../../compiler/compiled.ts";
import { elementCount } from "../../compiler/graph/graph.ts";
import { latestCheckpoint, loadCheckpoint, saveCheckpoint } from "../checkpoint/checkpoint.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openLog } from "../checkpoint/log.ts";
import type { Log } from "../checkpoint/log.ts";
import { addedUp, openRecipeData } from "../data/recipe-data.ts";
import type { InputBatches, RecipeData } from "../data/recipe-data.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import { createEvaluator } from "../evaluation/evaluate.ts";
import type { Evaluator } from "../evaluation/evaluate.ts";
import type { Host } from "../host/host.ts";
import { logged } from "./events.ts";
import type { EventTime, Figures, LoadedFile, TrainingEvent } from "./events.ts";
import { initialize } from "./initialize.ts";
import { loadWeights } from "./load-weights.ts";
import { explainNotFinite } from "./not-finite.ts";
import { isRun, logPath, prepareRunFolder } from "./run-folder.ts";
import { programChoices } from "./program-choices.ts";
import type { CheckpointInfo, RunDescription, RunSource } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";
import { readParts, writeParts } from "./stored-parts.ts";
import { checkMetricsEvery, StepsInFlight } from "./steps-in-flight.ts";
import { entriesOfStep, startTrainingStep } from "./training-step.ts";
import type { EntryRun, StepResult } from "./training-step.ts";

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

export interface TrainingResult {
  readonly step: number;
  readonly why: Extract<TrainingEvent, { event: "end" }>["why"];
  readonly loss: number | null;
  readonly evaluations: Readonly<Record<string, Figures>>;
  /** The folder of the last checkpoint. */
  readonly checkpoint: string;
}

/** @throws WorldError for all that the world can do to a run; checkpoints made before are whole */
export async function train(request: TrainingRequest): Promise<TrainingResult> {
  const { compiled, device, folder, host } = request;
  checkSteps(request);
  checkMetricsEvery(request.metricsEvery);
  if (request.resume === "must") checkResumable(request);
  const lock = lockRun(host, folder);
  try {
    prepareRunFolder(host.files, folder, { ...request, description: describeRun(request) });
    return await trainInFolder(request, await device.load(compiled));
  } finally {
    lock.release();
  }
}

async function trainInFolder(
  request: TrainingRequest,
  loaded: LoadedCompilation,
): Promise<TrainingResult> {
  const { compiled, host } = request;
  const data = openRecipeData(compiled.plan.datasets, request.workers ?? 1, host);
  let sitting: Sitting | undefined;
  try {
    sitting = await openSitting(request, loaded, data);
    return await runSitting(sitting);
  } finally {
    sitting?.log.close();
    await sitting?.batches.close();
    await sitting?.evaluator.close();
    await data.close();
    loaded.close();
  }
}

// ---- before the first step ----

/** From the start, or from a checkpoint, to the end or the next stop. */
interface Sitting {
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

async function openSitting(
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
  const notes = [...(found?.passedOver ?? []), ...changesSince(info, request.device)];
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

function describeRun(request: TrainingRequest): RunDescription {
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

function checkSteps({ steps, compiled }: TrainingRequest): void {
  const most = compiled.plan.steps;
  if (steps === undefined || (Number.isInteger(steps) && steps >= 0 && steps <= most)) return;
  throw new WorldError(
    "bad-setting",
    `${steps} steps cannot be trained: the recipe has ${most}`,
    `choose 0 to ${most}, or set the recipe's length`,
  );
}

function checkResumable({ folder, host }: TrainingRequest): void {
  if (isRun(host.files, folder) && latestCheckpoint(host.files, folder)) return;
  throw new WorldError(
    "no-checkpoint",
    `there is nothing to resume in ${folder}`,
    "leave out --resume to begin, or name the run's folder with --out",
  );
}

// ---- the loop ----

async function runSitting(sitting: Sitting): Promise<TrainingResult> {
  const { request, plan } = sitting;
  while (sitting.started < sitting.until && !request.signal?.aborted) {
    await takeStep(sitting);
    const isLast = sitting.started === plan.steps;
    const due = plan.evaluations.filter(
      ({ everySteps }) => isLast || sitting.started % everySteps === 0,
    );
    const isSaving = !isLast && isCheckpointDue(sitting);
    // both begin where every step before has ended, and was sound
    if (due.length > 0 || isSaving) await settle(sitting);
    for (const { name } of due) await evaluate(sitting, name);
    if (isSaving) await save(sitting);
    await breathe();
  }
  await settle(sitting);
  const why = outcome(sitting);
  await save(sitting);
  // Beyond the checkpoint, so that the log of a run that goes on does not have them.
  if (why === "enough") {
    for (const evaluation of plan.evaluations)
      if (sitting.step === 0 || sitting.step % evaluation.everySteps !== 0)
        await evaluate(sitting, evaluation.name);
  }
  return end(sitting, why);
}

function outcome({ step, plan, until }: Sitting): TrainingResult["why"] {
  if (step === plan.steps) return "finished";
  return step === until ? "enough" : "stopped";
}

async function takeStep(sitting: Sitting): Promise<void> {
  const { request, plan, loaded, batches, inFlight, stepMs } = sitting;
  const before = request.host.now();
  const results = await inFlight.add(
    await startTrainingStep(loaded, plan, batches, sitting.started++),
  );
  stepMs.push(request.host.now() - before);
  if (stepMs.length > 20) stepMs.shift();
  for (const result of results) await endStep(sitting, result);
}

/** Until the metrics of all steps that were started are known. */
async function settle(sitting: Sitting): Promise<void> {
  for (const result of await sitting.inFlight.settle()) await endStep(sitting, result);
}

/** @throws WorldError where the loss or the gradient was not finite */
async function endStep(sitting: Sitting, result: StepResult): Promise<void> {
  const { loss, gradientNorm, isSkipped } = result;
  if (!isSkipped && !(Number.isFinite(loss) && Number.isFinite(gradientNorm)))
    throw await explainBrokenStep(sitting, result);
  sitting.step = result.step + 1;
  sitting.loss = loss;
  emit(sitting, stepEvent(sitting, result));
}

async function explainBrokenStep(
  sitting: Sitting,
  { step, loss, gradientNorm }: StepResult,
): Promise<WorldError> {
  const { loaded, plan, checkpoint, started } = sitting;
  const runs: EntryRun[] = [];
  const batches = await sitting.batchesAt(step);
  try {
    for await (const { entry, inputs } of entriesOfStep(loaded, plan, batches, step)) {
      const own = new Map([...inputs].map(([name, values]) => [name, values.slice()]));
      runs.push({ entry, inputs: own });
    }
  } finally {
    await batches.close();
  }
  const stepsSince = started - (step + 1);
  return explainNotFinite(loaded, { step: step + 1, loss, gradientNorm, runs, checkpoint, stepsSince }); // prettier-ignore
}

function stepEvent(sitting: Sitting, result: StepResult): TrainingEvent {
  const { plan, step, stepMs } = sitting;
  const rates = plan.scalars.filter(({ input }) => /^lr\b/.test(input));
  const meanMs = stepMs.reduce((sum, ms) => sum + ms, 0) / stepMs.length;
  return {
    event: "step",
    step,
    loss: result.loss,
    lr: rates.length === 0 ? null : (result.scalars[rates[0]!.input] ?? null),
    gradient_norm: result.gradientNorm,
    metrics: result.metrics,
    scalars: result.scalars,
    ...(result.choices ? { choices: result.choices } : {}),
    ...(result.isSkipped ? { skipped: true } : {}),
    time: { ...time(sitting), imagesPerSecond: (1000 * plan.batch) / meanMs },
  };
}

async function evaluate(sitting: Sitting, name: string): Promise<void> {
  const evaluation = sitting.plan.evaluations.find((candidate) => candidate.name === name)!;
  const metrics = await sitting.evaluator.run(evaluation, sitting.step);
  sitting.evaluations = { ...sitting.evaluations, [name]: metrics };
  const { step, loss } = sitting;
  emit(sitting, { event: "evaluation", step, loss, name, metrics, time: time(sitting) });
}

function isCheckpointDue({ request, plan, started: step, checkpointMs }: Sitting): boolean {
  const { steps, minutes } = request.checkpointEvery ?? { steps: plan.stepsPerEpoch };
  // an epoch need not end with a step
  if (steps !== undefined && Math.floor(step / steps) > Math.floor((step - 1) / steps)) return true;
  return minutes !== undefined && request.host.now() - checkpointMs >= 60_000 * minutes;
}

async function save(sitting: Sitting): Promise<void> {
  const { request, loaded, log, step, loss, evaluations, plan } = sitting;
  await loaded.finish();
  log.sync();
  const info: CheckpointInfo = {
    spec: request.spec,
    seed: plan.seed,
    logBytes: log.position(),
    loss,
    evaluations,
    fixes: request.device.fixes,
  };
  const checkpoint = { step, ...(await readParts(loaded)), info: { ...info } };
  const path = saveCheckpoint(request.host.files, request.folder, checkpoint);
  sitting.checkpoint = path;
  sitting.checkpointMs = request.host.now();
  emit(sitting, { event: "checkpoint", step, loss, path, time: time(sitting) });
}

function end(sitting: Sitting, why: TrainingResult["why"]): TrainingResult {
  const { step, loss, evaluations, log, batches, evaluator } = sitting;
  const checkpoint = sitting.checkpoint!;
  const data = addedUp([batches.notes(), evaluator.notes()]);
  emit(sitting, { event: "end", step, loss, why, evaluations, data, checkpoint, time: time(sitting) }); // prettier-ignore
  log.sync();
  return { step, why, loss, evaluations, checkpoint };
}

// ---- events ----

function emit(sitting: Sitting, event: TrainingEvent): void {
  const line = logged(event);
  if (line) sitting.log.write(line);
  sitting.request.onEvent?.(event);
}

function time({ request, startedMs }: Sitting): EventTime {
  return { seconds: (request.host.now() - startedMs) / 1000 };
}

/** Lets signals and loader threads be heard: a step on this thread would never leave room for them. */
function breathe(): Promise<void> {
  // a timer waits a millisecond at least; a page has no other
  return new Promise((resolve) =>
    typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve, 0),
  );
}
