// A module of ours -> a running worker thread, the same under tsx, under vitest and from compiled JavaScript.
// Source says `new URL("./loader-worker.ts", import.meta.url)`; where we run from .js, the .js beside it is meant,
// and where Node cannot read TypeScript (before 22.18), the thread registers tsx first.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { WorkerOptions } from "node:worker_threads";
import { WorldError } from "../errors.ts";
import type { HostWorker } from "./host.ts";

const runsCompiled = import.meta.url.endsWith(".js");

/** Starts `url` on a thread of its own; it finds `workerData` in `node:worker_threads`. */
export function startWorker(url: URL, workerData: unknown, options: WorkerOptions = {}): Worker {
  const file = runsCompiled ? new URL(url.href.replace(/\.ts$/, ".js")) : url;
  return new Worker(file, {
    ...options,
    workerData,
    execArgv: [...flagsFor(file), ...(options.execArgv ?? [])],
  });
}

function flagsFor(file: URL): string[] {
  const readsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript);
  if (!file.href.endsWith(".ts") || readsTypeScript) return [];
  return ["--import", tsxUrl()];
}

/** By its full path: a thread resolves a bare `tsx` from the folder in which the program was started. */
function tsxUrl(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  } catch (cause) {
    throw new WorldError(
      "missing-package",
      "worker threads in TypeScript need tsx on this version of Node",
      "install tsx, or use Node 22.18 or newer",
      cause,
    );
  }
}

/** `startWorker` as the rest of the runtime sees it. */
export function startHostWorker(url: URL, data: unknown): HostWorker {
  const worker = startWorker(url, data);
  let stopped = false;
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (receive) => void worker.on("message", receive),
    onFailure: (fail) => {
      worker.on("error", fail);
      worker.on("exit", (code) => {
        if (!stopped)
          fail(
            new WorldError(
              "worker-stopped",
              `a worker thread ended with code ${code}`,
              "run again; if it happens again, there may be too little memory",
            ),
          );
      });
    },
    setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
    stop: async () => {
      stopped = true;
      await worker.terminate();
    },
  };
}
