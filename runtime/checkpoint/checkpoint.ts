// A training run's state <-> `checkpoints/step-00001200/` in its folder: parameters, state and one JSON.
// Everything is written to a folder whose name begins with a dot, put on the disk, and renamed as one: whatever
// stops us, and whenever, a folder called `step-...` is whole, and the one before it is still there.
import { WorldError, isWorldError } from "../errors.ts";
import type { Files, FileWriter } from "../host/host.ts";
import { openSafetensors, readSafetensors, writeSafetensors } from "./safetensors.ts";
import type { StoredTensors } from "./safetensors.ts";

export interface Checkpoint {
  /** Training steps done. */
  readonly step: number;
  readonly parameters: StoredTensors;
  /** Optimizer slots, batch-norm statistics, twins, counters: all else that the next step reads. */
  readonly state: StoredTensors;
  /** Anything that is JSON: the resolved spec, versions, the length of the log. */
  readonly info: Readonly<Record<string, unknown>>;
}

export interface FoundCheckpoint {
  readonly path: string;
  readonly step: number;
  /** Newer ones that were passed over because they are damaged, and why. */
  readonly passedOver: readonly string[];
}

interface Summary {
  readonly format: 1;
  readonly step: number;
  /** Sizes in bytes of the files beside it, to tell a damaged copy. */
  readonly files: Readonly<Record<string, number>>;
  readonly info: Readonly<Record<string, unknown>>;
}

const parametersFile = "parameters.safetensors";
const stateFile = "state.safetensors";
const summaryFile = "checkpoint.json";
const finished = /^step-(\d+)$/;
const unfinished = /^\.(writing|removing)-/;

export function checkpointsFolder(run: string): string {
  return `${run}/checkpoints`;
}

/**
 * Saves, then removes all but the newest `keep`. Returns the checkpoint's folder.
 * The same step of the same run is the same checkpoint: one that is there and whole is kept.
 * Throws WorldError (a full disk, say) with earlier checkpoints as they were.
 */
export function saveCheckpoint(
  files: Files,
  run: string,
  checkpoint: Checkpoint,
  keep = 2,
): string {
  const folder = checkpointsFolder(run);
  const name = `step-${String(checkpoint.step).padStart(8, "0")}`;
  const path = `${folder}/${name}`;
  files.makeFolder(folder);
  clearUnfinished(files, folder);
  const damage = files.exists(path) ? damageOf(files, path) : "missing";
  if (damage !== null) {
    if (damage !== "missing") discard(files, folder, name);
    placeFolder(files, run, path, checkpoint);
  }
  prune(files, folder, keep);
  return path;
}

/** Writes beside the place and renames into it. */
function placeFolder(files: Files, run: string, path: string, checkpoint: Checkpoint): void {
  const folder = checkpointsFolder(run);
  const temporary = `${folder}/.writing-${path.slice(folder.length + 1)}`;
  try {
    writeFolder(files, temporary, checkpoint);
    files.rename(temporary, path);
    files.syncFolder(folder);
  } catch (error) {
    throw isWorldError(error) ? afterFailure(files, run, temporary, checkpoint.step, error) : error;
  }
}

function writeFolder(
  files: Files,
  path: string,
  { step, parameters, state, info }: Checkpoint,
): void {
  files.makeFolder(path);
  writeFile(files, `${path}/${parametersFile}`, (writer) =>
    writeSafetensors(writer, parameters, { format: "vitrail" }),
  );
  writeFile(files, `${path}/${stateFile}`, (writer) =>
    writeSafetensors(writer, state, { format: "vitrail" }),
  );
  const sizes = Object.fromEntries(
    [parametersFile, stateFile].map((file) => [file, files.size(`${path}/${file}`)]),
  );
  const summary: Summary = { format: 1, step, files: sizes, info };
  writeFile(files, `${path}/${summaryFile}`, (writer) =>
    writer.write(new TextEncoder().encode(`${JSON.stringify(summary, null, 2)}\n`)),
  );
  files.syncFolder(path);
}

function writeFile(files: Files, path: string, fill: (writer: FileWriter) => void): void {
  const writer = files.create(path);
  try {
    fill(writer);
    writer.sync();
  } finally {
    writer.close();
  }
}

/** What could not be written is taken away (it may be what fills the disk), and the error says what is left. */
function afterFailure(
  files: Files,
  run: string,
  temporary: string,
  step: number,
  error: WorldError,
): WorldError {
  try {
    files.remove(temporary);
  } catch {
    // the next save clears it
  }
  const last = latestCheckpoint(files, run);
  const left = last
    ? `the checkpoint of step ${last.step} is intact: ${last.path}`
    : "there is no earlier checkpoint";
  return new WorldError(
    error.code,
    `the checkpoint of step ${step} is lost: ${error.message}; ${left}`,
    error.hint,
    error,
  );
}

function clearUnfinished(files: Files, folder: string): void {
  for (const name of files.list(folder))
    if (unfinished.test(name)) files.remove(`${folder}/${name}`);
}

function prune(files: Files, folder: string, keep: number): void {
  const names = files
    .list(folder)
    .filter((name) => finished.test(name))
    .sort(bySteps);
  for (const name of names.slice(0, Math.max(0, names.length - keep))) discard(files, folder, name);
}

/** Renamed first: a folder half removed must not look like a checkpoint. */
function discard(files: Files, folder: string, name: string): void {
  const doomed = `${folder}/.removing-${name}`;
  files.remove(doomed);
  files.rename(`${folder}/${name}`, doomed);
  files.remove(doomed);
}

function bySteps(a: string, b: string): number {
  return stepOf(a) - stepOf(b);
}

function stepOf(name: string): number {
  return Number(finished.exec(name)?.[1] ?? -1);
}

/** The newest checkpoint of a run that is whole, or null where there is none. */
export function latestCheckpoint(files: Files, run: string): FoundCheckpoint | null {
  const folder = checkpointsFolder(run);
  if (!files.isFolder(folder)) return null;
  const names = files
    .list(folder)
    .filter((name) => finished.test(name))
    .sort(bySteps)
    .reverse();
  const passedOver: string[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    const damage = damageOf(files, path);
    if (damage === null) return { path, step: stepOf(name), passedOver };
    passedOver.push(damage);
  }
  return null;
}

/** Reads a checkpoint whole. Throws WorldError where it is missing or damaged. */
export function loadCheckpoint(files: Files, path: string): Checkpoint {
  const { step, info } = readSummary(files, path);
  const { tensors: parameters } = readSafetensors(files, `${path}/${parametersFile}`);
  const { tensors: state } = readSafetensors(files, `${path}/${stateFile}`);
  return { step, parameters, state, info };
}

/** Why a checkpoint cannot be used, or null where it can. */
function damageOf(files: Files, path: string): string | null {
  try {
    const summary = readSummary(files, path);
    for (const [name, size] of Object.entries(summary.files)) {
      const found = openSafetensors(files, `${path}/${name}`) && files.size(`${path}/${name}`);
      if (found !== size) return `${path}/${name} has ${found} bytes, not ${size}`;
    }
    return null;
  } catch (error) {
    if (isWorldError(error)) return error.message;
    throw error;
  }
}

function readSummary(files: Files, path: string): Summary {
  const file = `${path}/${summaryFile}`;
  if (!files.exists(file))
    throw new WorldError(
      "no-checkpoint",
      `${path} is not a checkpoint: it has no ${summaryFile}`,
      "name a folder such as runs/NAME/checkpoints/step-00001000",
    );
  let summary: Partial<Summary>;
  try {
    summary = JSON.parse(new TextDecoder().decode(files.read(file))) as Partial<Summary>;
  } catch (cause) {
    if (isWorldError(cause)) throw cause;
    throw new WorldError("broken-file", `${file} is not JSON`, "use an earlier checkpoint", cause);
  }
  if (summary.format !== 1 || typeof summary.step !== "number" || !summary.files || !summary.info) {
    throw new WorldError(
      "broken-file",
      `${file} is not of a form that this version reads`,
      "use the version that wrote it",
    );
  }
  return summary as Summary;
}
