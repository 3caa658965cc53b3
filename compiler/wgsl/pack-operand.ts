// Filling the tile of one operand of a contraction in workgroup memory, a few steps of k deep.
// Elements of one invocation lie as far apart in the matrix as there are invocations; in the tile they are a vec4f.
import type { Axis, ContractionKernel, Expression } from "../kernels/kernel.ts";
import { affine } from "../ops/index-arithmetic.ts";
import { wgslType } from "./dtype-text.ts";
import { loadsOf, nodeCount } from "./expression-parts.ts";
import { expressionText, positionText } from "./expression-text.ts";
import type { KernelText } from "./kernel-text.ts";
import { Scope } from "./scope.ts";
import type { Tile } from "./tiles.ts";
import { splitPosition } from "./workgroups.ts";

/** A kernel and its tile, while the kernel's text is written. */
export interface Packing {
  readonly text: KernelText;
  readonly kernel: ContractionKernel;
  readonly tile: Tile;
  readonly threads: number;
  readonly k: number;
  /** Names of one workgroup: the batch axes. */
  readonly scope: Scope;
}

/** One operand as its packing sees it: `free` is m for a, n for b. */
export interface Operand {
  readonly name: "A" | "B";
  readonly value: Expression;
  readonly free: readonly Axis[];
  readonly freeExtent: number;
  /** First free position of the tile. */
  readonly start: "rowStart" | "columnStart";
  /** Invocations along the free axis, and elements of each. */
  readonly invocations: number;
  readonly each: number;
}

/** vec4f elements of one line (one step of k) of an operand's tile. */
export function lineVectors(operand: Operand): number {
  return (operand.invocations * operand.each) / 4 + 1;
}

/**
 * Fills an operand's tile. A vec4f holds the four elements of one invocation (or half of its eight) at one k.
 * Where four neighbours in memory can be read as one vector, a device with the arena bound so does (`bindings.ts`).
 */
export function packOperand(packing: Packing, operand: Operand): void {
  const load = vectorLoad(packing, operand);
  if (load === undefined) return packSingles(packing, operand);
  const { text } = packing;
  text.block(`if (${text.readsVectors(load.buffer)})`, () => packVectors(packing, operand, load));
  text.block("else", () => packSingles(packing, operand));
}

/** Consecutive invocations take consecutive k where that is the operand's contiguous axis, else consecutive places. */
function packSingles(packing: Packing, operand: Operand): void {
  const { text, tile, threads } = packing;
  const columns = (operand.invocations * operand.each) / 4;
  const vectors = columns * tile.depth;
  text.block(`for (var slot = local; slot < ${vectors}; slot += ${threads})`, () => {
    const isDeep = isContiguousInK(packing, operand);
    text.line(`let depth = ${isDeep ? `slot % ${tile.depth}` : `slot / ${columns}`};`);
    text.line(`let column = ${isDeep ? `slot / ${tile.depth}` : `slot % ${columns}`};`);
    packVector(packing, operand);
    text.line(`tile${operand.name}[depth * ${lineVectors(operand)} + column] = vector;`);
  });
}

type Load = Expression & { kind: "load" };

/** The operand's one load, if any four elements that lie in a row of the matrix lie at a multiple of four in memory. */
function vectorLoad(packing: Packing, operand: Operand): Load | undefined {
  const { text, kernel } = packing;
  const { value } = operand;
  if (value.kind !== "load" || wgslType(text.dtypeOf(value.buffer)) !== "f32") return undefined;
  const position = affine(value.index);
  const along = isContiguousInK(packing, operand) ? kernel.k : operand.free;
  const inner = along.findLast((axis) => axis.extent > 1);
  if (position === undefined || inner === undefined || inner.extent % 4 !== 0) return undefined;
  const others = [...position.strides].filter(([axis]) => axis !== inner.id);
  const isAligned = [position.offset, ...others.map(([, stride]) => stride)].every((n) => n % 4 === 0); // prettier-ignore
  return position.strides.get(inner.id) === 1 && isAligned ? value : undefined;
}

/** Four by four elements at a time: four vectors are read, turned in registers, and written as four others. */
function packVectors(packing: Packing, operand: Operand, load: Load): void {
  const { text, tile, threads } = packing;
  const columns = (operand.invocations * operand.each) / 4;
  const isDeep = isContiguousInK(packing, operand);
  text.block(
    `for (var slot = local; slot < ${(columns * tile.depth) / 4}; slot += ${threads})`,
    () => {
      if (isDeep) {
        text.line(`let depth = slot % ${tile.depth / 4} * 4;`);
        text.line(`let column = slot / ${tile.depth / 4};`);
      } else {
        text.line(`let depth = slot / ${columns / 4};`);
        text.line(`let column = slot % ${columns / 4} * 4;`);
      }
      const scope = new Scope(packing.scope);
      const isDeepExact = placeDepth(packing, scope, isDeep ? 4 : 1);
      placeColumn(packing, operand);
      const parts = [0, 1, 2, 3].map((part) => {
        const inner = new Scope(scope);
        const place = placePart(packing, operand, inner, String(part * operand.invocations), isDeep ? 1 : 4); // prettier-ignore
        const vector = text.loadVector(load.buffer, positionText(text, inner, load.index));
        return text.define("part", insideOnly("vec4f()", vector, place, isDeepExact));
      });
      for (let i = 0; i < 4; i++) {
        const at = isDeep ? `(depth + ${i}) * ${lineVectors(operand)} + column` : `depth * ${lineVectors(operand)} + column + ${i}`; // prettier-ignore
        const turned = parts.map((part) => `${part}.${"xyzw"[i]}`).join(", ");
        text.line(`tile${operand.name}[${at}] = vec4f(${turned});`);
      }
    },
  );
}

/** Names the coordinates at `depth` steps into this tile's k, of which `each` are read together. True where all exist. */
function placeDepth({ text, kernel, tile, k }: Packing, scope: Scope, each: number): boolean {
  const isExact = k % tile.depth === 0;
  text.line("let kPlace = kStart + depth;");
  text.line(`let kAt = ${isExact ? "kPlace" : `min(kPlace, ${k - each})`};`);
  splitPosition(text, scope, kernel.k, "kAt");
  return isExact;
}

/** `first`: the free position of a vec4f's first element. */
function placeColumn({ text }: Packing, { invocations, each, start }: Operand): void {
  const first = `column % ${invocations} + column / ${invocations} * ${4 * invocations}`;
  text.line(`let first = ${start} + ${each === 4 ? "column" : first};`);
}

/** Names the coordinates `offset` from there, of which `count` are read together; the condition that they exist, if any. */
function placePart(
  { text }: Packing,
  { invocations, each, freeExtent, free }: Operand,
  scope: Scope,
  offset: string,
  count: number,
): string | undefined {
  const isExact = freeExtent % (invocations * each) === 0;
  const place = text.define("place", `first + ${offset}`);
  const at = isExact ? place : text.define("at", `min(${place}, ${freeExtent - count})`);
  splitPosition(text, scope, free, at);
  return isExact ? undefined : `(${place} == ${at})`;
}

/** The value, or zero outside of the matrix. */
function insideOnly(
  zero: string,
  value: string,
  place: string | undefined,
  isDeepExact: boolean,
): string {
  const inside = [
    ...(isDeepExact ? [] : ["(kPlace == kAt)"]),
    ...(place === undefined ? [] : [place]),
  ];
  return inside.length === 0 ? value : `select(${zero}, ${value}, ${inside.join(" & ")})`;
}

function packVector(packing: Packing, operand: Operand): void {
  const scope = new Scope(packing.scope);
  const isDeepExact = placeDepth(packing, scope, 1);
  placeColumn(packing, operand);
  packParts(packing, operand, scope, isDeepExact);
}

/** Operands with more nodes than this are packed by a loop over the vector's parts, not written out four times. */
const WRITTEN_OUT = 6;

function packParts(packing: Packing, operand: Operand, scope: Scope, isDeepExact: boolean): void {
  const { text } = packing;
  const part = (offset: string): string =>
    packPart(packing, operand, new Scope(scope), offset, isDeepExact);
  if (nodeCount(operand.value) <= WRITTEN_OUT) {
    const offsets = [0, 1, 2, 3].map((each) => String(each * operand.invocations));
    text.line(`let vector = vec4f(${offsets.map(part).join(", ")});`);
    return;
  }
  // Shifting values in keeps the vector in registers, which an index by a variable would not.
  text.line("var vector = vec4f();");
  text.block("for (var part = 0; part < 4; part++)", () => {
    text.line(`vector = vec4f(vector.yzw, ${part(`part * ${operand.invocations}`)});`);
  });
}

/** The operand at `first + offset`, or zero outside of the matrix. */
function packPart(
  packing: Packing,
  operand: Operand,
  scope: Scope,
  offset: string,
  isDeepExact: boolean,
): string {
  const place = placePart(packing, operand, scope, offset, 1);
  const value = expressionText(packing.text, scope, operand.value);
  return insideOnly("0.0", value, place, isDeepExact);
}

/** Whether the operand's first strided load steps by one element along k (rather than along m or n). */
function isContiguousInK({ kernel }: Packing, operand: Operand): boolean {
  const inner = (axes: readonly Axis[]): number | undefined =>
    axes.findLast((axis) => axis.extent > 1)?.id;
  for (const load of loadsOf(operand.value)) {
    const strides = affine(load.index)?.strides;
    if (strides === undefined) continue;
    const k = inner(kernel.k);
    const free = inner(operand.free);
    if (k !== undefined && strides.get(k) === 1) return true;
    if (free !== undefined && strides.get(free) === 1) return false;
  }
  return true;
}
