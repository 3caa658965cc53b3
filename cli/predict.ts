// `vit predict RUN IMAGE...`: what the trained model sees in images, the likeliest classes as bars.
import { openChosenDevice } from "../runtime/device/chosen-device.ts";
import { predictImages } from "../runtime/evaluation/predict-image.ts";
import type { Prediction } from "../runtime/evaluation/predict-image.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { compileRun } from "../runtime/spec/train-spec.ts";
import { exit } from "./exit-codes.ts";
import { percent } from "./figures.ts";
import { openRun } from "./open-run.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface PredictOptions {
  readonly device?: string;
  readonly top?: number;
  readonly json?: boolean;
}

export async function predict(
  text: string,
  images: readonly string[],
  options: PredictOptions,
): Promise<number> {
  const run = openRun(text);
  const device = await openChosenDevice(
    options.device === undefined ? {} : { want: options.device },
  );
  try {
    const { compiled } = compileRun(run, device, nodeHost);
    const predictions = await predictImages(run, images, { compiled, device, host: nodeHost });
    if (options.json) sayJson(predictions);
    else say(predictions.map((prediction) => bars(prediction, options.top ?? 5)).join("\n\n"));
    return exit.fine;
  } finally {
    await device.close();
  }
}

const barWidth = 30;

function bars({ path, classes }: Prediction, top: number): string {
  const paint = colors();
  const rows = classes.slice(0, top).map(({ name, probability }, place) => {
    const full = "█".repeat(Math.floor(probability * barWidth));
    const eighths = Math.floor((probability * barWidth - full.length) * 8);
    const end = eighths === 0 ? "" : "▏▎▍▌▋▊▉"[eighths - 1]!;
    const tone = place === 0 ? paint.green : paint.dim;
    return [`  ${place === 0 ? paint.bold(name) : name}`, percent(probability), tone(full + end)];
  });
  return [paint.bold(path), ...table(rows, { align: ["left", "right"] })].join("\n");
}
