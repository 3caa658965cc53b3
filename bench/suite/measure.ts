// Peers take turns, one run each, round by round, so that whatever the machine does meets all of them alike. A short run
// is made twice, and the second counts: the first finds its threads asleep and its data gone from the caches, while the
// steps of a training follow each other. A sample in which other processes took more than a little of the machine is
// dropped and taken again, up to a point. Each has as much time as the others, so a slow peer has fewer samples and the
// quick ones do not wait for it.
import { readFileSync } from "node:fs";
import type { PeerProcess } from "./peer-process.ts";
import type { Answer } from "./protocol.ts";

export interface Samples {
  readonly peer: PeerProcess;
  readonly ms: number[];
  /** Dropped: others were busy. */
  dropped: number;
  /** Spent in all, on dropped ones, too. */
  seconds: number;
  /** Why it measures no more. */
  failed?: string;
}

export interface MeasureSettings {
  /** Wanted of each peer. */
  readonly samples: number;
  /** Runs thrown away before. */
  readonly warmup: number;
  /** A peer that has taken so long, with `leastSamples` or more, is asked no more. */
  readonly seconds: number;
  readonly secondsPerRun: number;
  /** Share of the machine that others may take in a sample; infinite: whatever they take. */
  readonly quiet: number;
}

/** Of a peer, however slow it is. */
const leastSamples = 5;
/** A slow peer that was disturbed as often is given up. */
const mostDropped = 5;

export async function measure(
  peers: readonly PeerProcess[],
  { samples, warmup, seconds, secondsPerRun, quiet }: MeasureSettings,
): Promise<Samples[]> {
  const all = peers.map((peer): Samples => ({ peer, ms: [], dropped: 0, seconds: 0 }));
  const isOpen = ({ failed, ms, dropped, seconds: spent }: Samples) =>
    failed === undefined &&
    ms.length < samples &&
    (spent < seconds || (ms.length < leastSamples && dropped < mostDropped));
  for (let round = 0; ; round++) {
    const open = all.filter(isOpen);
    if (open.length === 0) break;
    for (const each of open) {
      const begin = Date.now();
      const { ms, others, failed } = await sample(each.peer, secondsPerRun);
      each.seconds += (Date.now() - begin) / 1000;
      if (failed !== undefined) each.failed = failed;
      else if (round >= warmup && others > quiet) each.dropped++;
      else if (round >= warmup) each.ms.push(ms);
    }
  }
  return all;
}

interface Sample {
  readonly ms: number;
  /** Share of the machine that other processes took. */
  readonly others: number;
  readonly failed?: string;
}

async function sample(peer: PeerProcess, seconds: number): Promise<Sample> {
  try {
    const before = { own: peer.processorSeconds, ...machineSeconds() };
    const first = await run(peer, seconds);
    const ms = first < shortRun ? await run(peer, seconds) : first;
    const all = machineSeconds();
    const own = peer.processorSeconds - before.own;
    const total = Math.max(all.total - before.total, 1e-9);
    // The kernel counts in hundredths of a second: short samples are judged over what they last.
    const others = Math.max(0, all.busy - before.busy - own - 0.02) / total;
    return { ms, others };
  } catch (error) {
    return { ms: 0, others: 0, failed: (error as Error).message };
  }
}

/** A run that takes less, in milliseconds, is made twice. */
const shortRun = 1000;

async function run(peer: PeerProcess, seconds: number): Promise<number> {
  const answer: Answer = await peer.ask({ ask: "run" }, seconds);
  if (answer.answer !== "ran") throw new Error(`unexpected answer: ${JSON.stringify(answer)}`);
  return answer.ms;
}

/** Seconds of all cores together: in use, and in all. */
function machineSeconds(): { readonly busy: number; readonly total: number } {
  const [first] = readFileSync("/proc/stat", "utf8").split("\n");
  const ticks = first!.trim().split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, each) => sum + each, 0);
  return { busy: (total - ticks[3]! - ticks[4]!) / 100, total: total / 100 };
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  /** Of the middle half. */
  readonly low: number;
  readonly high: number;
}

/** @throws Error where there are none */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!; // prettier-ignore
  return { median: at(0.5), least: sorted[0]!, low: at(0.25), high: at(0.75) };
}
