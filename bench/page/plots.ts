// What is drawn of a workload: the peers that have a time, fastest first.
import type { WorkloadResult } from "../suite/figures.ts";
import type { Plot } from "./interval-plot.ts";
import { byTime, milliseconds, ownOf, peerName } from "./markdown.ts";

export function workloadPlot({ workload, results }: WorkloadResult): Plot {
  const own = ownOf(results);
  const rows = [...results].sort(byTime).flatMap((each) => {
    if (each.spread === undefined) return [];
    const { median, low, high } = each.spread;
    return [{ label: peerName(each), value: median, low, high, text: milliseconds(median), isOwn: each === own }]; // prettier-ignore
  });
  return { title: workload.title, axis: "milliseconds, median and middle half", rows };
}
