// Attention's forward pass -> WGSL, for GPUs: a workgroup goes through the keys of its queries tile by tile and keeps a
// running maximum and sum a row (Dao, 2023, "FlashAttention-2"), so the matrix of scores is never in memory.
// Leaves the output and, for the backward pass, maximum + log(sum) of every row.
import type { AttentionKernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import {
  chooseAttentionTile,
  columnCount,
  declareTiles,
  insideOr,
  resultNames,
  rowCount,
  startResult,
  storeResult,
  threadsOf,
  writeInside,
  writeProducts,
  writeRowJoin,
  writeWeightedSum,
  writeWeights,
} from "./attention-tiles.ts";
import { literal } from "./dtype-text.ts";
import { outerAxes, rowsOf, splitOuter } from "./heads-view.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
import { extentOf } from "../kernels/extent.ts";
import { blockNumber, foldWorkgroups } from "./workgroups.ts";

/** What a row's maximum starts from, and the score of a key that is not there. */
const LOWEST = "-1e30";

export function writeAttentionForward(
  text: KernelText,
  kernel: AttentionKernel,
  limits: Limits,
): KernelShape {
  const { queries, keys, channels, valueChannels } = kernel;
  const tile = chooseAttentionTile(kernel, limits);
  const rowBlocks = Math.ceil(queries / rowCount(tile));
  const blocks = extentOf(outerAxes(kernel)) * rowBlocks;
  const workgroups = foldWorkgroups(blocks, limits);
  blockNumber(text, blocks, workgroups);
  declareTiles(text, kernel, tile);
  text.line(`let rowStart = block % ${rowBlocks} * ${rowCount(tile)};`);
  text.line(`let outer = block / ${rowBlocks};`);
  const scope = splitOuter(text, kernel, "outer");
  const q = { rows: rowsOf(text, kernel, scope, kernel.q, channels), start: "rowStart", count: queries }; // prettier-ignore
  const k = { rows: rowsOf(text, kernel, scope, kernel.k, channels), start: "keyStart", count: keys }; // prettier-ignore
  const v = { ...k, rows: rowsOf(text, kernel, scope, kernel.v, valueChannels) };
  const output = { ...q, rows: rowsOf(text, kernel, scope, kernel.output, valueChannels) };
  startResult(text, tile, "sum", valueChannels);
  text.line(`var best = vec4f(${LOWEST});`);
  text.line("var total = vec4f();");
  const exponentials = text.call("exponentials");
  text.block(`for (var keyStart = 0; keyStart < ${keys}; keyStart += ${columnCount(tile)})`, () => {
    writeProducts(text, tile, "score", q, k);
    const inside = writeInside(text, tile, "keyStart", keys);
    for (let i = 0; i < 4; i++) {
      const scaled = `score${i} * ${literal(kernel.scale, "f32")}`;
      text.line(`score${i} = ${insideOr(inside, scaled, `vec4f(${LOWEST})`)};`);
    }
    writeRowJoin(text, tile, "tileBest", `vec4f(${each(largest)})`, "max", limits);
    text.line("let newBest = max(best, tileBest);");
    text.line(`let kept = ${exponentials}(best - newBest);`);
    for (let i = 0; i < 4; i++) {
      const weight = `${exponentials}(score${i} - newBest.${"xyzw"[i]})`;
      text.line(`let weight${i} = ${insideOr(inside, weight, "vec4f()")};`);
      for (const register of resultNames("sum", i, valueChannels, tile.across))
        text.line(`${register} *= kept.${"xyzw"[i]};`);
    }
    text.line(`total = total * kept + vec4f(${each((i) => `dot(weight${i}, vec4f(1.0))`)});`);
    text.line("best = newBest;");
    writeWeights(text, tile, "weight");
    writeWeightedSum(text, tile, "sum", v);
  });
  writeRowJoin(text, tile, "all", "total", "sum", limits);
  storeResult(text, tile, "sum", output, (register, i) => `${register} / all.${"xyzw"[i]}`);
  storeStatistics(text, kernel, tile.down);
  return { threads: threadsOf(tile), workgroups };
}

function each(part: (row: number) => string): string {
  return [0, 1, 2, 3].map(part).join(", ");
}

function largest(row: number): string {
  const score = `score${row}`;
  return `max(max(${score}.x, ${score}.y), max(${score}.z, ${score}.w))`;
}

function storeStatistics(text: KernelText, kernel: AttentionKernel, down: number): void {
  text.block("if (x == 0)", () => {
    for (let i = 0; i < 4; i++) {
      const row = `rowStart + y + ${i * down}`;
      const part = "xyzw"[i];
      text.block(`if (${row} < ${kernel.queries})`, () =>
        text.store(
          kernel.statistics,
          `outer * ${kernel.queries} + ${row}`,
          `best.${part} + ${text.call("logarithm")}(all.${part})`,
        ),
      );
    }
  });
}
