// `vit train FILE:RECIPE@VARIANT`: compiles, trains, shows how it goes. Ctrl-C saves and ends; the same command goes on.
import { catalog } from "../runtime/data/catalog.ts";
import { openChosenDevice } from "../runtime/device/chosen-device.ts";
import type { ChosenDevice } from "../runtime/device/chosen-device.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { packageVersion, specFiles } from "../runtime/host/node-specs.ts";
import { compileFigures } from "../runtime/spec/compile-figures.ts";
import { compileRecipeSpec } from "../runtime/spec/compile-spec.ts";
import type { CompiledRecipeSpec } from "../runtime/spec/compile-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { runFolder, trainingSource } from "../runtime/spec/train-spec.ts";
import { train as runTraining } from "../runtime/training/train.ts";
import type { TrainingEvent } from "../runtime/training/events.ts";
import { exit } from "./exit-codes.ts";
import { bytes, count, duration, plural, short } from "./figures.ts";
import { table } from "./table.ts";
import { colors, remark, say, sayJson } from "./terminal.ts";
import { TrainingScreen } from "./training-screen.ts";

export interface TrainOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly threads?: number;
  readonly workers?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly metricsEvery?: number;
  readonly out?: string;
  readonly resume?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export async function train(text: string, options: TrainOptions): Promise<number> {
  const { threads, set = {} } = options;
  const target = parseTarget(text);
  const device = await openChosenDevice({
    ...(options.device === undefined ? {} : { want: options.device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const spec = compileRecipeSpec(
      target,
      { files: specFiles(), catalog: catalog(nodeHost), settings: set },
      {
        target: device.name,
        limits: device.limits,
        threads: device.threads,
        prediction: false,
        clock: nodeHost.now,
      },
    );
    if (options.dryRun) sayPlan(spec, device, options);
    else await trainOn(device, spec, options);
    return exit.fine;
  } finally {
    await device.close();
  }
}

async function trainOn(
  device: ChosenDevice,
  spec: CompiledRecipeSpec,
  options: TrainOptions,
): Promise<void> {
  const { steps, seed, workers, metricsEvery } = options;
  const stop = stopOnSignals();
  const screen = options.json ? undefined : new TrainingScreen();
  const show = (event: TrainingEvent) => {
    if (screen) screen.show(event);
    else say(JSON.stringify(event));
  };
  try {
    await runTraining({
      compiled: spec.compiled,
      device,
      folder: options.out ?? runFolder(spec.target),
      ...trainingSource(spec, options.set ?? {}),
      versions: { vitrail: packageVersion(), node: process.version },
      host: nodeHost,
      onEvent: show,
      signal: stop.signal,
      resume: options.resume ? "must" : "if-there",
      ...(steps === undefined ? {} : { steps }),
      ...(seed === undefined ? {} : { seed }),
      ...(workers === undefined ? {} : { workers }),
      ...(metricsEvery === undefined ? {} : { metricsEvery }),
    });
  } finally {
    screen?.close();
    stop.forget();
  }
}

/** The first signal asks for an end; a second one ends at once (the last checkpoint is whole). */
function stopOnSignals(): { readonly signal: AbortSignal; readonly forget: () => void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    remark("\nsaving; once more ends at once");
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, stop);
  const forget = () => signals.forEach((signal) => process.off(signal, stop));
  return { signal: controller.signal, forget };
}

/** What a run would be, without starting it. */
function sayPlan(spec: CompiledRecipeSpec, device: ChosenDevice, options: TrainOptions): void {
  const { plan, layout } = spec.compiled;
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
  const parts = layout.parts.filter(({ role }) => role === "parameter");
  const parameters = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const figures = compileFigures(spec, device.threads);
  const steps = Math.min(options.steps ?? plan.steps, plan.steps);
  const folder = options.out ?? runFolder(spec.target);
  const total = figures === undefined ? undefined : figures.flops * steps;
  if (options.json) {
    const facts = { recipe: plan.name, device: device.name, parameters, steps, batch: plan.batch };
    sayJson({
      ...facts,
      folder,
      ...(figures === undefined ? {} : { ...figures, totalFlops: total }),
    });
    return;
  }
  const paint = colors();
  const epochs = steps / plan.stepsPerEpoch;
  const rows = [
    ["recipe", `${plan.name}, ${count(parameters)} parameters`],
    ["device", `${device.description} (${device.reason})`],
    [
      "length",
      `${plural(steps, "step")} of ${plan.batch}, ${plural(Math.round(epochs * 10) / 10, "epoch")}`,
    ],
    ...(figures === undefined
      ? []
      : [
          [
            "memory",
            `${bytes(figures.memory.total)}: ${bytes(figures.memory.parameters)} parameters, ${bytes(figures.memory.optimizer)} optimizer, ${bytes(figures.memory.activations)} activations`,
          ],
          [
            "work",
            `${short(figures.flops)} floating point operations a step, ${short(total!)} in all, in ${figures.dispatches.total} dispatches a step`,
          ],
          ["compiled", `in ${duration(figures.compileMs / 1000)}`],
        ]),
    ["folder", folder],
  ];
  say(table(rows.map(([name, text]) => [paint.dim(name!), text!])).join("\n"));
}
