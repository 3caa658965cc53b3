// What two runs must have in common to be the same run: the tensors of the last checkpoint, bit for bit, and the log,
// wall times apart.
import { createHash } from "node:crypto";
import { latestCheckpoint, loadCheckpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { readLog } from "../../../runtime/checkpoint/log.ts";
import type { StoredTensors } from "../../../runtime/checkpoint/safetensors.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";

export interface FinalState {
  readonly step: number;
  /** Hash of the bytes by path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly log: readonly unknown[];
}

export function finalState(folder: string): FinalState {
  const found = latestCheckpoint(nodeFiles, folder)!;
  const { step, parameters, state } = loadCheckpoint(nodeFiles, found.path);
  const log = readLog(nodeFiles, `${folder}/metrics.jsonl`).map((event) => ({
    ...event,
    time: undefined,
  }));
  return { step, parameters: hashes(parameters), state: hashes(state), log };
}

function hashes(tensors: StoredTensors): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...tensors].map(([name, { bytes }]) => [
      name,
      createHash("sha256").update(bytes).digest("hex"),
    ]),
  );
}
