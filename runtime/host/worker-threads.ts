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
  const file = inUse(url);
  // the flags of whoever started us (tsx, vitest) would be handed on otherwise, and mean nothing in a thread
  return new Worker(needsTsx(file) ? throughTsx(file) : file, {
    execArgv: [],
    ...options,
    workerData,
  });
}

function inUse(url: URL): URL {
  return runsCompiled ? new URL(url.href.replace(/\.ts$/, ".js")) : url;
}

function needsTsx(file: URL): boolean {
  const readsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript);
  return file.href.endsWith(".ts") && !readsTypeScript;
}

/**
 * A module that registers tsx and then loads ours: on Node 20, `--import tsx` has no effect on a thread.
 * By its full path, since a thread resolves a bare `tsx` from the folder in which the program was started.
 */
function throughTsx(file: URL): URL {
  const script = `import { register } from ${JSON.stringify(tsxUrl())}; register(); await import(${JSON.stringify(file.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}

function tsxUrl(): string {
  try {
    const required = createRequire(import.meta.url).resolve("tsx/esm/api");
    return new URL("index.mjs", pathToFileURL(required)).href; // beside the form for `require`
  } catch (cause) {
    throw new WorldError(
      "missing-package",
      "worker threads in TypeScript need tsx on this version of Node",
      "install tsx, or use Node 22.18 or newer",
      cause,
    );
  }
}

/** A module for a thread exports `serve`: see HostWorker. */
export function startHostWorker(url: URL, data: unknown): HostWorker {
  const worker = startWorker(new URL("./node-worker.ts", import.meta.url), {
    module: inUse(url).href,
    data,
  });
  let stopped = false;
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (receive) => void worker.on("message", receive),
    onFailure: (fail) => {
      worker.on("error", fail);
      worker.on("exit", (code) => {
        if (stopped) return;
        fail(
          new WorldError(
            "worker-stopped",
            `a worker thread ended with code ${code}`,
            "run again; if it happens again, there may be too little memory",
          ),
        );
      });
    },
    setBusy: (busy) => {
      if (stopped) return;
      if (busy) worker.ref();
      else worker.unref();
    },
    stop: async () => {
      stopped = true;
      worker.ref(); // else the program may end before the thread has
      await worker.terminate();
    },
  };
}
