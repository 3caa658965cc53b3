// The training loop on a small recipe: that it learns, that it stops and goes on without a trace, that it says what is
// wrong. Residents of two targets are compared step by step elsewhere; here the loss is enough.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { WorldError } from "../../../runtime/errors.ts";
import { nodeFiles, nodeHost } from "../../../runtime/host/node.ts";
import type { Files } from "../../../runtime/host/host.ts";
import type { TrainingEvent } from "../../../runtime/training/events.ts";
import { openRun } from "../../../runtime/training/run-folder.ts";
import { train } from "../../../runtime/training/train.ts";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { compileText, requestFor, smallRecipe } from "./trained-recipe.ts";
import { finalState } from "./final-state.ts";

vi.setConfig({ testTimeout: 120_000 });

const wasm = await openChosenDevice({ want: "wasm", threads: 2 });
const compiled = compileText(smallRecipe, wasm);

/** The small recipe on wasm, compiled once for all tests. */
function request(folder: string, more: Partial<Parameters<typeof train>[0]> = {}) {
  const events: TrainingEvent[] = [];
  const source = { file: "recipe.vit", files: {} };
  const versions = { vitrail: "test", node: "test" };
  const onEvent = (event: TrainingEvent): void => void events.push(event);
  const spec = smallRecipe;
  const common = { compiled, device: wasm, folder, spec, source, versions, host: nodeHost };
  return { request: { ...common, workers: 0, onEvent, ...more }, events };
}

function losses(events: readonly TrainingEvent[]): number[] {
  return events.flatMap((event) => (event.event === "step" ? [event.loss] : []));
}

async function troubleOf(running: Promise<unknown>): Promise<WorldError> {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorldError);
  return error as WorldError;
}

const wholeFolder = mkdtempSync(join(tmpdir(), "vitrail-test-"));
afterAll(async () => {
  rmSync(wholeFolder, { recursive: true });
  await wasm.close();
});
await train(request(wholeFolder).request);
/** Of the run that nothing ever stopped. */
const whole = finalState(wholeFolder);

describe("a run", () => {
  test("learns, and says what happens in order", async () => {
    const folder = temporaryFolder();
    const { request: asked, events } = request(folder);
    const result = await train(asked);
    expect(result.why).toBe("finished");
    expect(result.evaluations["accuracy"]!["accuracy"]).toBeGreaterThan(0.7);
    const told = events.filter(({ event }) => event !== "step").map(({ event, step }) => `${event} ${step}`); // prettier-ignore
    expect(told).toEqual([
      "start 0",
      "evaluation 16",
      "checkpoint 16",
      "evaluation 32",
      "checkpoint 32",
      "evaluation 48",
      "checkpoint 48",
      "end 48",
    ]);
    expect(losses(events)).toHaveLength(48);
    expect(readdirSync(folder).sort()).toEqual([
      "checkpoints",
      "metrics.jsonl",
      "run.json",
      "sources.json",
      "spec.vit",
    ]);
    expect(openRun(nodeFiles, folder).description).toMatchObject({
      recipe: "small",
      seed: 0,
      batch: 32,
      steps: 48,
      fixes: { device: "wasm" },
    });
  });

  test("has the losses of the interpreter", async () => {
    const { request: asked, events } = request(temporaryFolder(), { steps: 20 });
    await train(asked);
    const wish = { want: "interpret" };
    const oracle = await requestFor(smallRecipe, temporaryFolder(), wish, { steps: 20 });
    await train(oracle.request);
    const expected = losses(oracle.events);
    losses(events).forEach((loss, i) =>
      expect(Math.abs(loss / expected[i]! - 1)).toBeLessThan(1e-5),
    );
    expect(expected).toHaveLength(20);
  });

  test("is the same bit for bit with other numbers of loader and compute threads", async () => {
    const folder = temporaryFolder();
    const one = await openChosenDevice({ want: "wasm", threads: 1 });
    await train(request(folder, { device: one, workers: 2 }).request);
    await one.close();
    expect(finalState(folder)).toEqual(whole);
  });

  test("differs with another seed", async () => {
    const first = request(temporaryFolder(), { steps: 2 });
    const second = request(temporaryFolder(), { steps: 2, seed: 1 });
    await train(first.request);
    await train(second.request);
    expect(losses(second.events)).not.toEqual(losses(first.events));
  });

  test("evaluates an untrained network when asked for no steps", async () => {
    const { request: asked, events } = request(temporaryFolder(), { steps: 0 });
    const result = await train(asked);
    expect(result).toMatchObject({ step: 0, why: "enough", loss: null });
    expect(result.evaluations["accuracy"]!["accuracy"]).toBeLessThan(0.5);
    expect(events.map(({ event }) => event)).toEqual(["start", "checkpoint", "evaluation", "end"]);
  });
});

describe("a run that was stopped", () => {
  test("by the signal saves, and goes on as if it had never stopped", async () => {
    const stopped = temporaryFolder();
    const controller = new AbortController();
    const onEvent = (event: TrainingEvent): void => {
      if (event.event === "step" && event.step === 21) controller.abort();
    };
    const first = await train(request(stopped, { signal: controller.signal, onEvent }).request);
    expect(first).toMatchObject({ step: 21, why: "stopped" });

    const second = request(stopped);
    expect(await train(second.request)).toMatchObject({ step: 48, why: "finished" });
    expect(second.events[0]).toMatchObject({ event: "start", step: 21, resumed: true, notes: [] });
    expect(finalState(stopped)).toEqual(whole);
  });

  test("by --steps goes on too, and what was evaluated on the way leaves no trace", async () => {
    const short = temporaryFolder();
    const enough = await train(request(short, { steps: 10 }).request);
    expect(enough).toMatchObject({ step: 10, why: "enough" });
    expect(enough.evaluations["accuracy"]).toBeDefined();
    await train(request(short).request);
    expect(finalState(short)).toEqual(whole);
  });

  test("and is finished says so again, and changes nothing", async () => {
    const folder = temporaryFolder();
    await train(request(folder).request);
    const before = finalState(folder);
    const again = request(folder);
    expect(await train(again.request)).toMatchObject({ step: 48, why: "finished" });
    expect(losses(again.events)).toEqual([]);
    expect(finalState(folder)).toEqual(before);
  });

  test("says when it goes on under another device", async () => {
    const folder = temporaryFolder();
    await train(request(folder, { steps: 4 }).request);
    const { request: asked, events } = await requestFor(
      smallRecipe,
      folder,
      { want: "interpret" },
      { steps: 5 },
    );
    await train(asked);
    expect(events[0]).toMatchObject({ event: "start", step: 4 });
    const [start] = events;
    expect(start!.event === "start" && start!.notes[0]).toMatch(
      "the checkpoint was made with device = wasm, this is interpret: bits may differ",
    );
  });
});

describe("a run is refused", () => {
  test("in the folder of another, with the difference", async () => {
    const folder = temporaryFolder();
    await train(request(folder, { steps: 1 }).request);
    const spec = smallRecipe.replace("batch     = 32", "batch     = 64");
    const trouble = await troubleOf(train(request(folder, { spec }).request));
    expect(trouble.message).toMatch(/is another one:\n-   batch     = 32\n\+   batch     = 64/);
    const seed = await troubleOf(train(request(folder, { seed: 3 }).request));
    expect(seed.message).toMatch(/- seed = 0\n\+ seed = 3/);
  });

  test("where there is nothing to resume", async () => {
    const trouble = await troubleOf(train(request(temporaryFolder(), { resume: "must" }).request));
    expect(trouble.code).toBe("no-checkpoint");
  });

  test("with more steps than the recipe has", async () => {
    const trouble = await troubleOf(train(request(temporaryFolder(), { steps: 100 }).request));
    expect(trouble.message).toBe("100 steps cannot be trained: the recipe has 48");
  });
});

describe("trouble on the way", () => {
  test("a full disk loses the checkpoint of that step and no other", async () => {
    const folder = temporaryFolder();
    const full: Files = {
      ...nodeFiles,
      create: (path) => {
        if (path.includes("step-00000032"))
          throw new WorldError("disk-full", "the disk is full", "free some space");
        return nodeFiles.create(path);
      },
    };
    const host = { ...nodeHost, files: full };
    const trouble = await troubleOf(train(request(folder, { host }).request));
    expect(trouble.code).toBe("disk-full");
    expect(trouble.message).toMatch(/the checkpoint of step 16 is intact/);

    await train(request(folder).request);
    expect(finalState(folder)).toEqual(whole);
  });

  test("a loss that is not finite names the step and the module, and leaves the checkpoint", async () => {
    const folder = temporaryFolder();
    const wild = smallRecipe.replace("cosine(rate to 0, warmup = 1 epochs)", "constant(1e25)");
    const { request: asked } = await requestFor(
      wild,
      folder,
      { want: "wasm" },
      {
        checkpointEvery: { steps: 1 },
      },
    );
    const trouble = await troubleOf(train(asked));
    await asked.device.close();
    expect(trouble.code).toBe("not-finite");
    expect(trouble.message.replace(folder, "run")).toBe(
      "in step 2 the loss is NaN; the first that broke is `dot` of `model.fc2` (specs/std/linear.vit); " +
        "the checkpoint run/checkpoints/step-00000001 is intact",
    );
    expect(trouble.hint).toMatch(/lower the learning rate/);
  });

  test("a damaged checkpoint is passed over, and said", async () => {
    const folder = temporaryFolder();
    await train(request(folder, { steps: 32 }).request);
    writeFileSync(`${folder}/checkpoints/step-00000032/state.safetensors`, "broken");
    const { request: asked, events } = request(folder);
    await train(asked);
    expect(events[0]).toMatchObject({ event: "start", step: 16 });
    expect(events[0]!.event === "start" && events[0]!.notes[0]).toMatch(/step-00000032/);
  });

  test("what is in the folder already stays", async () => {
    const folder = temporaryFolder();
    mkdirSync(`${folder}/notes`);
    await train(request(folder, { steps: 1 }).request);
    expect(readdirSync(folder)).toContain("notes");
    expect(readFileSync(`${folder}/spec.vit`, "utf8")).toBe(smallRecipe);
  });
});
