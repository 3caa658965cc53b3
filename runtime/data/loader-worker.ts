// A loader thread: told once about a data set and its views, then batch by batch which examples to write into
// shared memory. It answers with notes or with an error, as data.
import type { ResolvedView } from "../../compiler/model/catalog.ts";
import { worldErrorData } from "../errors.ts";
import type { WorldErrorData } from "../errors.ts";
import type { Host, WorkerPort } from "../host/host.ts";
import { fillBatch } from "./fill-batch.ts";
import type { BatchArray, BatchPlan, Notes } from "./fill-batch.ts";
import { findDataset } from "./open-dataset.ts";
import type { BatchOrder } from "./order.ts";
import type { ViewShape } from "./view.ts";

/** A BatchPlan without functions. */
export interface PlanMessage {
  readonly kind: "plan";
  readonly plan: number;
  readonly dataset: string;
  readonly source: unknown;
  readonly views: readonly ResolvedView[];
  readonly shapes: readonly ViewShape[];
  readonly seed: number;
}

export interface FillMessage {
  readonly kind: "fill";
  readonly plan: number;
  readonly job: number;
  readonly order: BatchOrder;
  readonly arrays: readonly BatchArray[];
}

export type FillAnswer =
  | { readonly job: number; readonly notes: Notes }
  | { readonly job: number; readonly error: WorldErrorData | { readonly stack: string } };

export function serve(port: WorkerPort, host: Host): void {
  const plans = new Map<number, BatchPlan>();
  let last: Promise<void> = Promise.resolve();
  port.onMessage((message) => {
    const task = message as PlanMessage | FillMessage;
    if (task.kind === "plan") {
      plans.set(task.plan, { ...task, entry: findDataset(task.dataset) });
      return;
    }
    last = last.then(async () => port.post(await answer(plans.get(task.plan)!, task, host)));
  });
}

async function answer(plan: BatchPlan, task: FillMessage, host: Host): Promise<FillAnswer> {
  try {
    return { job: task.job, notes: await fillBatch(plan, task.order, task.arrays, host) };
  } catch (error) {
    return { job: task.job, error: worldErrorData(error) };
  }
}
