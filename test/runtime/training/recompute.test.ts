// `recompute`: less memory, and not one bit of a run changes.
import { describe, expect, test, vi } from "vitest";
import { openRun } from "../../../runtime/training/run-folder.ts";
import { train } from "../../../runtime/training/train.ts";
import { openChosenDevice, type DeviceWish } from "../../../runtime/device/chosen-device.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { layeredRecipe } from "./recomputed-recipe.ts";
import { compileText, requestFor } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Sittings end after so many steps in all; the last one at the recipe's end. */
async function run(clause: string, wish: DeviceWish, sittings: readonly number[] = []) {
  const folder = temporaryFolder();
  const losses: number[] = [];
  for (const steps of [...sittings, undefined]) {
    const { request, events } = await requestFor(layeredRecipe(clause), folder, wish, steps === undefined ? {} : { steps }); // prettier-ignore
    await train(request);
    await request.device.close();
    losses.push(...events.flatMap((event) => (event.event === "step" ? [event.loss] : [])));
  }
  const { description } = openRun(nodeFiles, folder);
  const { step, parameters, state } = finalState(folder);
  return { losses, state: { step, parameters, state }, description };
}

const devices: readonly (readonly [string, DeviceWish])[] = [
  ["the interpreter", { want: "interpret" }],
  ["wasm with one thread", { want: "wasm", threads: 1 }],
  ["wasm with two threads", { want: "wasm", threads: 2 }],
  ["webgpu", { want: "webgpu", adapter: "software" }],
];

const layers = ["stages.0", "stages.1", "layers.0", "layers.1", "layers.2"].map((path) => `model.${path}`); // prettier-ignore

describe.each(devices)("on %s", (_name, wish) => {
  test("a run that computes its layers again, and stops between, has the bits of one that does neither", async () => {
    const kept = await run("", wish);
    const again = await run("recompute layers", wish, [2]);
    expect(again.description.choices?.recomputed).toEqual({ layers, of: 5 });
    expect(kept.description.choices).not.toHaveProperty("recomputed");
    expect(kept.losses).toHaveLength(6);
    expect(again.losses).toEqual(kept.losses);
    expect(again.state).toEqual(kept.state);
  });
});

test("halves are rounded twice alike", async () => {
  const wish = { want: "wasm", threads: 1 };
  const [kept, again] = [await run("precision = f16", wish), await run("precision = f16\n  recompute layers", wish)]; // prettier-ignore
  expect(again.losses).toEqual(kept.losses);
  expect(again.state).toEqual(kept.state);
});

test("a split batch is computed again part by part", async () => {
  const wish = { want: "wasm", threads: 1 };
  const unmixed = (clause: string) => layeredRecipe(clause).replaceAll("BatchNorm", "LayerNorm");
  const device = await openChosenDevice(wish);
  const [kept, again] = ["accumulate = 2", "accumulate = 2\n  recompute layers"].map((clause) =>
    compileText(unmixed(clause), device),
  );
  await device.close();
  expect(again!.plan.recomputed?.layers).toHaveLength(5);
  expect(scratchBytes(again!.program!)).toBeLessThan(scratchBytes(kept!.program!));
});

describe("a budget", () => {
  const compiled = async (clause: string) => {
    const device = await openChosenDevice({ want: "wasm", threads: 1 });
    try {
      return compileText(layeredRecipe(clause), device);
    } finally {
      await device.close();
    }
  };
  const bytes = ({ arenas }: Program) => arenas.reduce((sum, arena) => sum + arena.bytes, 0);

  test("that is kept anyway changes nothing", async () => {
    const { plan } = await compiled("recompute to 1 GB");
    expect(plan.recomputed).toEqual({ layers: [], of: 5 });
  });

  test("is kept with as few layers as will do, from the first on", async () => {
    const [none, all] = [await compiled(""), await compiled("recompute layers")];
    const [most, least] = [bytes(none.program!), bytes(all.program!)];
    expect(least).toBeLessThan(most * 0.8);
    const budget = ((most + least) / 2 / 2 ** 20).toFixed(4);
    const { plan, program } = await compiled(`recompute to ${budget} MiB`);
    expect(bytes(program!)).toBeLessThanOrEqual(Number(budget) * 2 ** 20);
    const count = plan.recomputed!.layers.length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(5);
    expect(plan.recomputed!.layers).toEqual(layers.slice(0, count));
  });

  test("that nothing keeps is an error at the clause", async () => {
    await expect(compiled("recompute to 0.01 MB")).rejects.toThrow(
      /error\[device-limit\]: the program needs [\d.]+ \w+ even where every layer is computed again, more than 9.766 KiB\n  recipe.vit:\d+:3\n +\d+ \|   recompute to 0.01 MB/,
    );
  });
});

function scratchBytes({ arenas }: Program): number {
  return arenas.reduce((sum, { kind, bytes }) => sum + (kind === "scratch" ? bytes : 0), 0);
}
