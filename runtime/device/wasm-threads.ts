// Compute threads of the wasm device: workers that sleep in shared memory until the first thread starts a run.
// Their code is a few lines of plain JavaScript given as text, so it starts the same from TypeScript, from compiled
// code, under a test runner and in a browser. A thread serves one program at a time: it is attached to a memory,
// stays inside WebAssembly until it is detached, and only then hears messages again.
import { control } from "../../compiler/wasm/memory-layout.ts";
import { WorldError } from "../errors.ts";

/** What a thread needs to serve a program. */
export interface Attachment {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly threads: number;
  readonly scratch: number;
  readonly epoch: number;
}

export interface ComputeThread {
  readonly attach: (attachment: Attachment) => void;
  readonly stop: () => Promise<void>;
}

const source = `
const serve = ({ module, memory, thread, threads, scratch, epoch }) => {
  try {
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    instance.exports.serve(thread, threads, scratch, epoch);
  } catch (error) {
    const words = new Int32Array(memory.buffer);
    Atomics.store(words, ${control.aborted / 4}, 1);
    Atomics.notify(words, ${control.generation / 4});
    throw error;
  }
};
if (typeof require === "function") require("node:worker_threads").parentPort.on("message", serve);
else onmessage = (event) => serve(event.data);
`;

/** What a browser's page offers; Node has none of it. */
interface Page {
  readonly navigator?: { readonly hardwareConcurrency: number };
  readonly crossOriginIsolated?: boolean;
  readonly document?: unknown;
  readonly Worker?: new (url: string) => {
    onerror: (event: unknown) => void;
    postMessage(message: unknown): void;
    terminate(): void;
  };
}
const page = globalThis as unknown as Page;

/** A page that is not cross-origin isolated has no shared memory to give to workers. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer !== "undefined" && page.crossOriginIsolated !== false;
}

/** A browser's main thread may not sleep. */
export function mayWait(): boolean {
  return page.document === undefined;
}

const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;

/** Cores that this process may use. */
export async function coreCount(): Promise<number> {
  if (!isNode) return page.navigator?.hardwareConcurrency ?? 1;
  const { availableParallelism } = await import("node:os");
  return availableParallelism();
}

/** Starts a thread; `failed` hears of its end, unless it was stopped. */
export async function startComputeThread(failed: (error: Error) => void): Promise<ComputeThread> {
  return isNode ? startNodeThread(failed) : startBrowserThread(failed);
}

async function startNodeThread(failed: (error: Error) => void): Promise<ComputeThread> {
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(source, { eval: true, execArgv: [], env: {} });
  let isStopped = false;
  worker.on("error", (error) => failed(endedError(error)));
  worker.on("exit", () => {
    if (!isStopped) failed(endedError());
  });
  worker.unref();
  return {
    attach: (attachment) => worker.postMessage(attachment),
    stop: async () => {
      isStopped = true;
      await worker.terminate();
    },
  };
}

async function startBrowserThread(failed: (error: Error) => void): Promise<ComputeThread> {
  if (page.Worker === undefined) throw endedError();
  const worker = new page.Worker(
    URL.createObjectURL(new Blob([source], { type: "text/javascript" })),
  );
  worker.onerror = (event) => failed(endedError(event));
  return {
    attach: (attachment) => worker.postMessage(attachment),
    stop: async () => worker.terminate(),
  };
}

export function endedError(cause?: unknown): WorldError {
  return new WorldError(
    "device-lost",
    "a compute thread of the wasm device ended",
    "run again from the last checkpoint; with less memory in use, or with VITRAIL_THREADS=1",
    cause,
  );
}
