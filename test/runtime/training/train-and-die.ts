// A program that trains what it is handed and is killed, as by kill -9, at a moment of its arguments:
// `tsx train-and-die.ts COMPILED FOLDER DEVICE MOMENT`. A moment is `step 5`; `line 4`, in the middle of that line of the
// log; `write NAME` or `rename NAME`, in the middle of writing, or just before renaming to, a path that ends in NAME.
// Without one it trains to the end.
import { readFileSync } from "node:fs";
import { deserialize } from "node:v8";
import type { CompiledRecipe } from "../../../compiler/compiled.ts";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import type { Files } from "../../../runtime/host/host.ts";
import { nodeFiles, nodeHost } from "../../../runtime/host/node.ts";
import { train } from "../../../runtime/training/train.ts";

const [compiledPath, folder, want, moment = "never"] = process.argv.slice(2);
const space = moment.indexOf(" ");
const [what, name] = [moment.slice(0, space), moment.slice(space + 1)];

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

const files: Files = {
  ...nodeFiles,
  create: (path) => {
    const writer = nodeFiles.create(path);
    return {
      ...writer,
      write: what === "write" && path.endsWith(name) ? dieHalfway(writer.write) : writer.write,
    };
  },
  append: (path) => {
    const writer = nodeFiles.append(path);
    let lines = 0;
    const write = (bytes: Uint8Array): void => {
      if (what === "line" && ++lines === Number(name)) dieHalfway(writer.write)(bytes);
      writer.write(bytes);
    };
    return { ...writer, write };
  },
  rename: (from, to) => {
    if (what === "rename" && to.endsWith(name)) die();
    nodeFiles.rename(from, to);
  },
};

function dieHalfway(write: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  return (bytes) => {
    write(bytes.subarray(0, Math.floor(bytes.length / 2)));
    die();
  };
}

const compiled = deserialize(readFileSync(compiledPath!)) as CompiledRecipe;
const device = await openChosenDevice({
  want: want!,
  threads: 2,
  ...(want === "webgpu" ? { adapter: "software" as const } : {}),
});
await train({
  compiled,
  device,
  folder: folder!,
  spec: "recipe small {}",
  source: { file: "recipe.vit", files: {} },
  versions: {},
  host: { ...nodeHost, files },
  workers: 1,
  checkpointEvery: { steps: 4 },
  onEvent: (event) => {
    if (event.event === "step" && what === "step" && event.step === Number(name)) die();
  },
});
await device.close();
process.exit(0);
