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
import { saveCheckpoint } from "../checkpoint/checkpoint.ts";
import { addedUp, openRecipeData } from "../data/recipe-data.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import type { WorldError } from "../errors.ts";
import type { Figures, TrainingEvent } from "./events.ts";
import { explainNotFinite } from "./not-finite.ts";
import { prepareRunFolder } from "./run-folder.ts";
import type { CheckpointInfo } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";
import { emit, openSitting, time } from "./sitting.ts";
import type { Sitting } from "./sitting.ts";
import { checkMetricsEvery } from "./steps-in-flight.ts";
import { readParts } from "./stored-parts.ts";
import { checkResumable, checkSteps, describeRun } from "./training-request.ts";
import type { TrainingRequest } from "./training-request.ts";
import { entriesOfStep, startTrainingStep } from "./training-step.ts";
import type { EntryRun, StepResult } from "./training-step.ts";

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

/** Lets signals and loader threads be heard: a step on this thread would never leave room for them. */
function breathe(): Promise<void> {
  // a timer waits a millisecond at least; a page has no other
  return new Promise((resolve) =>
    typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve, 0),
  );
}
