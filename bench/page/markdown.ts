// Figures -> the regions of docs/performance.md, in Markdown.
import type { KernelResult, PeerResult, ProfileResult, SuiteFigures, WorkloadResult } from "../suite/figures.ts"; // prettier-ignore
import { bytes } from "../../cli/figures.ts";
import { threadsInWords } from "../suite/print.ts";
import { floorsOf, verdict, type Floor } from "./floors.ts";

export function machineText({ machine, peaks, command, isNoisy }: SuiteFigures): string {
  const { cpu, cores, memoryBytes, system, node, v8, vitrail, date } = machine;
  return [
    ...(isNoisy ? ["**Taken while other processes used the machine, to try the suite out: not for comparison.**", ""] : []), // prettier-ignore
    `${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${system}; Node ${node} (V8 ${v8}), Vitrail ${vitrail}, ${date}.`,
    ...peaks.map(({ threads, flops, bytes }) => `At best, with ${threadsInWords(threads)}: ${(flops / 1e9).toFixed(1)} GFLOP/s in 128-bit WebAssembly, ${(bytes / 1e9).toFixed(1)} GB/s read and written.`), // prettier-ignore
    "",
    "```",
    command,
    "```",
  ].join("\n");
}

export function floorsText(figures: SuiteFigures): string {
  const rows = floorsOf(figures).map((floor) => [
    floor.what,
    typeof floor.measured === "number" ? inUnit(floor.measured, floor.unit) : "-",
    inUnit(floor.floor, floor.unit),
    inUnit(floor.aim, floor.unit),
    verdict(floor),
  ]);
  return markdown(["workload", "measured", "floor", "aim", ""], rows, 1);
}

function inUnit(value: number, unit: Floor["unit"]): string {
  if (unit === "x") return `${value.toFixed(2)}x`;
  if (unit === "ms") return `${Math.round(value).toLocaleString("en-US")} ms`;
  return String(Number(value.toPrecision(value < 2 ? 4 : 3)));
}

export const plotFile = (workload: string) => `performance/${workload}.svg`;

export function workloadsText({ workloads }: SuiteFigures): string {
  return workloads.map(workloadText).join("\n\n");
}

function workloadText({ workload, losses, results }: WorkloadResult): string {
  const own = ownOf(results)?.spread?.median;
  const rows = [...results].sort(byTime).map((each) => {
    const { version = "", spread, samples, dropped, why = "" } = each;
    if (spread === undefined) return [peerName(each), "-", "", "", "", `${why}${version === "" ? "" : ` (${version})`}`]; // prettier-ignore
    return [
      peerName(each),
      milliseconds(spread.median),
      `${milliseconds(spread.low)} to ${milliseconds(spread.high)}`,
      own === undefined ? "" : `${(spread.median / own).toFixed(2)}x`,
      `${samples}${dropped > 0 ? ` (${dropped} dropped)` : ""}`,
      version,
    ];
  });
  return [
    `### ${workload.title}`,
    "",
    `![${workload.title}](${plotFile(workload.name)})`,
    "",
    markdown(["", "median", "middle half", "of ours", "samples", "version, or why there is none"], rows, 1), // prettier-ignore
    "",
    `All of them: ${workload.kind === "train" ? "losses" : "sums of squares"} ${losses.map((loss) => loss.toPrecision(5)).join(", ")}.`,
  ].join("\n");
}

/** Ours with the most threads, on wasm. */
export function ownOf(results: readonly PeerResult[]): PeerResult | undefined {
  const own = results.filter(({ name, spread }) => name === "Vitrail, wasm" && spread !== undefined); // prettier-ignore
  return own.sort((one, other) => (other.threads ?? 1) - (one.threads ?? 1))[0];
}

export function byTime(one: PeerResult, other: PeerResult): number {
  return (one.spread?.median ?? Infinity) - (other.spread?.median ?? Infinity);
}

export function peerName({ name, threads }: PeerResult): string {
  return threads === undefined ? name : `${name}, ${threadsInWords(threads)}`;
}

export function milliseconds(ms: number): string {
  const digits = ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return `${Number(ms.toFixed(digits)).toLocaleString("en-US", { minimumFractionDigits: digits })} ms`; // prettier-ignore
}

export function kernelsText({ kernels }: SuiteFigures): string {
  const threads = kernels[0]?.times.map(({ threads }) => threads) ?? [];
  const head = ["kernel", "", ...threads.flatMap((each) => [threadsInWords(each), "speed", "of best"]), "gain"]; // prettier-ignore
  return markdown(head, kernels.map(kernelRow), 2);
}

function kernelRow({ group, name, flops, bytes, times }: KernelResult): string[] {
  const cells = times.flatMap(({ spread, ofPeak, limit }) => [
    milliseconds(spread.least),
    limit === "arithmetic"
      ? `${(flops / spread.least / 1e6).toFixed(1)} GFLOP/s`
      : `${(bytes / spread.least / 1e6).toFixed(1)} GB/s`,
    ofPeak.toFixed(2),
  ]);
  const [one, several] = times;
  return [group, name, ...cells, several === undefined ? "" : `${(one!.spread.least / several.spread.least).toFixed(2)}x`]; // prettier-ignore
}

export function compilationsText({ compilations }: SuiteFigures): string {
  const rows = compilations.map(({ target, milliseconds: spread, dispatches }) => [
    `\`${target}\``,
    milliseconds(spread.median),
    String(dispatches.forward),
    String(dispatches.backward),
    String(dispatches.update),
  ]);
  return markdown(["training step", "compile", "forward", "backward", "update"], rows, 1);
}

/** What a training step has in memory, and how far that is from the least that lives at once. */
export function memoryText({ compilations }: SuiteFigures): string {
  const rows = compilations.map(({ target, memory }) => [
    `\`${target}\``,
    ...[memory.parameters, memory.optimizer, memory.activations, memory.workspace, memory.total].map(bytes), // prettier-ignore
    (memory.total / memory.lowerBound).toFixed(4),
  ]);
  return markdown(["training step", "parameters", "optimizer and state", "activations", "workspace", "in all", "over the largest live set"], rows, 1); // prettier-ignore
}

export function profilesText({ profiles }: SuiteFigures): string {
  return profiles.map(profileText).join("\n\n");
}

function profileText({ target, device, wholeMs, sumMs, groups }: ProfileResult): string {
  const rows = groups.map(({ label, path, phase, source, count, ms, flops, bytes, ofPeak, limit }) => [
    `${label} (${phase})`,
    `\`${path}\`${source === undefined ? "" : `, ${source}`}`,
    String(count),
    milliseconds(ms),
    `${((ms / sumMs) * 100).toFixed(1)} %`,
    (flops / ms / 1e6).toFixed(1),
    (bytes / ms / 1e6).toFixed(1),
    ofPeak.toFixed(2),
    limit,
  ]); // prettier-ignore
  return [
    `\`vit profile ${target}\` on ${device}: ${milliseconds(wholeMs)} as a whole, ${milliseconds(sumMs)} step by step.`,
    "",
    markdown(["kernel", "module, source", "of them", "time", "share", "GFLOP/s", "GB/s", "of best", "limit"], rows, 2), // prettier-ignore
  ].join("\n");
}

/** Columns from `right` on are set to the right. */
function markdown(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: number,
): string {
  // prettier-ignore
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => (i < right ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
