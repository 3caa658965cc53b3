// How long training steps take to compile: `npm run compile-time -- [FILE:NAME@TARGET ...]`, by stage. The first
// compilation in a process of its own, its modules loaded, is what a person waits for; the fastest of five more in that
// process is what a compiler costs that runs already. Medians over processes.
// Time is that of the main thread on its core, which other processes hardly change; elapsed time beside it.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { table } from "../cli/table.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { build, publishedCompiler } from "./published.ts";
import type { PublishedCompiler } from "./published.ts";
import { limitsFor } from "./suite/compilations.ts";

interface Timing {
  /** Milliseconds by stage, in order. */
  readonly stages: readonly { readonly name: string; readonly ms: number }[];
  readonly elapsedMs: number;
}

interface Timings {
  readonly first: Timing;
  readonly again: Timing;
}

// ViT-G/14 and its optimizer do not fit what WebAssembly can address.
const usual = ["vit_base@wasm", "vit_base@webgpu", "vit_giant@webgpu", "resnet_200@webgpu"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    one: { type: "boolean", default: false },
  },
});

if (values.one)
  console.log(JSON.stringify(timingsHere(positionals[0]!, await publishedCompiler())));
else {
  build();
  const things = positionals.length > 0 ? positionals : usual.map((name) => `bench/models.vit:${name}`); // prettier-ignore
  const measured = things.map((thing) => ({ thing, ...medians(thing, Number(values.runs)) }));
  console.log(values.json ? JSON.stringify(measured) : tableOf(measured));
}

/** In this process. */
function timingsHere(thing: string, compiler: PublishedCompiler): Timings {
  const first = timed(thing, compiler);
  const others = Array.from({ length: 5 }, () => timed(thing, compiler));
  const again = others.reduce((best, each) => (total(each) < total(best) ? each : best));
  return { first, again };
}

function timed(thing: string, { compileSpec, options }: PublishedCompiler): Timing {
  const [name, target] = thing.split("@") as [string, "wasm" | "webgpu"];
  const [start, startMs] = [cpuMs(), performance.now()];
  const settings = { target, limits: limitsFor(target), prediction: false, clock: cpuMs };
  const { compiled } = compileSpec(parseTarget(name), options(), settings);
  const compiledAt = cpuMs();
  // The module of the two that most engines take.
  if (compiled.program?.module?.relaxed === "") throw new Error("the module is empty");
  const end = cpuMs();
  const stages = compiled.stages.map((stage) => ({ ...stage }));
  const read = compiledAt - start - stages.reduce((sum, { ms }) => sum + ms, 0);
  return {
    stages: [{ name: "read", ms: read }, ...stages, { name: "module", ms: end - compiledAt }],
    elapsedMs: performance.now() - startMs,
  };
}

/** Milliseconds that the main thread has had a core; where the system does not say, that all threads have had. */
function cpuMs(): number {
  const file = `/proc/self/task/${process.pid}/schedstat`;
  if (existsSync(file)) return Number(readFileSync(file, "utf8").split(" ")[0]) / 1e6;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function total({ stages }: Timing): number {
  return stages.reduce((sum, { ms }) => sum + ms, 0);
}

/** Each figure's median over processes. */
function medians(thing: string, runs: number): Timings {
  const file = new URL(import.meta.url).pathname;
  const each = Array.from({ length: runs }, (): Timings => JSON.parse(execFileSync("node", ["--import", "tsx", file, "--one", thing], { encoding: "utf8" }))); // prettier-ignore
  const of = (which: keyof Timings): Timing => ({
    stages: each[0]![which].stages.map(({ name }, i) => ({
      name,
      ms: median(each.map((timings) => timings[which].stages[i]!.ms)),
    })),
    elapsedMs: median(each.map((timings) => timings[which].elapsedMs)),
  });
  return { first: of("first"), again: of("again") };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function tableOf(measured: readonly (Timings & { readonly thing: string })[]): string {
  const stages = measured[0]!.first.stages.map(({ name }) => name);
  const rows = measured.flatMap(({ thing, first, again }) =>
    (["first", "again"] as const).map((which) => {
      const timing = which === "first" ? first : again;
      const figures = [...timing.stages.map(({ ms }) => ms), total(timing), timing.elapsedMs];
      return [which === "first" ? thing : "", which, ...figures.map((ms) => ms.toFixed(0))];
    }),
  );
  const headings = ["", "", ...stages, "total, ms", "elapsed, ms"];
  const align = headings.map((_, i) => (i < 2 ? "left" : "right"));
  return table([headings, ...rows], { align }).join("\n");
}
