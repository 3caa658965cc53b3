// A run's folder <-> what it says: `spec.vit` (the resolved spec), `sources.json` (the text that it came from),
// `run.json` (seed, settings, versions, device), `metrics.jsonl`, `checkpoints/`. All that is needed to redo the run.
// While a process trains it, there is its `lock.json` as well (see `run-lock.ts`).
// `spec.vit` is written last: a folder that has it is a run.
import { latestCheckpoint, loadCheckpoint } from "../checkpoint/checkpoint.ts";
import type { Checkpoint, FoundCheckpoint } from "../checkpoint/checkpoint.ts";
import { WorldError, isWorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";
import type { Figures } from "./events.ts";
import type { ProgramChoices } from "./program-choices.ts";
import { textDifference } from "./text-difference.ts";

/** What was asked for, and every text that it reads: compiled again, this gives the run's program. */
export interface RunSource {
  readonly file: string;
  readonly recipe?: string;
  readonly variant?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Texts by the names under which the library has them. */
  readonly files: Readonly<Record<string, string>>;
}

/** `run.json`. */
export interface RunDescription {
  readonly format: 1;
  readonly recipe: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly batch: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Such as `vitrail` and `node`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly device: {
    readonly name: string;
    readonly description: string;
    readonly reason: string;
  };
  readonly workers: number;
  /** What fixes the bits besides spec, seed and data. */
  readonly fixes: Readonly<Record<string, string | number | boolean>>;
  /** What was chosen besides: threads, what is computed again, which code. Runs of older versions do not have it. */
  readonly choices?: ProgramChoices;
}

/** What a checkpoint remembers besides the tensors. */
export interface CheckpointInfo {
  readonly spec: string;
  readonly seed: number;
  readonly logBytes: number;
  readonly loss: number | null;
  readonly evaluations: Readonly<Record<string, Figures>>;
  readonly fixes: Readonly<Record<string, string | number | boolean>>;
}

export interface Run {
  readonly folder: string;
  /** The resolved spec, as written. */
  readonly spec: string;
  readonly source: RunSource;
  readonly description: RunDescription;
  /** The newest that is whole, or null. */
  readonly checkpoint: FoundCheckpoint | null;
}

export function logPath(folder: string): string {
  return `${folder}/metrics.jsonl`;
}

/** True where the folder holds a run. */
export function isRun(files: Files, folder: string): boolean {
  return files.exists(`${folder}/spec.vit`);
}

/** @throws WorldError where the folder holds no run, or a damaged one */
export function openRun(files: Files, folder: string): Run {
  if (!isRun(files, folder))
    throw new WorldError(
      "missing-file",
      `${folder} is not the folder of a run: it has no spec.vit`,
      "name a folder such as runs/digits, or train one first",
    );
  return {
    folder,
    spec: new TextDecoder().decode(files.read(`${folder}/spec.vit`)),
    source: readJson<RunSource>(files, `${folder}/sources.json`),
    description: readJson<RunDescription>(files, `${folder}/run.json`),
    checkpoint: latestCheckpoint(files, folder),
  };
}

/** The run's newest checkpoint. @throws WorldError `no-checkpoint` */
export function openCheckpoint(files: Files, run: Run): Checkpoint & { readonly path: string } {
  if (run.checkpoint === null)
    throw new WorldError(
      "no-checkpoint",
      `${run.folder} has no checkpoint yet`,
      `train it: the same command goes on where it stopped`,
    );
  return { ...loadCheckpoint(files, run.checkpoint.path), path: run.checkpoint.path };
}

/** Makes the folder, or checks that the run in it is this one. @throws WorldError that shows the difference */
export function prepareRunFolder(
  files: Files,
  folder: string,
  run: Pick<Run, "spec" | "source" | "description">,
): void {
  if (isRun(files, folder)) return checkSame(openRun(files, folder), run);
  files.makeFolder(folder);
  writeWhole(files, folder, "sources.json", json(run.source));
  writeWhole(files, folder, "run.json", json(run.description));
  writeWhole(files, folder, "spec.vit", run.spec);
}

/** A reader, or a crash at any moment, sees the whole file or none. */
function writeWhole(files: Files, folder: string, name: string, text: string): void {
  const temporary = `${folder}/.writing-${name}`;
  const writer = files.create(temporary);
  try {
    writer.write(new TextEncoder().encode(text));
    writer.sync();
  } finally {
    writer.close();
  }
  files.rename(temporary, `${folder}/${name}`);
  files.syncFolder(folder);
}

const mostLines = 40;

function checkSame(there: Run, wanted: Pick<Run, "spec" | "description">): void {
  const lines =
    there.description.seed === wanted.description.seed
      ? []
      : [`- seed = ${there.description.seed}`, `+ seed = ${wanted.description.seed}`];
  if (there.spec !== wanted.spec) lines.push(...textDifference(there.spec, wanted.spec));
  if (lines.length === 0) return;
  const shown = lines.slice(0, mostLines);
  if (lines.length > mostLines) shown.push(`... and ${lines.length - mostLines} lines more`);
  throw new WorldError(
    "bad-setting",
    `the run in ${there.folder} is another one:\n${shown.join("\n")}`,
    "choose another folder with --out, or remove this one",
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readJson<T>(files: Files, path: string): T {
  try {
    return JSON.parse(new TextDecoder().decode(files.read(path))) as T;
  } catch (cause) {
    if (isWorldError(cause)) throw cause;
    throw new WorldError("broken-file", `${path} is not JSON`, "restore it from a copy", cause);
  }
}
