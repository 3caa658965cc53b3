// Several runs -> one set of figures: what a later run measured stands in place of what an earlier one did.
import type { SuiteFigures } from "../suite/figures.ts";

/** @throws Error where the runs are of different machines or engines */
export function mergeFigures(runs: readonly SuiteFigures[]): SuiteFigures {
  const last = runs.at(-1);
  if (last === undefined) throw new Error("no figures were given");
  const { cpu, cores, node } = last.machine;
  if (
    runs.some(
      ({ machine }) => machine.cpu !== cpu || machine.cores !== cores || machine.node !== node,
    )
  )
    // prettier-ignore
    throw new Error("the figures are of different machines or engines");
  const newest = <T>(of: (run: SuiteFigures) => readonly T[], name: (each: T) => string): T[] => [
    ...new Map(runs.flatMap((run) => of(run).map((each) => [name(each), each] as const))).values(),
  ];
  return {
    machine: last.machine,
    isNoisy: runs.some(({ isNoisy }) => isNoisy),
    command: runs.map(({ command }) => command).join("\n"),
    workloads: newest((run) => run.workloads, ({ workload }) => workload.name),
    peaks: newest((run) => run.peaks, ({ threads }) => String(threads)),
    kernels: newest((run) => run.kernels, ({ group, name }) => `${group} ${name}`),
    compilations: newest((run) => run.compilations, ({ target }) => target),
    profiles: newest((run) => run.profiles, ({ target }) => target),
  }; // prettier-ignore
}
