// Vitrail beside its peers: `npm run bench -- [workload ...]`. The same network, batch and weights for all; their losses
// must agree before anything is timed; one run interleaves them. `kernels`, `compile` and `profile` are of our own: single
// kernels against what the machine can reach, how long compiling takes, the largest kernels of two training steps. Peers have a package of their own:
// `npm install --prefix bench/peers --ignore-scripts`, and VITRAIL_BENCH_PYTHON names a Python with torch.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { Command } from "commander";
import { measureCompilations } from "./suite/compilations.ts";
import type { SuiteFigures } from "./suite/figures.ts";
import { measureKernels } from "./suite/kernels.ts";
import { describeMachine } from "./suite/machine.ts";
import { measureProfiles } from "./suite/profiles.ts";
import { peerCommands, peerFolder } from "./suite/peers.ts";
import { compileLines, kernelLines, peakLines, workloadLines } from "./suite/print.ts";
import { runWorkload } from "./suite/run-workload.ts";
import { workloads } from "./suite/workloads.ts";

interface Options {
  readonly samples: number;
  readonly seconds: number;
  readonly threads: number;
  readonly noisy?: boolean;
  readonly json?: string;
  readonly peers?: string;
  readonly kernels?: string;
}

/** Share of the machine that others may take in a sample. */
const quiet = 0.1;

const own = ["kernels", "compile", "profile"];

async function run(names: readonly string[], options: Options): Promise<SuiteFigures> {
  const { threads, samples, seconds, noisy = false } = options;
  const isWanted = (name: string) => names.length === 0 || names.includes(name);
  const commands = peerCommands(threads, options.peers);
  const results = [];
  for (const workload of workloads.filter(({ name }) => isWanted(name))) {
    const settings = { samples, seconds, quiet: noisy ? Infinity : quiet };
    const result = await runWorkload(workload, commands, settings);
    console.log(workloadLines(result).join("\n"));
    results.push(result);
  }
  const none = { peaks: [], kernels: [] };
  const { peaks, kernels } = isWanted("kernels")
    ? await measureKernels({
        threads: threads === 1 ? [1] : [1, threads],
        milliseconds: Math.min(1000, seconds * 10),
        wanted: (name) => name.includes(options.kernels ?? ""),
      })
    : none;
  if (peaks.length > 0) console.log([...peakLines(peaks), ...kernelLines(kernels), ""].join("\n"));
  const compilations = isWanted("compile") ? await measureCompilations(Math.min(samples, 7)) : [];
  if (compilations.length > 0) console.log(compileLines(compilations).join("\n"));
  const profiles = isWanted("profile") ? await measureProfiles(threads, Math.min(samples, 15)) : [];
  return {
    machine: describeMachine(),
    isNoisy: noisy,
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`,
    workloads: results,
    peaks,
    kernels,
    compilations,
    profiles,
  };
}

const program = new Command("bench")
  .argument("[workloads...]", [...workloads.map(({ name }) => name), ...own].join(", "))
  .option("--samples <n>", "wanted of each peer", Number, 21)
  .option("--seconds <n>", "of each peer, but for its first five samples", Number, 30)
  .option("--threads <n>", "of each peer that has several", Number, cpus().length)
  .option("--peers <names>", "only those with these names, as in vitrail,pytorch")
  .option("--kernels <text>", "only kernels whose name has this in it")
  .option("--noisy", "keep samples in which other processes took the machine: to try the suite out")
  .option("--json <file>", "write the figures")
  .action(async (names: string[], options: Options) => {
    const known = [...workloads.map(({ name }) => name), ...own];
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new Error(`no workload ${unknown.join(", ")}`);
    if (!existsSync(`${peerFolder}node_modules`))
      throw new Error("the peers are not installed: npm install --prefix bench/peers --ignore-scripts"); // prettier-ignore
    const figures = await run(names, options);
    if (options.json === undefined) return;
    mkdirSync(dirname(options.json), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  });
await program.parseAsync();
