// Fixed 2-D positions: sines and cosines of the row and of the column, a quarter of the width each.
//   settings {rows, cols, width, temperature = 10000, first = col | row, endpoint = false}
// `first` is the direction whose sine and cosine stand first: col in MAE and big_vision, row in MoCo v3 for tokens
// counted row by row. With `endpoint` the frequencies reach 1 / temperature (big_vision), else they stop one short.
import { OpError } from "../op.ts";
import type { Generator, Settings } from "./generator.ts";
import { count, word } from "./generator.ts";

function extents(settings: Settings) {
  const width = count(settings, "width");
  if (width % 4 !== 0) throw new OpError(`\`width\` must be a multiple of 4, not ${width}`);
  return { rows: count(settings, "rows"), cols: count(settings, "cols"), width };
}

/** 1 / temperature^(i / quarter), falling. */
function frequencies(settings: Settings, quarter: number): number[] {
  const temperature = typeof settings["temperature"] === "number" ? settings["temperature"] : 10000;
  const last = settings["endpoint"] === true ? Math.max(quarter - 1, 1) : quarter;
  return Array.from({ length: quarter }, (_, i) => temperature ** (-i / last));
}

export const sincos2d: Generator = {
  name: "sincos_2d",
  shape(settings) {
    const { rows, cols, width } = extents(settings);
    return [rows * cols, width];
  },
  fill(settings) {
    const { rows, cols, width } = extents(settings);
    const quarter = width / 4;
    const waves = frequencies(settings, quarter);
    const isColumnFirst = word(settings, "first", ["col", "row"]) === "col";
    const out = new Float64Array(rows * cols * width);
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++) {
        const start = (row * cols + col) * width;
        const [first, second] = isColumnFirst ? [col, row] : [row, col];
        waves.forEach((wave, i) => {
          out[start + i] = Math.sin(first * wave);
          out[start + quarter + i] = Math.cos(first * wave);
          out[start + 2 * quarter + i] = Math.sin(second * wave);
          out[start + 3 * quarter + i] = Math.cos(second * wave);
        });
      }
    return out;
  },
};
