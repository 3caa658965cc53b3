// A GPU that is lost in the middle of a run: the error says so and what to do, the last checkpoint is whole, and from
// there the run ends with the bits of one that lost nothing.
import { expect, test } from "vitest";
import { loadedCompilation } from "../../../runtime/device/loaded-compilation.ts";
import { createWebgpuDevice } from "../../../runtime/device/webgpu.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import { openRun } from "../../../runtime/training/run-folder.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

const text = smallRecipe.replace("3 epochs", "12 steps");
const wish = { want: "webgpu", adapter: "software" } as const;
const checkpointEvery = { steps: 4 };

async function trainWhole(folder: string) {
  const { request, events } = await requestFor(text, folder, wish, { checkpointEvery });
  await train(request);
  await request.device.close();
  return events;
}

test(
  "a lost GPU ends the run with a plain error, and the last checkpoint goes on",
  { timeout: 120_000 },
  async () => {
    const [folder, whole] = [temporaryFolder(), temporaryFolder()];
    const gpu = await createWebgpuDevice({ adapter: "software" });
    const { request } = await requestFor(text, folder, wish, {
      checkpointEvery,
      onEvent: ({ event, step }) => void (event === "step" && step === 7 && gpu.lose()),
    });
    await request.device.close();
    const device: typeof request.device = {
      ...request.device,
      load: async (compiled) => loadedCompilation(compiled, await gpu.load(compiled.program!)),
    };
    await expect(train({ ...request, device })).rejects.toMatchObject({
      code: "device-lost",
      message: expect.stringContaining("the GPU was lost") as string,
      hint: "continue from the last checkpoint with --resume; if it happens again, try --device wasm",
    });
    gpu.close();

    expect(openRun(nodeHost.files, folder).checkpoint).toMatchObject({ step: 4, passedOver: [] });
    const events = await trainWhole(folder);
    expect(events[0]).toMatchObject({ event: "start", resumed: true, step: 4 });
    await trainWhole(whole);
    expect(finalState(folder)).toEqual(finalState(whole));
  },
);
