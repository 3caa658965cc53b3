// A contraction -> WGSL, for GPUs: tiles through workgroup memory, a register tile an invocation, a rolled loop over k.
// Invocation (y, x) owns rows m0 + y + down * i and columns n0 + x + across * j of its tile: neighbours own neighbouring
// columns, so loads of operands and stores of results touch neighbouring addresses, and yet each invocation reads its
// rows and columns from workgroup memory as vec4f.
import type { ContractionKernel } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";
import type { Limits } from "../program/limits.ts";
import { Dependence } from "./dependence.ts";
import { positionText } from "./expression-text.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
import { lineVectors, packOperand, type Operand, type Packing } from "./pack-operand.ts";
import { accumulatorRow, writeRegisterStores } from "./register-tile.ts";
import { Scope } from "./scope.ts";
import { chooseTile, columnsOf, operandVectors, rowsOf, tileCount, type Tile } from "./tiles.ts";
import { extentOf } from "../kernels/extent.ts";
import { blockNumber, foldWorkgroups, splitPosition } from "./workgroups.ts";

interface Generation extends Packing {
  readonly m: number;
  readonly n: number;
  readonly dependence: Dependence;
}

export function writeContraction(
  text: KernelText,
  kernel: ContractionKernel,
  limits: Limits,
  tile: Tile = chooseContractionTile(kernel, limits),
): KernelShape {
  const m = extentOf(kernel.m);
  const n = extentOf(kernel.n);
  const blocks = tileCount({ batch: extentOf(kernel.batch), m, n }, tile);
  const workgroups = foldWorkgroups(blocks, limits);
  const threads = tile.down * tile.across;
  const scope = new Scope();
  const k = extentOf(kernel.k);
  const dependence = new Dependence();
  const generation = { text, kernel, tile, threads, m, n, k, scope, dependence };
  blockNumber(text, blocks, workgroups);
  writePlace(generation);
  writeSums(generation);
  writeRegisterStores({
    ...generation,
    high: tile.high,
    wide: tile.wide,
    rowOf: (i) => `rowStart + y + ${i} * ${tile.down}`,
    columnOf: (j) => `columnStart + x + ${j} * ${tile.across}`,
    isRowExact: m % rowsOf(tile) === 0,
    isColumnExact: n % columnsOf(tile) === 0,
  });
  return { threads, workgroups };
}

function chooseContractionTile(kernel: ContractionKernel, limits: Limits): Tile {
  const { batch, m, n, k } = kernel;
  return chooseTile({ batch: extentOf(batch), m: extentOf(m), n: extentOf(n), k: extentOf(k) }, limits); // prettier-ignore
}

/** Which tile of which batch entry, and which part of the tile. */
function writePlace({ text, kernel, tile, m, n, scope }: Generation): void {
  const across = Math.ceil(n / columnsOf(tile));
  const down = Math.ceil(m / rowsOf(tile));
  text.line(`let columnStart = (block % ${across}) * ${columnsOf(tile)};`);
  text.line(`let rowStart = ((block / ${across}) % ${down}) * ${rowsOf(tile)};`);
  text.line(`let entry = block / ${across * down};`);
  splitPosition(text, scope, kernel.batch, "entry");
  text.line(`let x = local % ${tile.across};`);
  text.line(`let y = local / ${tile.across};`);
}

function writeSums(generation: Generation): void {
  const { text, kernel, tile, k } = generation;
  const a: Operand = {
    name: "A",
    value: kernel.a,
    free: kernel.m,
    freeExtent: generation.m,
    start: "rowStart",
    invocations: tile.down,
    each: tile.high,
  };
  const b: Operand = {
    name: "B",
    value: kernel.b,
    free: kernel.n,
    freeExtent: generation.n,
    start: "columnStart",
    invocations: tile.across,
    each: tile.wide,
  };
  declareTile(generation, a);
  declareTile(generation, b);
  const freeAxes = new Set([...kernel.m, ...kernel.n, ...kernel.k].map((axis) => axis.id));
  generation.dependence.hoist(text, generation.scope, a.value, freeAxes);
  generation.dependence.hoist(text, generation.scope, b.value, freeAxes);
  for (let row = 0; row < tile.high; row++)
    for (const name of accumulatorRow(row, tile.wide)) text.line(`var ${name} = vec4f();`);
  startOperandSum(generation, a, kernel.sumOfA);
  startOperandSum(generation, b, kernel.sumOfB);
  text.block(`for (var kStart = 0; kStart < ${k}; kStart += ${tile.depth})`, () => {
    packOperand(generation, a);
    packOperand(generation, b);
    text.line("workgroupBarrier();");
    addOperandSum(generation, a, kernel.sumOfA);
    addOperandSum(generation, b, kernel.sumOfB);
    multiplyTile(generation);
    text.line("workgroupBarrier();");
  });
  storeOperandSum(generation, a, kernel.sumOfA);
  storeOperandSum(generation, b, kernel.sumOfB);
}

function declareTile({ text, tile }: Generation, operand: Operand): void {
  const vectors = operandVectors(tile.depth, operand.invocations, operand.each);
  text.declare(`var<workgroup> tile${operand.name}: array<vec4f, ${vectors}>;`);
}

function multiplyTile({ text, tile }: Generation): void {
  const lineA = (tile.down * tile.high) / 4 + 1;
  const lineB = (tile.across * tile.wide) / 4 + 1;
  text.block(`for (var depth = 0; depth < ${tile.depth}; depth++)`, () => {
    for (let group = 0; group < tile.wide / 4; group++)
      text.line(`let b${group} = tileB[depth * ${lineB} + x + ${group * tile.across}];`);
    for (let group = 0; group < tile.high / 4; group++) {
      text.line(`let a${group} = tileA[depth * ${lineA} + y + ${group * tile.down}];`);
      for (let part = 0; part < 4; part++)
        accumulatorRow(4 * group + part, tile.wide).forEach((name, column) =>
          text.line(`${name} += a${group}.${"xyzw"[part]} * b${column};`),
        );
    }
  });
}

/**
 * The sum of an operand over k is made by the first row (column) of tiles: invocations x of row y = 0 for b,
 * y of column x = 0 for a.
 */
function operandSumCondition(operand: Operand): string {
  return operand.name === "A" ? "columnStart == 0 && x == 0" : "rowStart == 0 && y == 0";
}

function startOperandSum({ text }: Generation, operand: Operand, target: unknown): void {
  if (target === undefined) return;
  for (let group = 0; group < operand.each / 4; group++)
    text.line(`var total${operand.name}${group} = vec4f();`);
}

function addOperandSum({ text, tile }: Generation, operand: Operand, target: unknown): void {
  if (target === undefined) return;
  const mine = operand.name === "A" ? "y" : "x";
  text.block(`if (${operandSumCondition(operand)})`, () =>
    text.block(`for (var depth = 0; depth < ${tile.depth}; depth++)`, () => {
      for (let group = 0; group < operand.each / 4; group++) {
        const place = `depth * ${lineVectors(operand)} + ${mine} + ${group * operand.invocations}`;
        text.line(`total${operand.name}${group} += tile${operand.name}[${place}];`);
      }
    }),
  );
}

function storeOperandSum(
  generation: Generation,
  operand: Operand,
  target: { readonly buffer: number; readonly index: Index } | undefined,
): void {
  if (target === undefined) return;
  const { text, scope } = generation;
  text.block(`if (${operandSumCondition(operand)})`, () =>
    text.block(`for (var part = 0; part < ${operand.each}; part++)`, () => {
      const mine = operand.name === "A" ? "y" : "x";
      text.line(`let place = ${operand.start} + ${mine} + part * ${operand.invocations};`);
      text.block(`if (place < ${operand.freeExtent})`, () => {
        const inner = new Scope(scope);
        splitPosition(text, inner, operand.free, "place");
        const names = Array.from(
          { length: operand.each / 4 },
          (_, g) => `total${operand.name}${g}`,
        );
        const value = pick(names, "part");
        text.store(target.buffer, positionText(text, inner, target.index), value);
      });
    }),
  );
}

/** Element `place` of a row kept in one or two vec4f. */
function pick(names: readonly string[], place: string): string {
  if (names.length === 1) return `${names[0]}[${place}]`;
  return `select(${names[0]}, ${names[1]}, ${place} >= 4)[${place} & 3]`;
}
