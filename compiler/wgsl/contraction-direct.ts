// A contraction -> WGSL without workgroup memory: each invocation reads its operands from the arenas and makes a
// register tile of its own. On a software adapter, where a barrier costs as much as thousands of products, this runs
// three times as fast as tiles through workgroup memory and compiles in a fifth of the time.
import type { ContractionKernel, Expression } from "../kernels/kernel.ts";
import type { Index } from "../ops/index-expression.ts";
import type { Limits } from "../program/limits.ts";
import { Dependence } from "./dependence.ts";
import { nodeCount } from "./expression-parts.ts";
import { expressionText, positionText } from "./expression-text.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
import { accumulatorRow, writeRegisterStores } from "./register-tile.ts";
import { Scope } from "./scope.ts";
import { extentOf } from "../kernels/extent.ts";
import { blockNumber, foldWorkgroups, splitPosition } from "./workgroups.ts";

/** Few, so that the workgroups spread evenly over a handful of cores. */
const THREADS = 16;

/** Operands of more nodes are written out four times rather than eight. */
const LIGHT = 8;

interface Generation {
  readonly text: KernelText;
  readonly kernel: ContractionKernel;
  readonly m: number;
  readonly n: number;
  /** Rows and columns of one invocation. */
  readonly high: number;
  readonly wide: number;
  /** Invocations along m and n. */
  readonly down: number;
  readonly across: number;
  readonly scope: Scope;
}

export function writeDirectContraction(
  text: KernelText,
  kernel: ContractionKernel,
  limits: Limits,
): KernelShape {
  const m = extentOf(kernel.m);
  const n = extentOf(kernel.n);
  const high = registerExtent(m, kernel.a);
  const wide = Math.max(4, registerExtent(n, kernel.b));
  const down = Math.ceil(m / high);
  const across = Math.ceil(n / wide);
  const count = extentOf(kernel.batch) * down * across;
  const blocks = Math.ceil(count / THREADS);
  const workgroups = foldWorkgroups(blocks, limits);
  const scope = new Scope();
  blockNumber(text, blocks, workgroups);
  text.line(`let tile = block * ${THREADS} + local;`);
  if (count % THREADS !== 0) text.line(`if (tile >= ${count}) { return; }`);
  text.line(`let x = tile % ${across};`);
  text.line(`let y = (tile / ${across}) % ${down};`);
  text.line(`let entry = tile / ${across * down};`);
  splitPosition(text, scope, kernel.batch, "entry");
  const generation = { text, kernel, m, n, high, wide, down, across, scope };
  writeSums(generation);
  writeRegisterStores({
    ...generation,
    rowOf: (i) => `y + ${i} * ${down}`,
    columnOf: (j) => `x + ${j} * ${across}`,
    isRowExact: m % high === 0,
    isColumnExact: n % wide === 0,
  });
  return { threads: THREADS, workgroups };
}

function registerExtent(extent: number, operand: Expression): number {
  const most = nodeCount(operand) <= LIGHT ? 8 : 4;
  return Math.min(most, 2 ** Math.ceil(Math.log2(extent)));
}

/** The places of this invocation along m (or n), clamped inside, each with a scope that names its coordinates. */
function placesAlong(generation: Generation, which: "m" | "n"): Scope[] {
  const { text, kernel, scope, high, wide, down, across } = generation;
  const [each, first, step] = which === "m" ? [high, "y", down] : [wide, "x", across];
  const extent = generation[which];
  return Array.from({ length: each }, (_, i) => {
    const place = `${first} + ${i * step}`;
    const inner = new Scope(scope);
    const isExact = extent % each === 0;
    const position = text.define("at", isExact ? place : `min(${place}, ${extent - 1})`);
    splitPosition(text, inner, kernel[which], position);
    return inner;
  });
}

function writeSums(generation: Generation): void {
  const { text, kernel, high, wide, scope } = generation;
  const dependence = new Dependence();
  const inner = new Set([...kernel.m, ...kernel.n, ...kernel.k].map((axis) => axis.id));
  dependence.hoist(text, scope, kernel.a, inner);
  dependence.hoist(text, scope, kernel.b, inner);
  const rows = placesAlong(generation, "m");
  const columns = placesAlong(generation, "n");
  for (let i = 0; i < high; i++)
    for (const name of accumulatorRow(i, wide)) text.line(`var ${name} = vec4f();`);
  startOperandSums(generation);
  text.block(`for (var k = 0; k < ${extentOf(kernel.k)}; k++)`, () => {
    const step = new Scope(scope);
    splitPosition(text, step, kernel.k, "k");
    const b = columns.map((column) => expressionText(text, step.joined(column), kernel.b));
    const vectors = Array.from({ length: wide / 4 }, (_, group) =>
      text.define("b", `vec4f(${b.slice(4 * group, 4 * group + 4).join(", ")})`),
    );
    const a = rows.map((row) => expressionText(text, step.joined(row), kernel.a));
    a.forEach((value, i) =>
      accumulatorRow(i, wide).forEach((name, group) =>
        text.line(`${name} += ${value} * ${vectors[group]};`),
      ),
    );
    addOperandSums(generation, a, b);
  });
  storeOperandSums(generation, rows, columns);
}

function startOperandSums({ text, kernel, high, wide }: Generation): void {
  if (kernel.sumOfA) for (let i = 0; i < high; i++) text.line(`var sumA${i} = 0.0;`);
  if (kernel.sumOfB) for (let j = 0; j < wide; j++) text.line(`var sumB${j} = 0.0;`);
}

function addOperandSums(
  { text, kernel }: Generation,
  a: readonly string[],
  b: readonly string[],
): void {
  if (kernel.sumOfA) a.forEach((value, i) => text.line(`sumA${i} += ${value};`));
  if (kernel.sumOfB) b.forEach((value, j) => text.line(`sumB${j} += ${value};`));
}

/** The first column of invocations stores the sums of a, the first row those of b. */
function storeOperandSums(
  { text, kernel, m, n, down, across }: Generation,
  rows: readonly Scope[],
  columns: readonly Scope[],
): void {
  const write = (
    target: { readonly buffer: number; readonly index: Index } | undefined,
    scopes: readonly Scope[],
    isFirst: string,
    inside: (place: number) => string,
    name: string,
  ): void => {
    if (target === undefined) return;
    scopes.forEach((scope, at) =>
      text.block(`if (${isFirst} && ${inside(at)})`, () =>
        text.store(
          target.buffer,
          positionText(text, new Scope(scope), target.index),
          `${name}${at}`,
        ),
      ),
    );
  };
  write(kernel.sumOfA, rows, "x == 0", (i) => `y + ${i * down} < ${m}`, "sumA");
  write(kernel.sumOfB, columns, "y == 0", (j) => `x + ${j * across} < ${n}`, "sumB");
}
