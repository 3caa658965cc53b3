import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { startWorker } from "../../../runtime/host/node.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** A thread in TypeScript that imports our TypeScript, answers with a sum, and ends. */
const script = (errors: string): string => `
  import { parentPort, workerData } from "node:worker_threads";
  import { WorldError } from ${JSON.stringify(errors)};
  const numbers: number[] = workerData;
  const error: WorldError = new WorldError("busy", "sum " + numbers.reduce((a, b) => a + b), "");
  parentPort!.postMessage(error.message);
`;

function threadFile(): string {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  writeFileSync(
    `${folder}/thread.ts`,
    script(new URL("../../../runtime/errors.ts", import.meta.url).href),
  );
  return `${folder}/thread.ts`;
}

describe("a thread in TypeScript", () => {
  test("starts under vitest", async () => {
    const worker = startWorker(pathToFileURL(threadFile()), [1, 2, 3]);
    expect(await once(worker, "message")).toEqual(["sum 6"]);
    await worker.terminate();
  });

  test("starts under tsx", () => {
    const file = threadFile();
    const main = file.replace("thread.ts", "main.ts");
    writeFileSync(
      main,
      `import { startWorker } from ${JSON.stringify(new URL("../../../runtime/host/node.ts", import.meta.url).href)};
       const worker = startWorker(new URL("./thread.ts", import.meta.url), [4, 5]);
       worker.on("message", (message: string) => console.log(message));`,
    );
    const root = new URL("../../../", import.meta.url);
    const tsx = new URL("node_modules/tsx/dist/cli.mjs", root).pathname;
    expect(execFileSync(process.execPath, [tsx, main], { encoding: "utf8" })).toBe("sum 9\n");
  });
});
