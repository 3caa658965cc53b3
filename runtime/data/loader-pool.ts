// Loader threads that any number of loaders share. A job is one batch; it goes to the thread with the fewest waiting.
// Which thread does a job never shows in its result.
import { errorFromData } from "../errors.ts";
import type { Host, HostWorker } from "../host/host.ts";
import { fillBatch } from "./fill-batch.ts";
import type { BatchArray, BatchPlan, Notes } from "./fill-batch.ts";
import type { FillAnswer, FillMessage, PlanMessage } from "./loader-worker.ts";
import type { BatchOrder } from "./order.ts";

export interface LoaderPool {
  /** Threads; 0 works in the program itself, when asked. */
  readonly workers: number;
  /** Makes a plan known to every thread; gives the function that fills a batch by it. */
  readonly prepare: (
    plan: BatchPlan,
  ) => (order: BatchOrder, arrays: readonly BatchArray[]) => Promise<Notes>;
  readonly close: () => Promise<void>;
}

interface Waiting {
  readonly resolve: (notes: Notes) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: HostWorker;
  readonly waiting: Map<number, Waiting>;
  failure: Error | null;
}

export function openLoaderPool(workers: number, host: Host): LoaderPool {
  if (workers === 0) {
    return {
      workers,
      prepare: (plan) => (order, arrays) => fillBatch(plan, order, arrays, host),
      close: async () => {},
    };
  }
  const threads = Array.from({ length: workers }, () => startThread(host));
  let plans = 0;
  let jobs = 0;
  return {
    workers,
    prepare: (plan) => {
      const number = plans++;
      for (const { worker } of threads) worker.post(planMessage(number, plan));
      return (order, arrays) =>
        post(leastBusy(threads), { kind: "fill", plan: number, job: jobs++, order, arrays });
    },
    close: async () => {
      await Promise.all(threads.map(({ worker }) => worker.stop()));
      for (const thread of threads) failAll(thread, new Error("the loader was closed"));
    },
  };
}

function startThread(host: Host): Thread {
  const worker = host.startWorker(new URL("./loader-worker.ts", import.meta.url), null);
  const thread: Thread = { worker, waiting: new Map(), failure: null };
  worker.onMessage((message) => receive(thread, message as FillAnswer));
  worker.onFailure((error) => failAll(thread, error));
  return thread;
}

function post(thread: Thread, message: FillMessage): Promise<Notes> {
  if (thread.failure) return Promise.reject(thread.failure);
  return new Promise((resolve, reject) => {
    thread.waiting.set(message.job, { resolve, reject });
    thread.worker.setBusy(true);
    thread.worker.post(message);
  });
}

function receive(thread: Thread, answer: FillAnswer): void {
  const waiting = thread.waiting.get(answer.job);
  thread.waiting.delete(answer.job);
  if (thread.waiting.size === 0) thread.worker.setBusy(false);
  if ("error" in answer) waiting?.reject(errorFromData(answer.error));
  else waiting?.resolve(answer.notes);
}

function failAll(thread: Thread, error: Error): void {
  thread.failure ??= error;
  for (const { reject } of thread.waiting.values()) reject(error);
  thread.waiting.clear();
}

function leastBusy(threads: readonly Thread[]): Thread {
  return threads.reduce((best, thread) =>
    thread.waiting.size < best.waiting.size ? thread : best,
  );
}

function planMessage(plan: number, { entry, source, views, shapes, seed }: BatchPlan): PlanMessage {
  return { kind: "plan", plan, dataset: entry.name, source, views, shapes, seed };
}
