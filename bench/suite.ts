// Vitrail beside its peers: `npm run bench -- [workload ...]`. The same network, batch and weights for all; their losses
// must agree before anything is timed; one run interleaves them. Peers have a package of their own:
// `npm install --prefix bench/peers --ignore-scripts`, and VITRAIL_BENCH_PYTHON names a Python with torch.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { table } from "../cli/table.ts";
import { writeDataFiles } from "./suite/data-files.ts";
import { measure, spreadOf, type Spread } from "./suite/measure.ts";
import { PeerProcess, type PeerCommand } from "./suite/peer-process.ts";
import { workloads, type Workload } from "./suite/workloads.ts";

interface Options {
  readonly samples: number;
  readonly seconds: number;
  readonly threads: number;
  readonly json?: string;
  readonly peers?: string;
}

interface PeerResult {
  readonly name: string;
  readonly version?: string;
  /** Milliseconds of a run. */
  readonly spread?: Spread;
  readonly samples: number;
  readonly dropped: number;
  /** Why there is no figure. */
  readonly why?: string;
}

interface WorkloadResult {
  readonly workload: Workload;
  readonly threads: number;
  readonly results: readonly PeerResult[];
}

const peers = new URL("peers/", import.meta.url).pathname;

function commands(wanted: string | undefined): PeerCommand[] {
  const python = process.env["VITRAIL_BENCH_PYTHON"];
  const all: PeerCommand[] = [
    { name: "Vitrail, wasm", command: ["node", "--import", "tsx", `${peers}vitrail.ts`, "wasm"] },
    { name: "jax-js, wasm", command: ["node", `${peers}jax-js.mjs`, "wasm"] },
    { name: "TensorFlow.js, wasm", command: ["node", `${peers}tensorflow-js.mjs`, "wasm"] },
    { name: "TensorFlow.js, cpu", command: ["node", `${peers}tensorflow-js.mjs`, "cpu"] },
    { name: "ONNX Runtime, native", command: ["node", `${peers}onnx-runtime.mjs`] },
    ...(python ? [{ name: "PyTorch, native", command: [python, `${peers}pytorch.py`, "cpu"] }] : []),
  ]; // prettier-ignore
  const names = wanted?.split(",").map((name) => name.trim().toLowerCase());
  return names ? all.filter(({ name }) => names.some((each) => name.toLowerCase().includes(each))) : all; // prettier-ignore
}

/** Losses of the first runs that must agree, and how nearly. */
const agreedRuns = 3;
const agreement = 1e-3;

async function runWorkload(workload: Workload, options: Options): Promise<WorkloadResult> {
  const { threads, samples, seconds } = options;
  const files = writeDataFiles(workload, join(tmpdir(), "vitrail-bench", workload.name));
  const results: PeerResult[] = [];
  const ready: { peer: PeerProcess; version: string; losses: number[] }[] = [];
  const none = { samples: 0, dropped: 0 };
  for (const command of commands(options.peers)) {
    const peer = new PeerProcess(command);
    try {
      const answer = await peer.ask({ ask: "prepare", workload, ...files, threads }, 300);
      if (answer.answer === "cannot") {
        results.push({ name: peer.name, ...none, why: answer.why });
        peer.end();
        continue;
      }
      const losses: number[] = [];
      for (let i = 0; i < agreedRuns; i++) {
        const ran = await peer.ask({ ask: "run" }, 120);
        if (ran.answer === "ran") losses.push(ran.loss);
      }
      ready.push({ peer, version: answer.answer === "ready" ? answer.version : "", losses });
    } catch (error) {
      results.push({ name: peer.name, ...none, why: (error as Error).message.split("\n")[0]! });
      peer.end();
    }
  }
  const [first] = ready;
  const agreeing = ready.filter(({ peer, losses }) => {
    const apart = Math.max(...losses.map((loss, i) => Math.abs(loss - first!.losses[i]!) / Math.abs(first!.losses[i]!))); // prettier-ignore
    if (apart <= agreement) return true;
    results.push({ name: peer.name, ...none, why: `its losses ${losses.map((loss) => loss.toPrecision(6)).join(", ")} are not ${first!.losses.map((loss) => loss.toPrecision(6)).join(", ")}` }); // prettier-ignore
    peer.end();
    return false;
  });
  const settings = { samples, warmup: 2, seconds, secondsPerRun: 120 };
  const measured = await measure(agreeing.map(({ peer }) => peer), settings); // prettier-ignore
  measured.forEach(({ peer, ms, dropped, failed }, i) => {
    const { version } = agreeing[i]!;
    const spread = ms.length > 0 ? { spread: spreadOf(ms) } : { why: failed ?? "the machine was never quiet" }; // prettier-ignore
    results.push({ name: peer.name, version, samples: ms.length, dropped, ...spread });
    peer.end();
  });
  return { workload, threads, results };
}

function lines({ workload, threads, results }: WorkloadResult): string[] {
  const own = results.find(({ name }) => name.startsWith("Vitrail"))?.spread?.median;
  const rows = [...results]
    .sort((a, b) => (a.spread?.median ?? Infinity) - (b.spread?.median ?? Infinity))
    .map(({ name, version, spread, samples, dropped, why }) =>
      spread
        ? [
            `  ${name}`,
            `${spread.median.toFixed(1)} ms`,
            `${spread.low.toFixed(1)} to ${spread.high.toFixed(1)}`,
            own === undefined ? "" : `${(spread.median / own).toFixed(2)}x`,
            `${samples} samples${dropped > 0 ? `, ${dropped} dropped` : ""}`,
            version ?? "",
          ]
        : [`  ${name}`, "-", "", "", why ?? ""],
    );
  return [`${workload.title}, ${threads} threads`, ...table(rows, { align: ["left", "right", "right", "right"] }), ""]; // prettier-ignore
}

const program = new Command("bench")
  .argument("[workloads...]", workloads.map(({ name }) => name).join(", "))
  .option("--samples <n>", "wanted of each peer", Number, 21)
  .option("--seconds <n>", "at most, of one workload", Number, 240)
  .option("--threads <n>", "of each peer that has several", Number, cpus().length)
  .option("--peers <names>", "only those with these names, as in vitrail,pytorch")
  .option("--json <file>", "write the figures")
  .action(async (names: string[], options: Options) => {
    if (!existsSync(`${peers}node_modules`))
      throw new Error("the peers are not installed: npm install --prefix bench/peers --ignore-scripts"); // prettier-ignore
    const unknown = names.filter((name) => !workloads.some((each) => each.name === name));
    if (unknown.length > 0) throw new Error(`no workload ${unknown.join(", ")}`);
    const all: WorkloadResult[] = [];
    for (const workload of workloads) {
      if (names.length > 0 && !names.includes(workload.name)) continue;
      const result = await runWorkload(workload, options);
      console.log(lines(result).join("\n"));
      all.push(result);
    }
    if (options.json === undefined) return;
    mkdirSync(join(options.json, ".."), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, workloads: all }, null, 2)}\n`); // prettier-ignore
  });
await program.parseAsync();
