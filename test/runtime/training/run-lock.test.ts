// One run, one process: who comes second is told who was first, and a process that has died is in nobody's way.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeHost } from "../../../runtime/host/node.ts";
import { lockRun } from "../../../runtime/training/run-lock.ts";
import { train } from "../../../runtime/training/train.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { requestFor, smallRecipe } from "./trained-recipe.ts";

const { own } = nodeHost.processes;

/** A folder with the lock of someone. */
function lockedBy(holder: object | string): string {
  const folder = temporaryFolder();
  writeFileSync(
    `${folder}/lock.json`,
    typeof holder === "string" ? holder : JSON.stringify(holder),
  );
  return folder;
}

function holderOf(folder: string): unknown {
  return JSON.parse(readFileSync(`${folder}/lock.json`, "utf8"));
}

test("a lock names its process, and is gone when it is released", () => {
  const folder = `${temporaryFolder()}/new`;
  const lock = lockRun(nodeHost, folder);
  expect(holderOf(folder)).toEqual({ ...own, id: process.pid });
  expect(() => lockRun(nodeHost, folder)).toThrow(
    `this process trains the run in ${folder} already`,
  );
  lock.release();
  expect(existsSync(`${folder}/lock.json`)).toBe(false);
  lockRun(nodeHost, folder).release();
});

test(
  "another process that lives is respected, and after kill -9 its lock is taken over",
  { timeout: 30_000 },
  async () => {
    const folder = temporaryFolder();
    const moduleOf = (name: string) => JSON.stringify(new URL(`../../../runtime/${name}`, import.meta.url).href); // prettier-ignore
    const script = `
    import { nodeHost } from ${moduleOf("host/node.ts")};
    import { lockRun } from ${moduleOf("training/run-lock.ts")};
    lockRun(nodeHost, ${JSON.stringify(folder)});
    console.log("held");
    setInterval(() => {}, 1000);
  `;
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", script],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const isOver = new Promise((resolve) => child.on("close", resolve));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(() => lockRun(nodeHost, folder)).toThrow(
      `process ${child.pid} trains the run in ${folder}`,
    );
    child.kill("SIGKILL");
    await isOver;
    const lock = lockRun(nodeHost, folder);
    expect(holderOf(folder)).toEqual(own);
    lock.release();
  },
);

test("the number of a dead process, given again, holds nothing", () => {
  lockRun(nodeHost, lockedBy({ ...own, began: "earlier" })).release();
});

test("what is no lock holds nothing", () => {
  for (const text of ["", "{", "{}", '{"id":"x"}']) lockRun(nodeHost, lockedBy(text)).release();
});

test("a process of another machine cannot be asked: a person decides", () => {
  const folder = lockedBy({ ...own, machine: "elsewhere" });
  expect(() => lockRun(nodeHost, folder)).toThrow(
    expect.objectContaining({
      code: "busy",
      message: `process ${own.id} of the machine elsewhere trains the run in ${folder}`,
      hint: `wait for it, choose another folder with --out, or remove ${folder}/lock.json if it is gone`,
    }),
  );
  expect(holderOf(folder)).toMatchObject({ machine: "elsewhere" });
});

test(
  "two at once in one folder: the second is refused, the first goes on",
  { timeout: 60_000 },
  async () => {
    const folder = temporaryFolder();
    const second = await requestFor(
      smallRecipe,
      folder,
      { want: "wasm", threads: 1 },
      { steps: 4 },
    );
    const refused: Promise<unknown>[] = [];
    const first = await requestFor(
      smallRecipe,
      folder,
      { want: "wasm", threads: 1 },
      {
        steps: 4,
        onEvent: ({ event, step }) => {
          if (event === "step" && step === 2)
            refused.push(train(second.request).catch((error: unknown) => error));
        },
      },
    );
    expect((await train(first.request)).step).toBe(4);
    expect(await refused[0]).toMatchObject({ code: "busy" });
    expect((await train(second.request)).step).toBe(4); // now it may, and finds all done
    for (const { request } of [first, second]) await request.device.close();
  },
);
