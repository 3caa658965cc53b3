// Attention's backward pass -> WGSL, for GPUs, one dispatch and no atomics: some workgroups own queries and make dq,
// the others own keys and make dk and dv; both make the weights again from q, k and the saved row statistics.
//   p = exp(scale q k - statistics)    dS = p (dO v - dO o) scale    dq = dS k    dk = dS^T q    dv = p^T dO
import type { AttentionKernel, HeadsView } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import { gradientViews } from "./attention-direct.ts";
import {
  chooseAttentionTile,
  columnCount,
  declareTiles,
  insideOr,
  rowCount,
  startResult,
  storeResult,
  threadsOf,
  writeInside,
  writeProducts,
  writeRowJoin,
  writeWeightedSum,
  writeWeights,
  type AttentionTile,
  type Tokens,
} from "./attention-tiles.ts";
import { literal } from "./dtype-text.ts";
import { outerAxes, positionOf, rowsOf, splitOuter } from "./heads-view.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
import { extentOf } from "../kernels/extent.ts";
import { blockNumber, foldWorkgroups } from "./workgroups.ts";

export function writeAttentionBackward(
  text: KernelText,
  kernel: AttentionKernel,
  limits: Limits,
): KernelShape {
  const tile = chooseAttentionTile(kernel, limits);
  const outer = extentOf(outerAxes(kernel));
  const queryBlocks = outer * Math.ceil(kernel.queries / rowCount(tile));
  const keyBlocks = outer * Math.ceil(kernel.keys / rowCount(tile));
  const blocks = queryBlocks + keyBlocks;
  const workgroups = foldWorkgroups(blocks, limits);
  blockNumber(text, blocks, workgroups);
  declareTiles(text, kernel, tile);
  text.block(`if (block < ${queryBlocks})`, () => writeQueryGradient(text, kernel, tile, limits));
  text.block("else", () => writeKeyGradient(text, kernel, tile, queryBlocks));
  return { threads: threadsOf(tile), workgroups };
}

/** Views of this workgroup's batch entry and head, as tokens that start where the rows or the columns do. */
interface Operands {
  of(view: HeadsView, channels: number, tokens: "rows" | "columns"): Tokens;
}

/** Names `rowStart` and `outer` for a workgroup that owns rows of `rows` tokens. */
function placeBlock(
  text: KernelText,
  kernel: AttentionKernel,
  tile: AttentionTile,
  first: number,
  rows: number,
  columns: number,
): Operands {
  const rowBlocks = Math.ceil(rows / rowCount(tile));
  text.line(`let rowStart = (block - ${first}) % ${rowBlocks} * ${rowCount(tile)};`);
  text.line(`let outer = (block - ${first}) / ${rowBlocks};`);
  const scope = splitOuter(text, kernel, "outer");
  return {
    of: (view, channels, tokens) => ({
      rows: rowsOf(text, kernel, scope, view, channels),
      start: tokens === "rows" ? "rowStart" : "columnStart",
      count: tokens === "rows" ? rows : columns,
    }),
  };
}

function writeQueryGradient(
  text: KernelText,
  kernel: AttentionKernel,
  tile: AttentionTile,
  limits: Limits,
): void {
  const { queries, keys, channels, valueChannels } = kernel;
  const gradients = gradientViews(kernel);
  const operands = placeBlock(text, kernel, tile, 0, queries, keys);
  const q = operands.of(kernel.q, channels, "rows");
  const k = operands.of(kernel.k, channels, "columns");
  const v = operands.of(kernel.v, valueChannels, "columns");
  const output = operands.of(kernel.output, valueChannels, "rows");
  const dOutput = operands.of(gradients.dOutput, valueChannels, "rows");
  const dq = operands.of(gradients.dq, channels, "rows");
  writeRowMeans(text, tile, output, dOutput, limits);
  const rows = [0, 1, 2, 3].map((i) => `min(rowStart + y + ${i * tile.down}, ${queries - 1})`);
  text.line(`let statistic = ${statisticsText(text, kernel, rows)};`);
  startResult(text, tile, "dq", channels);
  overColumns(text, tile, keys, () => {
    writeProducts(text, tile, "score", q, k);
    writeProducts(text, tile, "dWeight", dOutput, v);
    const inside = writeInside(text, tile, "columnStart", keys);
    for (let i = 0; i < 4; i++) {
      const part = "xyzw"[i];
      writeWeightRow(text, kernel, i, inside, `statistic.${part}`);
      writeScoreRow(text, kernel, i, `mean.${part}`);
    }
    writeWeights(text, tile, "dScore");
    writeWeightedSum(text, tile, "dq", k);
  });
  storeResult(text, tile, "dq", dq);
}

function writeKeyGradient(
  text: KernelText,
  kernel: AttentionKernel,
  tile: AttentionTile,
  firstBlock: number,
): void {
  const { queries, keys, channels, valueChannels } = kernel;
  const gradients = gradientViews(kernel);
  const operands = placeBlock(text, kernel, tile, firstBlock, keys, queries);
  const k = operands.of(kernel.k, channels, "rows");
  const v = operands.of(kernel.v, valueChannels, "rows");
  const q = operands.of(kernel.q, channels, "columns");
  const output = operands.of(kernel.output, valueChannels, "columns");
  const dOutput = operands.of(gradients.dOutput, valueChannels, "columns");
  const dk = operands.of(gradients.dk, channels, "rows");
  const dv = operands.of(gradients.dv, valueChannels, "rows");
  startResult(text, tile, "dk", channels);
  startResult(text, tile, "dv", valueChannels);
  overColumns(text, tile, queries, () => {
    writeColumnMeans(text, tile, output, dOutput);
    const columns = [0, 1, 2, 3].map((j) => `min(columnStart + x + ${j * tile.across}, ${queries - 1})`); // prettier-ignore
    text.line(`let statistic = ${statisticsText(text, kernel, columns)};`);
    writeProducts(text, tile, "score", k, q);
    writeProducts(text, tile, "dWeight", v, dOutput);
    const inside = writeInside(text, tile, "columnStart", queries);
    for (let i = 0; i < 4; i++) writeWeightRow(text, kernel, i, inside, "statistic");
    writeWeights(text, tile, "weight");
    writeWeightedSum(text, tile, "dv", dOutput);
    for (let i = 0; i < 4; i++) writeScoreRow(text, kernel, i, "mean");
    writeWeights(text, tile, "dScore");
    writeWeightedSum(text, tile, "dk", q);
  });
  storeResult(text, tile, "dk", dk);
  storeResult(text, tile, "dv", dv);
}

function overColumns(
  text: KernelText,
  tile: AttentionTile,
  count: number,
  inside: () => void,
): void {
  const step = columnCount(tile);
  text.block(`for (var columnStart = 0; columnStart < ${count}; columnStart += ${step})`, inside);
}

function statisticsText(
  text: KernelText,
  kernel: AttentionKernel,
  queries: readonly string[],
): string {
  const parts = queries.map((query) =>
    text.load(kernel.statistics, `outer * ${kernel.queries} + ${query}`),
  );
  return `vec4f(${parts.join(", ")})`;
}

/** weight{i} over this invocation's columns; zero where the column does not exist. */
function writeWeightRow(
  text: KernelText,
  kernel: AttentionKernel,
  i: number,
  inside: string | undefined,
  statistic: string,
): void {
  const score = `score${i} * ${literal(kernel.scale, "f32")} - ${statistic}`;
  const weight = `${text.call("exponentials")}(${score})`;
  text.line(`let weight${i} = ${insideOr(inside, weight, "vec4f()")};`);
}

function writeScoreRow(text: KernelText, kernel: AttentionKernel, i: number, mean: string): void {
  const scale = literal(kernel.scale, "f32");
  text.line(`let dScore${i} = weight${i} * (dWeight${i} - ${mean}) * ${scale};`);
}

/** `mean` = sum over channels of dO o, for this invocation's four rows. */
function writeRowMeans(
  text: KernelText,
  tile: AttentionTile,
  output: Tokens,
  dOutput: Tokens,
  limits: Limits,
): void {
  text.line("var partMean = vec4f();");
  const { channels } = output.rows;
  text.block(`for (var channel = x; channel < ${channels}; channel += ${tile.across})`, () => {
    const vectorOf = ({ rows, start, count }: Tokens): string => {
      const parts = [0, 1, 2, 3].map((i) => {
        const token = `min(${start} + y + ${i * tile.down}, ${count - 1})`;
        return text.load(rows.buffer, positionOf(rows, token, "channel"));
      });
      return `vec4f(${parts.join(", ")})`;
    };
    text.line(`partMean += ${vectorOf(output)} * ${vectorOf(dOutput)};`);
  });
  writeRowJoin(text, tile, "mean", "partMean", "sum", limits);
}

/** `mean` for this invocation's four columns; several invocations share the work of a column. */
function writeColumnMeans(
  text: KernelText,
  tile: AttentionTile,
  output: Tokens,
  dOutput: Tokens,
): void {
  const shares = threadsOf(tile) / columnCount(tile);
  text.declare(`var<workgroup> columnMeans: array<f32, ${threadsOf(tile)}>;`);
  text.line(`let meanToken = min(columnStart + local / ${shares}, ${output.count - 1});`);
  text.line("var columnPart = 0.0;");
  const { channels } = output.rows;
  text.block(
    `for (var channel = local % ${shares}; channel < ${channels}; channel += ${shares})`,
    () => {
      const [o, dO] = [output, dOutput].map(({ rows }) =>
        text.load(rows.buffer, positionOf(rows, "meanToken", "channel")),
      );
      text.line(`columnPart += ${o} * ${dO};`);
    },
  );
  text.line("columnMeans[local] = columnPart;");
  text.line("workgroupBarrier();");
  const columns = [0, 1, 2, 3].map((j) => {
    const first = `(x + ${j * tile.across}) * ${shares}`;
    return Array.from({ length: shares }, (_, share) => `columnMeans[${first} + ${share}]`).join(
      " + ",
    );
  });
  text.line(`let mean = vec4f(${columns.join(", ")});`);
}
