// `vit train`, `eval`, `predict` and `compile` on a recipe that takes a second, in a folder of its own.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost } from "../../runtime/host/node.ts";
import { runVit, runVitJson } from "./run-vit.ts";

const spec = `
model Net(image: [batch, rows = 28, cols = 28, channels = 1]) -> [batch, features] {
  image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as pixels] |> head: Linear(10)
}

recipe tiny(length: duration = 60 steps, rate: real = 0.01) {
  net  model = Net()
  data train = mnist(split = "train[:1000]")
  data test  = mnist(split = "test[:100]")
  view image = train.image |> scale(0..1)
  view clean = test.image |> scale(0..1)
  loss      = cross_entropy(model(image), train.label)
  batch     = 50
  optimizer = Adam()
  lr        = constant(rate)
  seed      = 3
  evaluate top1 = top1(model(clean), test.label) every 20 steps
}
`;

interface Event {
  readonly event: string;
  readonly step: number;
  readonly loss: number | null;
  readonly [name: string]: unknown;
}

const eventsIn = (out: string): Event[] =>
  out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);

let folder: string;
let file: string;
let run: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrail-test-"));
  file = join(folder, "tiny.vit");
  run = join(folder, "run");
  writeFileSync(file, spec);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (...words: readonly string[]) =>
  runVit("train", file, "--out", run, "--device", "wasm", "--threads", "1", ...words);

describe.sequential("a run", () => {
  test("--dry-run says what it would need and makes nothing", async () => {
    const { code, out } = await train("--dry-run");
    expect(code).toBe(0);
    expect(out).toMatch(/^recipe +tiny, 7,850 parameters$/m);
    expect(out).toMatch(/^length +60 steps of 50, 3 epochs$/m);
    expect(existsSync(run)).toBe(false);
  });

  test("--json has a line for every event, every step its own", async () => {
    const { code, out } = await train("--json", "--steps", "30");
    expect(code).toBe(0);
    const events = eventsIn(out);
    expect(events[0]).toMatchObject({ event: "start", step: 0, parameters: 7850, steps: 60 });
    const steps = events.filter(({ event }) => event === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(steps.every(({ loss }) => typeof loss === "number" && Number.isFinite(loss))).toBe(true);
    expect(events.some(({ event, step }) => event === "evaluation" && step === 20)).toBe(true);
    expect(events.some(({ event }) => event === "checkpoint")).toBe(true);
    expect(events.at(-1)).toMatchObject({ event: "end", step: 30, why: "enough" });
  });

  test("the same command goes on; the plot and the place of everything are shown at the end", async () => {
    const { code, out, err } = await train("--resume");
    expect(code).toBe(0);
    expect(err).toContain("going on from step 30");
    expect(err).toContain("loss over 30 steps");
    expect(out).toMatch(/^trained: step 60 in .*, top1 \d+\.\d %$/m);
    expect(out).toContain(`saved in ${run}`);
    for (const name of ["spec.vit", "run.json", "metrics.jsonl", "checkpoints"])
      expect(existsSync(join(run, name))).toBe(true);
  });

  test("a net that is loaded says what came from the file and what did not", async () => {
    const other = join(folder, "tuned.vit");
    const load = `load model from "${run}" { head.bias = fresh }`;
    writeFileSync(other, spec.replace("  data train", `  ${load}\n  data train`));
    const { code, err } = await runVit("train", other, "--out", join(folder, "tuned"), "--steps", "1"); // prettier-ignore
    expect(err).toContain(
      `model starts from ${run}: 1 tensor loaded, 1 started anew (model.head.bias)`,
    );
    expect(code).toBe(0);
  });

  test("a changed spec in the same folder is refused, and the difference shown", async () => {
    const { code, err } = await train("--set", "rate=0.02");
    expect(code).toBe(3);
    expect(err).toMatch(/^- {3}rate = 0.01$/m);
    expect(err).toMatch(/^\+ {3}rate = 0.02$/m);
  });

  test("eval gives what training gave, on the reference too", async () => {
    const log = readFileSync(join(run, "metrics.jsonl"), "utf8");
    const trained = eventsIn(log).findLast(({ event }) => event === "evaluation");
    const { top1 } = (trained!["metrics"] ?? {}) as { top1: number };
    expect(top1).toBeGreaterThan(0.6);
    for (const device of ["wasm", "interpret"]) {
      const found = await runVitJson<{ evaluations: { top1: { top1: number } } }>(
        "eval",
        run,
        "--device",
        device,
      );
      expect(found.evaluations.top1.top1).toBeCloseTo(top1, 5);
    }
  });

  test("predict shows the classes of a PNG as bars", async () => {
    const image = join(folder, "digit.png");
    await writeDigit(image, 1);
    const { code, out } = await runVit("predict", run, image, "--device", "wasm", "--top", "3");
    expect(code).toBe(0);
    const [title, first, ...rest] = out.trimEnd().split("\n");
    expect(title).toBe(image);
    expect(first).toMatch(/^ {2}1 +\d+\.\d % {2}█+/);
    expect(rest).toHaveLength(2);
  });

  test("a folder that is no run is the world's failure", async () => {
    expect((await runVit("eval", folder)).code).toBe(3);
  });
});

describe("compile", () => {
  test("figures of a training step, with the keys that tools read", async () => {
    const found = await runVitJson<Record<string, Record<string, number>>>(
      "compile",
      file,
      "--device",
      "wasm",
    );
    expect(Object.keys(found)).toEqual([
      "target",
      "kernels",
      "dispatches",
      "memory",
      "holding",
      "flops",
      "bytes",
      "nodes",
      "scalarWork",
      "compileMs",
    ]);
    const { dispatches, memory } = found;
    expect(Object.keys(dispatches!)).toEqual(["forward", "backward", "update", "total"]);
    expect(dispatches!["total"]).toBe(
      dispatches!["forward"]! + dispatches!["backward"]! + dispatches!["update"]!,
    );
    expect(Object.keys(memory!).sort()).toEqual(
      ["activations", "lowerBound", "optimizer", "parameters", "total", "workspace"].sort(),
    );
    expect(memory!["parameters"]).toBe(4 * 7850);
  });

  test.each(["graph", "kernels", "program"])("--show %s prints that stage", async (stage) => {
    const { code, out } = await runVit(
      "compile",
      `${file}:Net`,
      "--device",
      "wasm",
      "--show",
      stage,
    );
    expect(code).toBe(0);
    expect(out).toMatch(
      { graph: /^%\d+ = dot /m, kernels: /contraction/, program: /forward/ }[stage]!,
    );
  });

  test("for another device than the one at hand", async () => {
    const { code, out } = await runVit(
      "compile",
      `${file}:Net`,
      "--device",
      "webgpu",
      "--show",
      "program",
    );
    expect(code).toBe(0);
    expect(out).toContain("@compute");
  });

  test("nothing is compiled for the interpreter", async () => {
    expect((await runVit("compile", file, "--device", "interpret")).code).toBe(2);
  });
});

/** The first digit of that class, from the data set's package. */
async function writeDigit(path: string, digit: number): Promise<void> {
  const source = nodeHost.packageFile(`mnist/src/digits/${digit}.json`)!;
  const { data } = JSON.parse(readFileSync(source, "utf8")) as { data: number[] };
  const bytes = Uint8Array.from(data.slice(0, 784), (value) => Math.round(value * 255));
  await nodeHost.images.writePng(path, { rows: 28, cols: 28, channels: 1, bytes });
}
