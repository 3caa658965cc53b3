// The host that is Node: files, images, processes, threads, a clock.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { nodeFiles } from "./node-files.ts";
import { nodeProcesses } from "./node-processes.ts";
import { nodeImages } from "./node-images.ts";
import { startHostWorker } from "./worker-threads.ts";

export { startWorker } from "./worker-threads.ts";
export { nodeFiles, writeFileAtomically } from "./node-files.ts";

export const nodeHost: Host = {
  files: nodeFiles,
  images: nodeImages,
  processes: nodeProcesses,
  now: () => performance.now(),
  startWorker: startHostWorker,
  packageFile,
};

/** By walking the folders in which Node itself would look; a package's `exports` may hide the file that we want. */
function packageFile(path: string): string | null {
  for (const folder of createRequire(import.meta.url).resolve.paths(path) ?? []) {
    const file = join(folder, path);
    if (existsSync(file)) return file;
  }
  return null;
}
