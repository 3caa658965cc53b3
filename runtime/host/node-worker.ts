// What every thread of ours runs first in Node: it loads the module it was started for and calls its `serve`.
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerPort, WorkerService } from "./host.ts";
import { nodeHost } from "./node.ts";

const { module, data } = workerData as { module: string; data: unknown };
const { serve } = (await import(module)) as { serve: WorkerService };
const port: WorkerPort = {
  post: (message) => parentPort!.postMessage(message),
  onMessage: (receive) => void parentPort!.on("message", receive),
};
serve(port, nodeHost, data);
