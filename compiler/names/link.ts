// A line of a map at one tensor of ours -> how its entries lie in theirs: both are walked in step, each with strides of
// its own. That is transpose, permute, reshape, split, join and slice at once, and it is the same in both directions.
import type { Expression, NameLayout } from "../../grammar/syntax.ts";
import {
  factoredAxes,
  keysOf,
  rest,
  stack,
  withRank,
  withRest,
  type FactoredAxis,
} from "./axes.ts";
import { plainValue, type Lookup } from "./plain-value.ts";

/** One direction of the walk. */
export interface Stride {
  readonly size: number;
  /** Entries from one to the next, in each of the tensors. */
  readonly ours: number;
  readonly theirs: number;
}

export interface Walk {
  readonly theirShape: readonly number[];
  readonly strides: readonly Stride[];
  /** Of several tensors of theirs that ours joins: entries of ours from one to the next. */
  readonly stackStride: number;
  /** Where in theirs the walk begins. */
  readonly offset: number;
  /** The arrow itself, where another size of theirs may be met; absent where axes lie the same. */
  readonly factors?: Factors;
}

/** Keys of each axis, ours and theirs, and how large each is here. */
export interface Factors {
  readonly ours: readonly (readonly string[])[];
  readonly theirs: readonly (readonly string[])[];
  readonly sizes: Readonly<Record<string, number>>;
}

export interface Place {
  readonly shape: readonly number[];
  /** Which of several of ours that part theirs, and how many there are. */
  readonly index: number;
  readonly ours: number;
  /** How many of theirs ours joins. */
  readonly theirs: number;
  readonly lookup: Lookup;
}

/** Why an arrow does not fit, in words; or the walk. */
export type WalkResult = { readonly walk: Walk } | { readonly fault: string };

export function walkOf(layout: NameLayout | undefined, place: Place): WalkResult {
  if (layout?.to === undefined) return sameWalk(place.shape);
  const left = factoredAxes(layout.from.shape);
  const right = factoredAxes(layout.to.shape);
  if (left === undefined || right === undefined)
    return { fault: "its axes are names, groups of names, or 1" };
  const ours = withRank(right, place.shape.length);
  if (ours === undefined)
    return {
      fault: `it says ${right.length} axes of ours, but there are ${place.shape.length}`,
    };
  const theirs = withRest(left, ours.length - right.length + 1);
  const sizes = new Sizes(layout, place, ours, theirs);
  const fault = sizes.solve(place.shape);
  return fault === undefined ? { walk: sizes.walk(place) } : { fault };
}

function sameWalk(shape: readonly number[]): { readonly walk: Walk } {
  const count = shape.reduce((product, size) => product * size, 1);
  const strides = [{ size: count, ours: 1, theirs: 1 }];
  return { walk: { theirShape: shape, strides, stackStride: 0, offset: 0 } };
}

interface Slice {
  readonly from: number;
  readonly to: number | undefined;
}

class Sizes {
  private readonly place: Place;
  private readonly ours: readonly FactoredAxis[];
  private readonly theirs: readonly FactoredAxis[];
  /** Extents in ours, by key. */
  private readonly known = new Map<string, number>();
  /** Extents in theirs of what is sliced there. */
  private readonly whole = new Map<string, number>();
  private readonly slices = new Map<string, Slice>();

  constructor(
    layout: NameLayout,
    place: Place,
    ours: readonly FactoredAxis[],
    theirs: readonly FactoredAxis[],
  ) {
    this.place = place;
    this.ours = ours;
    this.theirs = theirs;
    for (const axis of layout.slice?.axes ?? []) {
      if (axis.kind !== "axis-name" || axis.size?.kind !== "range") continue;
      const from = this.number(axis.size.from) ?? 0;
      this.slices.set(axis.name.text, { from, to: this.number(axis.size.to) });
    }
  }

  /** Undefined, or why the sizes do not fit. */
  solve(shape: readonly number[]): string | undefined {
    for (const factor of this.theirs.flat()) this.write(factor.key, factor.size, true);
    for (const factor of this.ours.flat()) this.write(factor.key, factor.size, false);
    const names = keysOf(this.ours).filter((key) => !this.known.has(key));
    this.divideOut(shape);
    // What the shape leaves open may be a setting of the block: `heads`.
    for (const name of names) {
      const setting = this.known.has(name) ? undefined : this.place.lookup(name);
      if (typeof setting === "number") this.known.set(name, setting);
      this.divideOut(shape);
    }
    return this.faultOf(shape) ?? this.faultOfSlices();
  }

  private number(expression: Expression | undefined): number | undefined {
    const value = expression && plainValue(expression, this.place.lookup);
    return typeof value === "number" ? value : undefined;
  }

  private write(key: string, size: Expression | undefined, isTheirs: boolean): void {
    const value = this.number(size);
    if (value === undefined) return;
    const slice = this.slices.get(key);
    if (slice === undefined || !isTheirs) this.known.set(key, value);
    else {
      this.whole.set(key, value);
      const end = slice.to === undefined ? value : slice.to < 0 ? value + slice.to : slice.to;
      this.known.set(key, end - slice.from);
    }
  }

  /** In each axis of ours one factor may be left to divide out. */
  private divideOut(shape: readonly number[]): void {
    this.ours.forEach((axis, i) => {
      const open = axis.filter(({ key }) => !this.known.has(key));
      const product = this.product(axis);
      if (open.length === 1 && shape[i]! % product === 0)
        this.known.set(open[0]!.key, shape[i]! / product);
    });
  }

  private product(axis: FactoredAxis): number {
    return axis.reduce((product, { key }) => product * (this.known.get(key) ?? 1), 1);
  }

  private faultOf(shape: readonly number[]): string | undefined {
    for (const [i, axis] of this.ours.entries()) {
      const open = axis.find(({ key }) => !this.known.has(key));
      if (open !== undefined)
        return `nothing says how large \`${open.key}\` is in an axis of ${shape[i]}`;
      const product = this.product(axis);
      if (product !== shape[i])
        return `its axis ${i + 1} of ours has ${product} entries, but there are ${shape[i]}`;
    }
    const open = this.theirs.flat().find(({ key }) => !this.known.has(key) && key !== stack);
    return open && `nothing says how large \`${open.key}\` is`;
  }

  private faultOfSlices(): string | undefined {
    for (const [key, { from, to }] of this.slices) {
      if (this.whole.has(key)) continue;
      const size = this.known.get(key);
      if (size === undefined) return `the slice is of \`${key}\`, which the arrow does not have`;
      if (to !== undefined && to >= 0)
        return `say how large \`${key}\` is in theirs: (${key} = 3 …)`;
      this.whole.set(key, from + size - (to ?? 0));
    }
    return undefined;
  }

  private sizeInTheirs(key: string): number {
    if (key === stack && this.place.ours > 1) return this.place.ours;
    return this.whole.get(key) ?? this.known.get(key)!;
  }

  private factors(): Factors {
    const sizes = Object.fromEntries(this.known);
    return { ours: namesOf(this.ours), theirs: namesOf(this.theirs), sizes };
  }

  walk({ index }: Place): Walk {
    const ours = stridesOf(namesOf(this.ours), (key) => this.known.get(key)!);
    const theirs = stridesOf(namesOf(this.theirs), (key) => this.sizeInTheirs(key));
    let offset = this.place.ours > 1 ? index * theirs.get(stack)! : 0;
    for (const [key, { from }] of this.slices) offset += from * theirs.get(key)!;
    const strides = keysOf(this.ours)
      .filter((key) => key !== stack || this.place.theirs === 1)
      .map((key) => ({
        size: this.known.get(key)!,
        ours: ours.get(key)!,
        theirs: theirs.get(key)!,
      }));
    const theirShape = this.theirs.map((axis) =>
      axis.reduce((product, { key }) => product * this.sizeInTheirs(key), 1),
    );
    const stackStride = this.place.theirs > 1 ? ours.get(stack)! : 0;
    const isPlain = this.slices.size === 0 && this.place.theirs === 1 && this.place.ours === 1;
    return {
      theirShape,
      strides: merged(strides),
      stackStride,
      offset,
      ...(isPlain ? { factors: this.factors() } : {}),
    };
  }
}

function namesOf(axes: readonly FactoredAxis[]): readonly (readonly string[])[] {
  return axes.map((axis) => axis.map(({ key }) => key));
}

/** Entries from one to the next of each factor, the last factor of the last axis being the densest. */
function stridesOf(
  axes: readonly (readonly string[])[],
  sizeOf: (key: string) => number,
): ReadonlyMap<string, number> {
  const strides = new Map<string, number>();
  let stride = 1;
  for (const key of axes.flat().toReversed()) {
    strides.set(key, stride);
    stride *= sizeOf(key);
  }
  return strides;
}

export interface Refit {
  /** Ours as it would be of the size that theirs has. */
  readonly shape: readonly number[];
  readonly walk: Walk;
}

/**
 * The same arrow at another size of theirs; undefined where that does not say how large ours is. `parts` are the sizes
 * of an axis of theirs that is made of several, behind `skipped` entries that we do not have.
 */
export function refit(
  walk: Walk,
  theirShape: readonly number[],
  parts?: readonly number[],
  skipped = 0,
): Refit | undefined {
  const { factors } = walk;
  if (factors === undefined) {
    const isSame = walk.offset === 0 && walk.stackStride === 0 && walk.strides.length === 1;
    const same = sameWalk(theirShape);
    return isSame ? { shape: theirShape, walk: same.walk } : undefined;
  }
  if (factors.theirs.length !== theirShape.length) return undefined;
  const sizes = new Map<string, number>();
  let offset = 0;
  for (const [i, axis] of factors.theirs.entries()) {
    const extent = theirShape[i]!;
    const now = axis.map((key) => factors.sizes[key]!);
    const product = (each: readonly number[]) => each.reduce((all, size) => all * size, 1);
    const found = product(now) === extent ? now : axis.length === 1 ? [extent] : parts;
    if (found?.length !== axis.length) return undefined;
    const skip = found === parts && axis.length > 1 ? skipped : 0;
    if (product(found) + skip !== extent) return undefined;
    offset += skip * product(theirShape.slice(i + 1));
    axis.forEach((key, at) => sizes.set(key, found[at]!));
  }
  const sizeOf = (key: string) => sizes.get(key)!;
  const shape = factors.ours.map((axis) => axis.reduce((all, key) => all * sizeOf(key), 1));
  const ours = stridesOf(factors.ours, sizeOf);
  const theirs = stridesWithin(factors.theirs, sizeOf, theirShape);
  const strides = factors.ours
    .flat()
    .map((key) => ({ size: sizeOf(key), ours: ours.get(key)!, theirs: theirs.get(key)! }));
  return { shape, walk: { theirShape, strides: merged(strides), stackStride: 0, offset } };
}

/** The same where an axis may have more entries than its factors. */
function stridesWithin(
  axes: readonly (readonly string[])[],
  sizeOf: (key: string) => number,
  extents: readonly number[],
): ReadonlyMap<string, number> {
  const strides = new Map<string, number>();
  axes.forEach((axis, i) => {
    let stride = extents.slice(i + 1).reduce((all, size) => all * size, 1);
    for (const key of axis.toReversed()) {
      strides.set(key, stride);
      stride *= sizeOf(key);
    }
  });
  return strides;
}

/** Neighbours that are one run in both tensors become one. */
function merged(strides: readonly Stride[]): readonly Stride[] {
  const kept: Stride[] = [];
  for (const stride of strides) {
    const before = kept.at(-1);
    const runsOn =
      before?.ours === stride.ours * stride.size && before.theirs === stride.theirs * stride.size;
    if (runsOn) kept[kept.length - 1] = { ...stride, size: before.size * stride.size };
    else if (stride.size !== 1) kept.push(stride);
  }
  return kept;
}

/** What is wrong with an arrow whatever the sizes are; undefined where nothing is. */
export function faultOfArrow(layout: NameLayout, ours: number, theirs: number): string | undefined {
  const { from, to } = layout;
  if (to === undefined) return "it says how axes lie in theirs and not how they lie in ours";
  const left = factoredAxes(from.shape);
  const right = factoredAxes(to.shape);
  if (left === undefined || right === undefined) return "its axes are names, groups of names, or 1";
  if ((from.count?.value ?? 1) !== theirs)
    return `there are ${theirs} names of theirs: write ${theirs} * in front of their axes`;
  if ((to.count?.value ?? 1) !== ours)
    return `there are ${ours} names of ours: write ${ours} * in front of their axes`;
  const [inTheirs, inOurs] = [left, right].map((axes) => {
    const [plain] = axes.flat().filter(({ key }) => key === stack);
    return plain?.size?.kind === "number" ? plain.size.value : 1;
  });
  if (ours === 1 && theirs === 1 && inTheirs !== inOurs)
    return `a plain ${Math.max(inTheirs!, inOurs!)} stands on one side only`;
  if (theirs > 1 && inOurs !== theirs)
    return `a plain ${theirs} in ours must say where the ${theirs} lie, as in [(${theirs} out)]`;
  if (ours > 1 && inTheirs !== ours)
    return `a plain ${ours} in theirs must say where the ${ours} lie, as in [(${ours} out)]`;
  return faultOfKeys(keysOf(left), keysOf(right));
}

function faultOfKeys(left: readonly string[], right: readonly string[]): string | undefined {
  const twice = [left, right].flatMap((side) => side.filter((key, i) => side.indexOf(key) !== i));
  if (twice[0] !== undefined) return `\`${twice[0]}\` stands twice on one side`;
  const lonely = [
    ...left.filter((key) => key !== stack && !right.includes(key)),
    ...right.filter((key) => key !== stack && !left.includes(key)),
  ];
  if (lonely[0] === undefined) return undefined;
  const name = lonely[0] === rest ? "`..`" : `\`${lonely[0]}\``;
  return `${name} stands on one side only`;
}
