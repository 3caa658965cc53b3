// `recompute`: less memory, and not one bit of a run changes.
import { describe, expect, test, vi } from "vitest";
import { deviceBytes } from "../../../compiler/device-bytes.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { bytesText } from "../../../compiler/program/target.ts";
import { programChoices } from "../../../runtime/training/program-choices.ts";
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

const planned = [
  ["wasm with eight threads", { name: "wasm", limits: WASM_LIMITS, threads: 8 }],
  ["webgpu", { name: "webgpu", limits: DEFAULT_WEBGPU_LIMITS, threads: 1 }],
] as const;

describe.each(planned)("a budget on %s", (_name, device) => {
  const bytesWith = (bytes: number) => {
    const { plan, program } = compileText(layeredRecipe(""), device, { recompute: { kind: "budget", bytes } }); // prettier-ignore
    return { recomputed: plan.recomputed!.layers, bytes: deviceBytes(program!, device.threads) };
  };

  test("is kept to the byte by all that the device allocates, with as few layers as will do, from the first on", () => {
    const kept = bytesWith(1e9);
    expect(kept.recomputed).toEqual([]);
    const fewer = bytesWith(kept.bytes - 1);
    const [count, before] = [fewer.recomputed.length, bytesWith(fewer.bytes)];
    expect(fewer.recomputed).toEqual(layers.slice(0, count));
    expect(fewer.bytes).toBeLessThan(kept.bytes);
    expect(before).toEqual(fewer);
    const next = bytesWith(fewer.bytes - 1);
    expect(next.bytes).toBeLessThan(fewer.bytes);
    expect(next.recomputed.length).toBeGreaterThan(count);
  });

  test("that nothing keeps is an error at the clause, which says the least", () => {
    const all = compileText(layeredRecipe("recompute layers"), device);
    const least = bytesText(deviceBytes(all.program!, device.threads));
    const said = `error[device-limit]: the program needs ${least} at least, with all of its layers computed again: more than 9.766 KiB`;
    const compile = () => compileText(layeredRecipe("recompute to 0.01 MB"), device);
    expect(compile).toThrow(said);
    expect(compile).toThrow(/recipe.vit:\d+:3\n +\d+ \|   recompute to 0.01 MB/);
  });
});

test("run.json has the bytes that the device allocates, scratch of all threads included", async () => {
  const device = await openChosenDevice({ want: "wasm", threads: 2 });
  const compiled = compileText(layeredRecipe("recompute layers"), device);
  const loaded = await device.load(compiled);
  expect(programChoices(compiled, device).program!.bytes).toBe(loaded.allocatedBytes);
  loaded.close();
  await device.close();
});

function scratchBytes({ arenas }: Program): number {
  return arenas.reduce((sum, { kind, bytes }) => sum + (kind === "scratch" ? bytes : 0), 0);
}
