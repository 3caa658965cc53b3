// kill -9 at any moment, then the same command again: the run ends with the very bits, log included, of one that nothing
// ever stopped. Real processes, really killed: between steps, in the middle of each file of a checkpoint, before and
// after it is renamed into place, in the middle of a line of the log.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import { expect, test } from "vitest";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { compileText, smallRecipe } from "./trained-recipe.ts";

const script = fileURLToPath(new URL("./train-and-die.ts", import.meta.url));
const text = smallRecipe
  .replace("3 epochs", "20 steps")
  .replace("every 1 epochs", "every 6 steps")
  .replace("warmup = 1 epochs", "warmup = 4 steps");

/** What ended the program: `SIGKILL`, or its exit code. */
function trainAndDie(compiled: string, folder: string, device: string, moment?: string) {
  const more = moment === undefined ? [] : [moment];
  const child = spawn(
    process.execPath,
    ["--import", "tsx", script, compiled, folder, device, ...more],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  return new Promise<string>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? `${code} ${said}`.trim())),
  );
}

async function checkKilledRun(device: "wasm" | "webgpu", moments: readonly string[]) {
  const compiled = `${temporaryFolder()}/compiled`;
  const chosen = await openChosenDevice({
    want: device,
    ...(device === "webgpu" ? { adapter: "software" as const } : {}),
  });
  writeFileSync(compiled, serialize(compileText(text, chosen)));
  await chosen.close();

  const [whole, killed] = [temporaryFolder(), temporaryFolder()];
  const uninterrupted = trainAndDie(compiled, whole, device);
  for (const moment of moments)
    expect(await trainAndDie(compiled, killed, device, moment)).toBe("SIGKILL");
  expect(await trainAndDie(compiled, killed, device)).toBe("0");
  expect(await uninterrupted).toBe("0");

  const expected = finalState(whole);
  expect(expected.step).toBe(20);
  expect(expected.log.length).toBe(20 + 4 + 1); // steps, evaluations at 6, 12, 18 and 20, the end
  expect(finalState(killed)).toEqual(expected);
}

test("on wasm with two threads", { timeout: 180_000 }, async () => {
  await checkKilledRun("wasm", [
    "step 3", // no checkpoint yet
    "write .writing-step-00000004/parameters.safetensors",
    "rename step-00000008", // written, not in its place
    "write .writing-step-00000008/checkpoint.json",
    "line 4", // half a line of the log
    "rename .removing-step-00000004", // the new one is there, the old one not yet removed
    "step 19",
  ]);
});

test("on webgpu", { timeout: 180_000 }, async () => {
  await checkKilledRun("webgpu", [
    "step 6",
    "write .writing-step-00000008/state.safetensors",
    "step 17",
  ]);
});
