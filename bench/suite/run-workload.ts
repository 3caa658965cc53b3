// A workload and the peers' commands -> each peer's times. All get the same weights and batch; who computes other losses
// is out before anything is timed; a peer whose single run takes very long is not asked for more.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeDataFiles, type DataFiles } from "./data-files.ts";
import type { PeerResult, WorkloadResult } from "./figures.ts";
import { measure, spreadOf, type MeasureSettings } from "./measure.ts";
import { PeerProcess, type PeerCommand } from "./peer-process.ts";
import type { Workload } from "./workloads.ts";

export type RunSettings = Pick<MeasureSettings, "samples" | "seconds" | "quiet">;

/** Losses of the first runs that must agree, and how nearly. */
const agreedRuns = 3;
const agreement = 1e-3;

const secondsToPrepare = 180;
/** A peer that takes longer for one run has no figure. */
const secondsPerRun = 90;
/** A run that takes longer is done once and not repeated. */
const secondsWorthRepeating = 40;

interface Ready {
  readonly peer: PeerProcess;
  readonly version: string;
  readonly losses: readonly number[];
}

export async function runWorkload(
  workload: Workload,
  commands: readonly PeerCommand[],
  settings: RunSettings,
): Promise<WorkloadResult> {
  const files = writeDataFiles(workload, join(tmpdir(), "vitrail-bench", workload.name));
  const results: PeerResult[] = [];
  const out = (command: PeerCommand, why: string, version?: string) =>
    results.push({ ...whoIs(command), samples: 0, dropped: 0, why, ...(version === undefined ? {} : { version }) }); // prettier-ignore
  const ready: (Ready & { readonly command: PeerCommand })[] = [];
  for (const command of commands) {
    const found = await prepare(command, workload, files);
    if ("why" in found) out(command, found.why, found.version);
    else ready.push({ ...found, command });
  }
  const losses = ready[0]?.losses ?? [];
  const agreeing = ready.filter(({ command, peer, losses: own, version }) => {
    if (own.every((loss, i) => Math.abs(loss - losses[i]!) <= agreement * Math.abs(losses[i]!)))
      return true;
    out(command, `its losses ${inWords(own)} are not ${inWords(losses)}`, version);
    peer.end();
    return false;
  });
  const peers = agreeing.map(({ peer }) => peer);
  const measured = await measure(peers, { ...settings, warmup: 1, secondsPerRun });
  measured.forEach(({ peer, ms, dropped, failed }, i) => {
    const { version, command } = agreeing[i]!;
    peer.end();
    const why = failed ?? "the machine was never quiet";
    results.push({ ...whoIs(command), version, samples: ms.length, dropped, ...(ms.length > 0 ? { spread: spreadOf(ms) } : { why }) }); // prettier-ignore
  });
  return { workload, losses, results };
}

function whoIs({ name, threads }: PeerCommand): Pick<PeerResult, "name" | "threads"> {
  return { name, ...(threads && { threads }) };
}

/** Starts a peer and takes its first losses; or says why it takes no part. */
async function prepare(
  command: PeerCommand,
  workload: Workload,
  files: DataFiles,
): Promise<Ready | { readonly why: string; readonly version?: string }> {
  if (command.missing !== undefined) return { why: command.missing };
  const peer = new PeerProcess(command);
  try {
    const { threads = 1 } = command;
    const answer = await peer.ask({ ask: "prepare", workload, ...files, threads }, secondsToPrepare); // prettier-ignore
    if (answer.answer !== "ready") throw new Error(answer.answer === "cannot" ? answer.why : "not ready"); // prettier-ignore
    const { version } = answer;
    const losses: number[] = [];
    for (let i = 0; i < agreedRuns; i++) {
      const ran = await peer.ask({ ask: "run" }, secondsPerRun);
      if (ran.answer !== "ran") throw new Error("it did not run");
      losses.push(ran.loss);
      // The first run may compile.
      if (i > 0 && ran.ms > secondsWorthRepeating * 1000) {
        peer.end();
        return { why: `a run takes ${(ran.ms / 1000).toFixed(0)} s: not repeated`, version };
      }
    }
    return { peer, version, losses };
  } catch (error) {
    peer.end();
    return { why: (error as Error).message.split("\n")[0]! };
  }
}

function inWords(losses: readonly number[]): string {
  return losses.map((loss) => loss.toPrecision(6)).join(", ");
}
