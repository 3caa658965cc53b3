// Figures as tables for a terminal.
import { table } from "../../cli/table.ts";
import type { CompileResult, KernelResult, PeakResult, WorkloadResult } from "./figures.ts";

export function workloadLines({ workload, results }: WorkloadResult): string[] {
  const own = results.find(
    ({ name, spread }) => name.startsWith("Vitrail") && spread !== undefined,
  );
  const rows = [...results]
    .sort((a, b) => (a.spread?.median ?? Infinity) - (b.spread?.median ?? Infinity))
    .map(({ name, threads, version, spread, samples, dropped, why }) => {
      const called = `  ${name}${threads === undefined ? "" : `, ${threadsInWords(threads)}`}`;
      if (spread === undefined) return [called, "-", "", "", why ?? ""];
      return [
        called,
        `${spread.median.toFixed(1)} ms`,
        `${spread.low.toFixed(1)} to ${spread.high.toFixed(1)}`,
        own === undefined ? "" : `${(spread.median / own.spread!.median).toFixed(2)}x`,
        `${samples} samples${dropped > 0 ? `, ${dropped} dropped` : ""}`,
        version ?? "",
      ];
    });
  return [workload.title, ...table(rows, { align: ["left", "right", "right", "right"] }), ""];
}

export function threadsInWords(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

export function peakLines(peaks: readonly PeakResult[]): string[] {
  return peaks.map(
    ({ threads, flops, bytes }) =>
      `at best, ${threadsInWords(threads)}: ${(flops / 1e9).toFixed(1)} GFLOP/s, ${(bytes / 1e9).toFixed(1)} GB/s`,
  );
}

export function kernelLines(kernels: readonly KernelResult[]): string[] {
  const rows = kernels.map(({ group, name, flops, bytes, times }) => [
    `  ${group}`,
    name,
    ...times.flatMap(({ spread, ofPeak, limit }) => [
      `${spread.least.toFixed(3)} ms`,
      limit === "arithmetic" ? `${(flops / spread.least / 1e6).toFixed(1)} GFLOP/s` : `${(bytes / spread.least / 1e6).toFixed(1)} GB/s`, // prettier-ignore
      ofPeak.toFixed(2),
    ]),
    times.length === 2 ? `${(times[0]!.spread.least / times[1]!.spread.least).toFixed(2)}x` : "",
  ]);
  const head = kernels[0]?.times.flatMap(({ threads }) => [threadsInWords(threads), "", "of best"]) ?? []; // prettier-ignore
  return table([["  kernel", "", ...head, "gain"], ...rows], {
    align: ["left", "left", "right", "right", "right", "right", "right", "right", "right"],
  });
}

export function compileLines(compilations: readonly CompileResult[]): string[] {
  const rows = compilations.map(({ target, milliseconds, dispatches, layers, memory }) => [
    `  ${target}`,
    `${milliseconds.median.toFixed(0)} ms`,
    `${dispatches.forward} + ${dispatches.backward} + ${dispatches.update}`,
    layers === undefined ? "" : ((dispatches.forward + dispatches.backward) / layers).toFixed(1),
    (memory.total / memory.lowerBound).toFixed(4),
  ]); // prettier-ignore
  return table([["  compile", "time", "dispatches", "a layer", "memory over least"], ...rows], { align: ["left", "right", "right", "right", "right"] }); // prettier-ignore
}
