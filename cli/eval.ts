// `vit eval RUN`: the evaluations of a run's recipe, at its newest checkpoint.
import { openChosenDevice } from "../runtime/device/chosen-device.ts";
import { evaluateRun } from "../runtime/evaluation/evaluate-run.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { compileRun } from "../runtime/spec/train-spec.ts";
import { exit } from "./exit-codes.ts";
import { count } from "./figures.ts";
import { openRun } from "./open-run.ts";
import { colors, say, sayJson } from "./terminal.ts";
import { figuresText } from "./training-screen.ts";

export interface EvalOptions {
  readonly device?: string;
  readonly workers?: number;
  readonly only?: readonly string[];
  readonly json?: boolean;
}

export async function evaluate(text: string, options: EvalOptions): Promise<number> {
  const run = openRun(text);
  const device = await openChosenDevice(
    options.device === undefined ? {} : { want: options.device },
  );
  try {
    const { compiled } = compileRun(run, device, nodeHost);
    const { only, workers } = options;
    const result = await evaluateRun(run, {
      compiled,
      device,
      host: nodeHost,
      ...(only === undefined ? {} : { only }),
      ...(workers === undefined ? {} : { workers }),
    });
    if (options.json) sayJson({ device: device.name, ...result });
    else {
      const paint = colors();
      for (const [name, metrics] of Object.entries(result.evaluations))
        say(paint.bold(figuresText(name, metrics)));
      say(paint.dim(`${run.folder} at step ${count(result.step)}, on ${device.description}`));
    }
    return exit.fine;
  } finally {
    await device.close();
  }
}
