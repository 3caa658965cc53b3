// Settings that are drawn at each step -> what this step has, and the number of the entry that was compiled for it.
// The value depends on the seed, the setting's name and the number of the step alone: every device draws the same, and
// a run that goes on from a checkpoint draws what it would have drawn.
import type { DrawnSetting, DrawnValue } from "../../compiler/graph/lowered.ts";
import { randomBits, streamHash } from "../../compiler/ops/threefry.ts";

export interface DrawnChoice {
  /** Counts the combinations, the last setting fastest. */
  readonly index: number;
  readonly values: Readonly<Record<string, DrawnValue>>;
}

/** Each value of a setting is as likely as the others. `step` counts from 0. */
export function drawChoice(
  choices: readonly DrawnSetting[],
  seed: number,
  step: number,
): DrawnChoice {
  let index = 0;
  const values: Record<string, DrawnValue> = {};
  for (const setting of choices) {
    // a space keeps these streams apart from those of tensors, which are paths
    const bits = randomBits(streamHash(`setting ${setting.name}`), seed, step, 0);
    const place = Math.floor((bits / 2 ** 32) * setting.values.length);
    index = index * setting.values.length + place;
    values[setting.name] = setting.values[place]!;
  }
  return { index, values };
}
