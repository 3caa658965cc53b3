// The parts that attention's forward and backward passes share on GPUs. A workgroup of `down` x `across` invocations
// owns 4 * down rows (queries; keys for dk and dv) and goes through columns (keys; queries) 4 * across at a time.
// Invocation (y, x) has rows y + down * i and columns x + across * j, i and j = 0 .. 3, as four vec4f over j.
// Products over channels pass through workgroup memory; the weights of a tile lie there too, as the left operand of the
// product with values. Everything is in a fixed order; nothing is atomic.
import type { AttentionKernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import { LimitError } from "../program/target.ts";
import { positionOf, type Rows } from "./heads-view.ts";
import type { KernelText } from "./kernel-text.ts";
import { exchanged, exchangeMasks } from "./subgroups.ts";

export interface AttentionTile {
  readonly down: number;
  readonly across: number;
  /** Tokens of values staged at once. */
  readonly valueDepth: number;
}

/** Channels staged at once. */
const DEPTH = 16;

/** vec4f elements that values may take up in workgroup memory. */
const VALUE_VECTORS = 256;

/** @throws LimitError where rows of so many channels do not fit the workgroup's memory. */
export function chooseAttentionTile(kernel: AttentionKernel, limits: Limits): AttentionTile {
  const widest = Math.max(kernel.channels, kernel.valueChannels);
  const [down, across] = widest <= 16 ? [16, 4] : [8, 8];
  const columns = across * channelGroups(widest, across);
  const valueDepth = Math.max(
    1,
    Math.min(DEPTH, 2 ** Math.floor(Math.log2(VALUE_VECTORS / columns))),
  );
  const tile = { down, across, valueDepth };
  const bytes = 16 * (stageVectors(tile, widest) + weightVectors(tile) + down * across) + 4 * 64;
  if (bytes > limits.workgroupBytes)
    throw new LimitError({
      limit: "workgroupBytes",
      what: "attention",
      needs: bytes,
      allowed: limits.workgroupBytes,
      parts: [["channels a head", String(widest)]],
      help: "more heads have fewer channels each",
    });
  return tile;
}

export function threadsOf(tile: AttentionTile): number {
  return tile.down * tile.across;
}

/** Rows of one workgroup. */
export function rowCount(tile: AttentionTile): number {
  return 4 * tile.down;
}

/** Columns of one step. */
export function columnCount(tile: AttentionTile): number {
  return 4 * tile.across;
}

/** vec4f registers of one row of a result with so many channels: channel x + across * (4 g + j) is part j of group g. */
export function channelGroups(channels: number, across: number): number {
  return Math.ceil(channels / (4 * across));
}

function leftVectors(tile: AttentionTile): number {
  return DEPTH * (tile.down + 1);
}

function rightVectors(tile: AttentionTile, widest: number): number {
  const values = tile.valueDepth * tile.across * channelGroups(widest, tile.across);
  return Math.max(DEPTH * (tile.across + 1), values);
}

function stageVectors(tile: AttentionTile, widest: number): number {
  return leftVectors(tile) + rightVectors(tile, widest);
}

function weightVectors(tile: AttentionTile): number {
  return columnCount(tile) * (tile.down + 1);
}

export function declareTiles(text: KernelText, kernel: AttentionKernel, tile: AttentionTile): void {
  const widest = Math.max(kernel.channels, kernel.valueChannels);
  text.declare(`var<workgroup> left: array<vec4f, ${leftVectors(tile)}>;`);
  text.declare(`var<workgroup> right: array<vec4f, ${rightVectors(tile, widest)}>;`);
  text.declare(`var<workgroup> weights: array<vec4f, ${weightVectors(tile)}>;`);
  text.line(`let x = local % ${tile.across};`);
  text.line(`let y = local / ${tile.across};`);
}

/** Tokens of an operand: those from `start` on, of `count` in all. */
export interface Tokens {
  readonly rows: Rows;
  readonly start: string;
  readonly count: number;
}

/** Leaves in `name`0 .. `name`3 the products of this invocation's rows and columns, summed over channels. */
export function writeProducts(
  text: KernelText,
  tile: AttentionTile,
  name: string,
  left: Tokens,
  right: Tokens,
): void {
  const { channels } = left.rows;
  for (let i = 0; i < 4; i++) text.line(`var ${name}${i} = vec4f();`);
  text.block(`for (var start = 0; start < ${channels}; start += ${DEPTH})`, () => {
    stageTokens(text, tile, "left", tile.down, left);
    stageTokens(text, tile, "right", tile.across, right);
    text.line("workgroupBarrier();");
    text.block(`for (var depth = 0; depth < ${DEPTH}; depth++)`, () => {
      text.line(`let a = left[depth * ${tile.down + 1} + y];`);
      text.line(`let b = right[depth * ${tile.across + 1} + x];`);
      for (let i = 0; i < 4; i++) text.line(`${name}${i} += a.${"xyzw"[i]} * b;`);
    });
    text.line("workgroupBarrier();");
  });
}

/** Stages DEPTH channels of 4 * `invocations` tokens; a vec4f has the four tokens of one invocation. */
function stageTokens(
  text: KernelText,
  tile: AttentionTile,
  name: "left" | "right",
  invocations: number,
  { rows, start, count }: Tokens,
): void {
  const vectors = DEPTH * invocations;
  text.block(`for (var slot = local; slot < ${vectors}; slot += ${threadsOf(tile)})`, () => {
    text.line(`let depth = slot % ${DEPTH};`);
    text.line(`let column = slot / ${DEPTH};`);
    const isExact = rows.channels % DEPTH === 0;
    text.line(
      `let channel = ${isExact ? "start + depth" : `min(start + depth, ${rows.channels - 1})`};`,
    );
    const parts = [0, 1, 2, 3].map((part) => {
      const token = `min(${start} + column + ${part * invocations}, ${count - 1})`;
      return text.load(rows.buffer, positionOf(rows, token, "channel"));
    });
    const vector = `vec4f(${parts.join(", ")})`;
    const kept = isExact ? vector : `select(vec4f(), ${vector}, start + depth < ${rows.channels})`;
    text.line(`${name}[depth * ${invocations + 1} + column] = ${kept};`);
  });
}

/** Which of this invocation's columns exist, as vec4<bool>; undefined where all do. */
export function writeInside(
  text: KernelText,
  tile: AttentionTile,
  start: string,
  count: number,
): string | undefined {
  if (count % columnCount(tile) === 0) return undefined;
  const offsets = [0, 1, 2, 3].map((part) => part * tile.across).join(", ");
  return text.define("inside", `(vec4i(${start} + x) + vec4i(${offsets})) < vec4i(${count})`);
}

/** `value` where the column exists, `otherwise` where it does not. */
export function insideOr(inside: string | undefined, value: string, otherwise: string): string {
  return inside === undefined ? value : `select(${otherwise}, ${value}, ${inside})`;
}

/** Puts the weights `name`0 .. `name`3 of this invocation where `writeWeightedSum` reads them. */
export function writeWeights(text: KernelText, tile: AttentionTile, name: string): void {
  for (let j = 0; j < 4; j++) {
    const parts = [0, 1, 2, 3].map((i) => `${name}${i}.${"xyzw"[j]}`).join(", ");
    text.line(`weights[(x + ${j * tile.across}) * ${tile.down + 1} + y] = vec4f(${parts});`);
  }
}

/** Register names of a result: row i, channels of group g. */
export function resultNames(name: string, row: number, channels: number, across: number): string[] {
  return Array.from({ length: channelGroups(channels, across) }, (_, g) => `${name}${row}_${g}`);
}

export function startResult(
  text: KernelText,
  tile: AttentionTile,
  name: string,
  channels: number,
): void {
  for (let i = 0; i < 4; i++)
    for (const register of resultNames(name, i, channels, tile.across))
      text.line(`var ${register} = vec4f();`);
}

/** result[row] += sum over the step's columns of weight[row, column] * values[column]. */
export function writeWeightedSum(
  text: KernelText,
  tile: AttentionTile,
  name: string,
  values: Tokens,
): void {
  const { rows, start, count } = values;
  const groups = channelGroups(rows.channels, tile.across);
  const columns = tile.across * groups;
  text.block(
    `for (var chunk = 0; chunk < min(${columnCount(tile)}, ${count} - ${start}); chunk += ${tile.valueDepth})`,
    () => {
      const vectors = tile.valueDepth * columns;
      text.block(`for (var slot = local; slot < ${vectors}; slot += ${threadsOf(tile)})`, () => {
        text.line(`let token = min(${start} + chunk + slot / ${columns}, ${count - 1});`);
        text.line(`let column = slot % ${columns};`);
        text.line(
          `let first = column % ${tile.across} + column / ${tile.across} * ${4 * tile.across};`,
        );
        const parts = [0, 1, 2, 3].map((part) => {
          const channel = `min(first + ${part * tile.across}, ${rows.channels - 1})`;
          return text.load(rows.buffer, positionOf(rows, "token", channel));
        });
        text.line(`right[slot] = vec4f(${parts.join(", ")});`);
      });
      text.line("workgroupBarrier();");
      text.block(`for (var depth = 0; depth < ${tile.valueDepth}; depth++)`, () => {
        text.line(`let w = weights[(chunk + depth) * ${tile.down + 1} + y];`);
        for (let group = 0; group < groups; group++) {
          text.line(`let b${group} = right[depth * ${columns} + x + ${group * tile.across}];`);
          for (let i = 0; i < 4; i++) {
            const register = resultNames(name, i, rows.channels, tile.across)[group];
            text.line(`${register} += w.${"xyzw"[i]} * b${group};`);
          }
        }
      });
      text.line("workgroupBarrier();");
    },
  );
}

/** `value` (a vec4f over rows) joined over the invocations that share the rows: `max` or a sum. Defines `name`. */
export function writeRowJoin(
  text: KernelText,
  tile: AttentionTile,
  name: string,
  value: string,
  join: "max" | "sum",
  limits: Limits,
): void {
  const takeIn = (next: string): void =>
    text.line(join === "max" ? `${name} = max(${name}, ${next});` : `${name} += ${next};`);
  const masks = exchangeMasks(tile.across, 1, limits);
  const joined = 2 ** masks.length;
  text.line(`var ${name} = ${value};`);
  for (const mask of masks) takeIn(exchanged(name, mask));
  if (joined === tile.across) return;
  text.declare(`var<workgroup> lanes: array<vec4f, ${threadsOf(tile)}>;`);
  text.line(`lanes[local] = ${name};`);
  text.line("workgroupBarrier();");
  text.line(`${name} = lanes[y * ${tile.across}];`);
  text.block(`for (var other = ${joined}; other < ${tile.across}; other += ${joined})`, () =>
    takeIn(`lanes[y * ${tile.across} + other]`),
  );
  text.line("workgroupBarrier();");
}

/** Stores a result's rows that exist; `scaled` turns a register of row i into what is stored. */
export function storeResult(
  text: KernelText,
  tile: AttentionTile,
  name: string,
  { rows, start, count }: Tokens,
  scaled: (register: string, row: number) => string = (register) => register,
): void {
  for (let i = 0; i < 4; i++)
    text.block(`if (${start} + y + ${i * tile.down} < ${count})`, () => {
      resultNames(name, i, rows.channels, tile.across).forEach((register, group) => {
        text.line(`let value${group} = ${scaled(register, i)};`);
        for (let part = 0; part < 4; part++) {
          const offset = tile.across * (4 * group + part);
          const write = (): void => {
            const position = positionOf(rows, `${start} + y + ${i * tile.down}`, `x + ${offset}`);
            text.store(rows.buffer, position, `value${group}.${"xyzw"[part]}`);
          };
          if (offset + tile.across <= rows.channels) write();
          else if (offset < rows.channels)
            text.block(`if (x + ${offset} < ${rows.channels})`, write);
        }
      });
    });
}
