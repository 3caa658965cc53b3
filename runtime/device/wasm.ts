// The device for machines without a GPU: generated WebAssembly, with SIMD, on one shared memory and several threads.
// The calling thread is the first compute thread; a run returns when it is done.
import { relaxedProbe } from "../../compiler/wasm/relaxed-probe.ts";
import { WorldError } from "../errors.ts";
import type { Device } from "./device.ts";
import { compileOptimised, hasRelaxedSimd } from "./wasm-engine.ts";
import { loadWasmProgram } from "./wasm-program.ts";
import type { WasmProgram } from "./wasm-program.ts";
import { canShareMemory, coreCount, endedError, startComputeThread } from "./wasm-threads.ts";
import type { ComputeThread } from "./wasm-threads.ts";

export interface WasmDeviceOptions {
  /** Compute threads, this one included; else VITRAIL_THREADS, else as many as there are cores (at most 16). */
  readonly threads?: number;
  /** false: do without fused multiply-add although the engine has it. */
  readonly relaxed?: boolean;
  /** Seconds that a run waits for a thread that does not answer. */
  readonly patienceSeconds?: number;
}

export interface WasmDevice extends Device {
  readonly threads: number;
  readonly relaxed: boolean;
  load(program: Parameters<Device["load"]>[0]): Promise<WasmProgram>;
  /** Ends the threads; programs loaded on it can no longer run. */
  close(): Promise<void>;
}

const mostThreads = 16;

/** @throws WorldError `bad-setting` for a number of threads that makes no sense. */
export async function createWasmDevice(options: WasmDeviceOptions = {}): Promise<WasmDevice> {
  const threads = await chooseThreads(options.threads);
  await compileOptimised();
  const relaxed = options.relaxed !== false && (await hasRelaxedSimd(relaxedProbe()));
  const pool = new ThreadPool(threads);
  return {
    name: "wasm",
    threads,
    relaxed,
    description: `wasm, ${threads} ${threads === 1 ? "thread" : "threads"}, ${relaxed ? "fused multiply-add" : "plain SIMD"}`,
    load: (program) =>
      loadWasmProgram(program, { pool, relaxed, patienceSeconds: options.patienceSeconds ?? 120 }),
    close: () => pool.stop(),
  };
}

async function chooseThreads(asked: number | undefined): Promise<number> {
  const setting = typeof process === "undefined" ? undefined : process.env["VITRAIL_THREADS"];
  const wanted = asked ?? (setting === undefined || setting === "" ? undefined : Number(setting));
  if (wanted === undefined) return canShareMemory() ? Math.min(await coreCount(), mostThreads) : 1;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > 256)
    throw new WorldError(
      "bad-setting",
      `the number of compute threads must be a whole number from 1 to 256, not ${setting ?? wanted}`,
      "set VITRAIL_THREADS to the number of cores to use",
    );
  return wanted;
}

/** The other threads of a device: started when first needed, each inside at most one program. */
export class ThreadPool {
  readonly threads: number;
  private workers: ComputeThread[] | undefined;
  private inside: WasmProgram | undefined;
  private trouble: Error | undefined;

  constructor(threads: number) {
    this.threads = threads;
  }

  async start(): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble;
    if (this.workers !== undefined) return;
    const fail = (error: Error): void => {
      this.trouble ??= error;
      this.inside?.abort();
    };
    const count = this.threads - 1;
    this.workers = await Promise.all(Array.from({ length: count }, () => startComputeThread(fail)));
  }

  /** Puts the threads inside a program. @throws WorldError where one has ended. */
  enter(program: WasmProgram): void {
    if (this.trouble !== undefined) throw this.trouble;
    if (this.inside === program || this.threads === 1) return;
    if (this.workers === undefined) throw endedError();
    this.inside?.detach();
    this.inside = program;
    this.workers.forEach((worker, place) => worker.attach(program.attachment(place + 1)));
  }

  leave(program: WasmProgram): void {
    if (this.inside !== program) return;
    program.detach();
    this.inside = undefined;
  }

  fail(error: Error): void {
    this.trouble ??= error;
  }

  async stop(): Promise<void> {
    const workers = this.workers ?? [];
    this.workers = undefined;
    this.inside = undefined;
    this.trouble ??= new WorldError("device-lost", "the wasm device was closed", "make a new one");
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}
