// The part of every module that runs a step table: a whole entry goes by without a return to JavaScript.
// Threads meet at barriers; they spin for some microseconds, then sleep, so that a machine with other work to do
// (or a single core) is not blocked by spinning.
import { FunctionBuilder } from "./function-builder.ts";
import type { FunctionBody, FunctionReference, Local, Operand } from "./function-builder.ts";
import { kernelSignature } from "./kernel-function.ts";
import { control, stepFlags, stepHeaderWords } from "./memory-layout.ts";

const barrier: FunctionReference = { name: "barrier", result: "i32" };
const runSteps: FunctionReference = { name: "run", result: "i32" };

/** About as long as going to sleep and being woken takes. */
const spinsAtBarrier = 16000;
/** Between two runs the host prepares the next one's inputs. */
const spinsWhenIdle = 20000;
const sleepNanoseconds = 100_000_000;

/** Results of `run` and `start`. */
export const runResults = { done: 0, aborted: 1, stalled: 2 } as const;

export function runnerFunctions(): { name: string; body: FunctionBody; exported: boolean }[] {
  return [
    { name: "copy", body: copy(), exported: false },
    { name: "barrier", body: buildBarrier(), exported: false },
    { name: "run", body: buildRun(), exported: true },
    { name: "serve", body: buildServe(), exported: true },
    { name: "start", body: buildStart(), exported: true },
  ];
}

/** Table entry 0: places are from, to and a number of bytes. */
function copy(): FunctionBody {
  const f = new FunctionBuilder(kernelSignature, false);
  const places = f.parameters[3]!;
  const [from, to, bytes] = [0, 4, 8].map((offset) => f.load("i32.load", places, offset)) as [
    Local,
    Local,
    Local,
  ];
  f.copyMemory(to, from, bytes);
  return f.finish();
}

/** Spins while `word` is still `old`; ends the block `done` once it is not. */
function spin(
  f: FunctionBuilder,
  word: number,
  old: Operand,
  times: number,
  leave: () => void,
): void {
  f.forRange(0, times, 1, () => {
    f.if(f.emit("i32.ne", f.load("i32.atomic.load", word), old), leave);
  });
}

/** (thread, threads) -> result: returns once all threads have come. */
function buildBarrier(): FunctionBody {
  const f = new FunctionBuilder({ parameters: ["i32", "i32"], results: ["i32"] }, false);
  const [thread, threads] = f.parameters as [Local, Local];
  const word = (address: number): Local => f.load("i32.atomic.load", address);
  f.if(f.emit("i32.eq", threads, 1), () => f.giveBack(runResults.done));
  const generation = word(control.generation);
  const before = f.atomic("i32.atomic.rmw.add", control.arrived, 1);
  f.if(f.emit("i32.eq", f.emit("i32.add", before, 1), threads), () => {
    f.store("i32.atomic.store", control.arrived, 0);
    f.store("i32.atomic.store", control.generation, f.emit("i32.add", generation, 1));
    f.if(word(control.barrierSleepers), () => {
      f.perform("drop", f.atomic("memory.atomic.notify", control.generation, -1));
    });
    f.giveBack(runResults.done);
  });
  spin(f, control.generation, generation, spinsAtBarrier, () => f.giveBack(runResults.done));
  const isFirst = f.emit("i32.eqz", thread);
  const patience = f.variable(f.load("i32.load", control.patience));
  const onlySpins = f.emit("i32.and", isFirst, f.emit("i32.lt_s", patience, 0));
  f.loop((again) => {
    f.if(
      onlySpins,
      () => undefined,
      () => {
        f.perform("drop", f.atomic("i32.atomic.rmw.add", control.barrierSleepers, 1));
        f.perform("drop", f.wait(control.generation, generation, sleepNanoseconds));
        f.perform("drop", f.atomic("i32.atomic.rmw.sub", control.barrierSleepers, 1));
      },
    );
    f.if(word(control.aborted), () => f.giveBack(runResults.aborted));
    f.if(f.emit("i32.ne", word(control.generation), generation), () => f.giveBack(runResults.done));
    f.if(f.emit("i32.eqz", onlySpins), () => f.assign(patience, f.emit("i32.sub", patience, 1)));
    f.branchIf(
      again,
      f.emit(
        "i32.or",
        f.emit("i32.gt_s", patience, 0),
        f.emit("i32.or", onlySpins, f.emit("i32.ne", thread, 0)),
      ),
    );
  });
  f.store("i32.atomic.store", control.aborted, 1);
  f.push(runResults.stalled);
  return f.finish();
}

/** (thread, threads, scratch, table, steps) -> result. */
function buildRun(): FunctionBody {
  const f = new FunctionBuilder(
    { parameters: ["i32", "i32", "i32", "i32", "i32"], results: ["i32"] },
    false,
  );
  const [thread, threads, scratch, table, steps] = f.parameters as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const at = f.variable(table);
  const isFirst = f.emit("i32.eqz", thread);
  f.forRange(0, steps, 1, () => {
    const code = f.load("i32.load", at);
    const flags = f.load("i32.load", at, 4);
    const places = f.emit("i32.add", at, stepHeaderWords * 4);
    f.if(
      f.emit("i32.and", flags, stepFlags.parallel),
      () => f.callIndirect(code, thread, threads, scratch, places),
      () => f.if(isFirst, () => f.callIndirect(code, 0, 1, scratch, places)),
    );
    f.if(f.emit("i32.and", flags, stepFlags.barrierAfter), () => {
      const result = f.call(barrier, thread, threads);
      f.if(result, () => f.giveBack(result));
    });
    const words = f.load("i32.load", at, 8);
    f.assign(at, f.emit("i32.add", places, f.multiply(words, 4)));
  });
  f.push(runResults.done);
  return f.finish();
}

/** (thread, threads, scratch, epoch already seen): runs what `start` announces until it is told to leave. */
function buildServe(): FunctionBody {
  const f = new FunctionBuilder(
    { parameters: ["i32", "i32", "i32", "i32"], results: ["i32"] },
    false,
  );
  const [thread, threads, scratch, seen] = f.parameters as [Local, Local, Local, Local];
  f.loop((again) => {
    f.block((found) => {
      spin(f, control.epoch, seen, spinsWhenIdle, () => f.branch(found));
      f.loop((sleep) => {
        f.perform("drop", f.atomic("i32.atomic.rmw.add", control.idleSleepers, 1));
        f.perform("drop", f.wait(control.epoch, seen, -1));
        f.perform("drop", f.atomic("i32.atomic.rmw.sub", control.idleSleepers, 1));
        f.branchIf(sleep, f.emit("i32.eq", f.load("i32.atomic.load", control.epoch), seen));
      });
    });
    f.assign(seen, f.emit("i32.add", seen, 1));
    f.if(f.load("i32.atomic.load", control.detached), () => {
      f.perform("drop", f.atomic("i32.atomic.rmw.add", control.left, 1));
      f.giveBack(runResults.done);
    });
    const table = f.load("i32.load", control.table);
    const result = f.call(
      runSteps,
      thread,
      threads,
      scratch,
      table,
      f.load("i32.load", control.steps),
    );
    f.if(result, () => f.giveBack(result));
    f.branch(again);
  });
  f.perform("unreachable");
  return f.finish();
}

/** (threads, scratch, table, steps) -> result: wakes the other threads and takes part as the first. */
function buildStart(): FunctionBody {
  const f = new FunctionBuilder(
    { parameters: ["i32", "i32", "i32", "i32"], results: ["i32"] },
    false,
  );
  const [threads, scratch, table, steps] = f.parameters as [Local, Local, Local, Local];
  f.if(f.emit("i32.gt_s", threads, 1), () => {
    f.store("i32.store", control.table, table);
    f.store("i32.store", control.steps, steps);
    f.perform("drop", f.atomic("i32.atomic.rmw.add", control.epoch, 1));
    f.if(f.load("i32.atomic.load", control.idleSleepers), () =>
      f.perform("drop", f.atomic("memory.atomic.notify", control.epoch, -1)),
    );
  });
  f.push(f.call(runSteps, 0, threads, scratch, table, steps));
  return f.finish();
}
