// Attention -> WGSL without workgroup memory, for software adapters: an invocation owns one query (one key for dk and dv),
// keeps its rows to itself and walks all keys (queries). Forward keeps a running maximum and sum
// (Milakov and Gimelshein, 2018, "Online normalizer calculation for softmax").
import type { AttentionKernel, HeadsView } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import { literal } from "./dtype-text.ts";
import {
  groupText,
  loadOwnRow,
  outerAxes,
  overGroups,
  ownRow,
  rowsOf,
  splitOuter,
  storeOwnRow,
  type Rows,
} from "./heads-view.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
import { extentOf } from "../kernels/extent.ts";
import { blockNumber, foldWorkgroups } from "./workgroups.ts";

const THREADS = 16;

export function writeDirectAttention(
  text: KernelText,
  kernel: AttentionKernel,
  limits: Limits,
): KernelShape {
  const outer = extentOf(outerAxes(kernel));
  const queryBlocks = Math.ceil((outer * kernel.queries) / THREADS);
  const keyBlocks = Math.ceil((outer * kernel.keys) / THREADS);
  const blocks = kernel.pass === "forward" ? queryBlocks : queryBlocks + keyBlocks;
  const workgroups = foldWorkgroups(blocks, limits);
  blockNumber(text, blocks, workgroups);
  if (kernel.pass === "forward") {
    writeForward(text, kernel, outer);
  } else {
    text.block(`if (block < ${queryBlocks})`, () => writeQueryGradient(text, kernel, outer));
    text.block("else", () => writeKeyGradient(text, kernel, outer, queryBlocks));
  }
  return { threads: THREADS, workgroups };
}

interface Item {
  /** Name of the query or key. */
  readonly item: string;
  /** Name of the number of its batch entry and head. */
  readonly outer: string;
  rows(view: HeadsView, channels: number): Rows;
}

/** Names this invocation's item (a query or key) and its batch entry and head; ends surplus invocations. */
function itemOf(
  text: KernelText,
  kernel: AttentionKernel,
  first: number,
  each: number,
  outer: number,
): Item {
  const start = first === 0 ? "block" : `(block - ${first})`;
  const place = text.define("place", `${start} * ${THREADS} + local`);
  if ((outer * each) % THREADS !== 0) text.line(`if (${place} >= ${outer * each}) { return; }`);
  const item = text.define("item", `${place} % ${each}`);
  const number = text.define("outer", `${place} / ${each}`);
  const scope = splitOuter(text, kernel, number);
  return {
    item,
    outer: number,
    rows: (view, channels) => rowsOf(text, kernel, scope, view, channels),
  };
}

function writeForward(text: KernelText, kernel: AttentionKernel, outerCount: number): void {
  const { queries, keys, channels, valueChannels } = kernel;
  const { item, outer, rows } = itemOf(text, kernel, 0, queries, outerCount);
  const [keyRows, valueRows] = [rows(kernel.k, channels), rows(kernel.v, valueChannels)];
  loadOwnRow(text, "q", rows(kernel.q, channels), item);
  ownRow(text, "output", valueChannels);
  const exponential = text.call("exponential");
  text.line("var best = -1e30;");
  text.line("var total = 0.0;");
  text.block(`for (var key = 0; key < ${keys}; key++)`, () => {
    writeDot(text, "product", "q", keyRows, "key");
    text.line(`let score = ${literal(kernel.scale, "f32")} * product;`);
    text.line("let newBest = max(best, score);");
    text.line(`let kept = ${exponential}(best - newBest);`);
    text.line(`let weight = ${exponential}(score - newBest);`);
    text.line("total = total * kept + weight;");
    text.line("best = newBest;");
    overGroups(text, valueChannels, (group) =>
      text.line(
        `output[${group}] = output[${group}] * kept + weight * ${groupText(text, valueRows, "key", group)};`,
      ),
    );
  });
  overGroups(text, valueChannels, (group) =>
    text.line(`output[${group}] = output[${group}] / total;`),
  );
  storeOwnRow(text, "output", rows(kernel.output, valueChannels), item);
  const statistic = `best + ${text.call("logarithm")}(total)`;
  text.store(kernel.statistics, `${outer} * ${queries} + ${item}`, statistic);
}

/** `name` = the product of an own row with a row in memory. */
function writeDot(text: KernelText, name: string, own: string, rows: Rows, token: string): void {
  text.line(`var ${name} = 0.0;`);
  overGroups(text, rows.channels, (group) =>
    text.line(`${name} += dot(${own}[${group}], ${groupText(text, rows, token, group)});`),
  );
}

/** Views that only the backward pass has. */
export function gradientViews(kernel: AttentionKernel): {
  readonly dOutput: HeadsView;
  readonly dq: HeadsView;
  readonly dk: HeadsView;
  readonly dv: HeadsView;
} {
  const { dOutput, dq, dk, dv } = kernel;
  if (dOutput === undefined || dq === undefined || dk === undefined || dv === undefined)
    throw new Error(`attention's backward pass needs dOutput, dq, dk and dv: ${kernel.label}`);
  return { dOutput, dq, dk, dv };
}

/** dq[i] = sum over j of dS[i, j] k[j], with dS = p (dO v - dO o) scale and p = exp(scale q k - statistics). */
function writeQueryGradient(text: KernelText, kernel: AttentionKernel, outerCount: number): void {
  const { queries, keys, channels, valueChannels } = kernel;
  const gradients = gradientViews(kernel);
  const { item, outer, rows } = itemOf(text, kernel, 0, queries, outerCount);
  const [keyRows, valueRows] = [rows(kernel.k, channels), rows(kernel.v, valueChannels)];
  loadOwnRow(text, "q", rows(kernel.q, channels), item);
  loadOwnRow(text, "dOutput", rows(gradients.dOutput, valueChannels), item);
  writeDot(text, "mean", "dOutput", rows(kernel.output, valueChannels), item);
  text.line(`let statistic = ${text.load(kernel.statistics, `${outer} * ${queries} + ${item}`)};`);
  ownRow(text, "dq", channels);
  text.block(`for (var key = 0; key < ${keys}; key++)`, () => {
    writeDot(text, "product", "q", keyRows, "key");
    writeDot(text, "dWeight", "dOutput", valueRows, "key");
    writeWeight(text, kernel);
    overGroups(text, channels, (group) =>
      text.line(`dq[${group}] += dScore * ${groupText(text, keyRows, "key", group)};`),
    );
  });
  storeOwnRow(text, "dq", rows(gradients.dq, channels), item);
}

/** dk[j] = sum over i of dS[i, j] q[i]; dv[j] = sum over i of p[i, j] dO[i]. */
function writeKeyGradient(
  text: KernelText,
  kernel: AttentionKernel,
  outerCount: number,
  firstBlock: number,
): void {
  const { queries, keys, channels, valueChannels } = kernel;
  const gradients = gradientViews(kernel);
  const { item, outer, rows } = itemOf(text, kernel, firstBlock, keys, outerCount);
  const [queryRows, outputRows] = [rows(kernel.q, channels), rows(kernel.output, valueChannels)];
  const dOutputRows = rows(gradients.dOutput, valueChannels);
  loadOwnRow(text, "k", rows(kernel.k, channels), item);
  loadOwnRow(text, "v", rows(kernel.v, valueChannels), item);
  ownRow(text, "dk", channels);
  ownRow(text, "dv", valueChannels);
  text.block(`for (var query = 0; query < ${queries}; query++)`, () => {
    writeDot(text, "product", "k", queryRows, "query");
    text.line("var dWeight = 0.0;");
    text.line("var mean = 0.0;");
    overGroups(text, valueChannels, (group) => {
      text.line(`let dOutput = ${groupText(text, dOutputRows, "query", group)};`);
      text.line(`dWeight += dot(dOutput, v[${group}]);`);
      text.line(`mean += dot(dOutput, ${groupText(text, outputRows, "query", group)});`);
    });
    text.line(`let statistic = ${text.load(kernel.statistics, `${outer} * ${queries} + query`)};`);
    writeWeight(text, kernel);
    overGroups(text, valueChannels, (group) =>
      text.line(`dv[${group}] += weight * ${groupText(text, dOutputRows, "query", group)};`),
    );
    overGroups(text, channels, (group) =>
      text.line(`dk[${group}] += dScore * ${groupText(text, queryRows, "query", group)};`),
    );
  });
  storeOwnRow(text, "dk", rows(gradients.dk, channels), item);
  storeOwnRow(text, "dv", rows(gradients.dv, valueChannels), item);
}

/** `weight`, the softmax's value at one query and key, and `dScore`, the gradient by q k there. */
function writeWeight(text: KernelText, { scale }: AttentionKernel): void {
  const factor = literal(scale, "f32");
  text.line(`let weight = ${text.call("exponential")}(${factor} * product - statistic);`);
  text.line(`let dScore = weight * (dWeight - mean) * ${factor};`);
}
