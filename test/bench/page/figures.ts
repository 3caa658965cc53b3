// Figures of a run of the suite as a test needs them: whatever it does not say is empty.
import type { PeerResult, SuiteFigures } from "../../../bench/suite/figures.ts";
import { workloads } from "../../../bench/suite/workloads.ts";

export function figures(given: Partial<SuiteFigures> = {}): SuiteFigures {
  return {
    machine: { cpu: "a processor", cores: 2, memoryBytes: 2 ** 33, system: "Linux", node: "v20", v8: "11", vitrail: "0.1.0", date: "2026-11-25" }, // prettier-ignore
    isNoisy: false,
    command: "npm run bench",
    workloads: [],
    peaks: [],
    kernels: [],
    compilations: [],
    profiles: [],
    ...given,
  };
}

export function times(
  workload: string,
  results: readonly PeerResult[],
): SuiteFigures["workloads"][number] {
  // prettier-ignore
  return { workload: workloads.find(({ name }) => name === workload)!, losses: [2.3], results };
}

export function peer(name: string, threads: number | undefined, median: number): PeerResult {
  const spread = { median, least: median, low: median, high: median };
  return { name, ...(threads && { threads }), version: "1", samples: 5, dropped: 0, spread };
}

export function absent(name: string, why: string): PeerResult {
  return { name, samples: 0, dropped: 0, why };
}
