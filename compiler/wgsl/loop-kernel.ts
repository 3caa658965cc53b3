// A loop kernel -> WGSL. Each point of the grid belongs to `lanes` invocations of one workgroup, which share its row:
// lane t takes elements t, t + lanes, ... and exchanges between neighbours and a tree in workgroup memory join the lanes,
// in a fixed order.
// Where rows are contiguous in memory neighbouring invocations are lanes of one row; where the grid is, they are
// neighbouring points (`isColumn`), so that either way a subgroup reads neighbouring addresses.
// Where columns are summed a workgroup has a part of the grid: its rows go by one after the other, and each lane holds the
// sums of the columns that it visits (`loop-columns.ts`).
import type { LoopKernel, Stage } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import { Dependence } from "./dependence.ts";
import { reducedOf } from "./expression-parts.ts";
import { convert, extreme, literal, wgslType } from "./dtype-text.ts";
import { expressionText, storesText } from "./expression-text.ts";
import type { KernelText } from "./kernel-text.ts";
import { addToColumns, writePart } from "./loop-columns.ts";
import { chooseSpread, type Spread } from "./loop-spread.ts";
import { overRow, type Generation } from "./loop-walk.ts";
import { Scope } from "./scope.ts";
import { exchanged, exchangeMasks } from "./subgroups.ts";
import { extentOf } from "../kernels/extent.ts";
import { blockNumber, foldWorkgroups, splitPosition, type Workgroups } from "./workgroups.ts";

type Reduce = Stage & { kind: "reduce" };
type StoreStage = Stage & { kind: "store" };

export interface KernelShape {
  readonly threads: number;
  readonly workgroups: Workgroups;
}

export function writeLoopKernel(text: KernelText, kernel: LoopKernel, limits: Limits): KernelShape {
  const spread = chooseSpread(kernel, limits);
  const gridExtent = extentOf(kernel.parts === undefined ? kernel.grid : [kernel.parts.axis]);
  const count = Math.ceil(gridExtent / spread.points);
  const workgroups = foldWorkgroups(count, limits);
  blockNumber(text, count, workgroups);
  const isExact = gridExtent % spread.points === 0;
  writePoint(text, spread, gridExtent, isExact);
  const generation: Generation = {
    text,
    kernel,
    limits,
    spread,
    rowExtent: extentOf(kernel.row),
    rowAxes: new Set(kernel.row.map((axis) => axis.id)),
    dependence: new Dependence(),
    scope: new Scope(),
  };
  if (kernel.parts === undefined) writeGridPoint(generation, "point", isExact);
  else writePart(generation, kernel.parts, (inner) => writeGridPoint(inner, "line", true));
  return { threads: spread.lanes * spread.points, workgroups };
}

/** All stages at one point of the grid. */
function writeGridPoint(generation: Generation, point: string, isExact: boolean): void {
  const { text, kernel, scope } = generation;
  splitPosition(text, scope, kernel.grid, point);
  for (const group of groupStages(kernel.stages)) {
    if (group.kind === "reduce") writeReductions(generation, group.stages);
    else if (group.over === "row") writeRowStores(generation, group.stages, isExact);
    else writeGridStores(generation, group.stages, isExact);
  }
}

/** `point` is the grid point of this invocation, clamped where the last workgroup is not full; `lane` its place in the row. */
function writePoint(text: KernelText, spread: Spread, extent: number, isExact: boolean): void {
  const { lanes, points, isColumn } = spread;
  const within = isColumn ? `local % ${points}` : `local / ${lanes}`;
  if (lanes > 1) text.line(`let lane = ${isColumn ? `local / ${points}` : `local % ${lanes}`};`);
  text.line(`let place = block * ${points} + ${lanes === 1 ? "local" : within};`);
  text.line(`let point = ${isExact ? "place" : `min(place, ${extent - 1})`};`);
}

type StageGroup =
  | { readonly kind: "reduce"; readonly stages: (readonly [number, Reduce])[] }
  | { readonly kind: "store"; readonly over: "grid" | "row"; readonly stages: StoreStage[] };

/** Consecutive stages that can share one walk over the row: reductions that do not use each other, stores. */
function groupStages(stages: readonly Stage[]): StageGroup[] {
  const groups: StageGroup[] = [];
  stages.forEach((stage, number) => {
    const last = groups.at(-1);
    if (stage.kind === "store") {
      // What is added up over columns goes by with the row.
      const over = stage.over === "grid" ? "grid" : "row";
      if (last?.kind === "store" && last.over === over) last.stages.push(stage);
      else groups.push({ kind: "store", over, stages: [stage] });
      return;
    }
    if (
      last?.kind === "reduce" &&
      !usesAny(
        stage,
        last.stages.map(([of]) => of),
      )
    )
      last.stages.push([number, stage]);
    else groups.push({ kind: "reduce", stages: [[number, stage]] });
  });
  return groups;
}

function usesAny(stage: Reduce, numbers: readonly number[]): boolean {
  return reducedOf(stage.value).some((number) => numbers.includes(number));
}

function writeReductions(
  generation: Generation,
  stages: readonly (readonly [number, Reduce])[],
): void {
  const { text, scope, dependence, rowAxes } = generation;
  const partials = stages.map(([number, stage]) => {
    dependence.hoist(text, scope, stage.value, rowAxes);
    return startPartial(text, number, stage);
  });
  overRow(generation, (inner) =>
    stages.forEach(([, stage], at) => {
      const value = convert(expressionText(text, inner, stage.value), stage.value.dtype, valueType(stage)); // prettier-ignore
      accumulate(text, stage, partials[at]!, value, "element");
    }),
  );
  stages.forEach(([number, stage], at) => {
    if (generation.spread.lanes > 1) joinLanes(generation, stage, partials[at]!);
    // A row of nothing but NaN has no best element.
    if (isPosition(stage))
      text.line(`${partials[at]!.position} = max(${partials[at]!.position}, 0);`);
    scope.setReduced(number, resultText(stage, partials[at]!));
  });
}

/** The variables of a reduction: its value so far and, for argmax and argmin, where it was found. */
interface Partial {
  readonly value: string;
  readonly position: string;
}

function startPartial(text: KernelText, number: number, stage: Reduce): Partial {
  const partial = { value: `best${number}`, position: `where${number}` };
  const dtype = valueType(stage);
  const start =
    stage.reducer === "sum"
      ? literal(0, dtype)
      : extreme(dtype, isLargest(stage) ? "lowest" : "highest");
  text.line(`var ${partial.value}: ${wgslType(dtype)} = ${start};`);
  if (isPosition(stage)) text.line(`var ${partial.position}: i32 = -1;`);
  return partial;
}

/** What is carried along the row: a bool as 0 or 1, since WGSL has no order of bools. */
function valueType(stage: Reduce): Reduce["dtype"] {
  const dtype = isPosition(stage) ? stage.value.dtype : stage.dtype;
  return dtype === "bool" ? "u32" : dtype;
}

function resultText(stage: Reduce, partial: Partial): string {
  if (isPosition(stage)) return convert(partial.position, "i32", stage.dtype);
  return convert(partial.value, valueType(stage), stage.dtype);
}

function isPosition(stage: Reduce): boolean {
  return stage.reducer === "argmax" || stage.reducer === "argmin";
}

function isLargest(stage: Reduce): boolean {
  return stage.reducer === "max" || stage.reducer === "argmax";
}

/** Takes one more value in; among equal values the earliest position wins. */
function accumulate(
  text: KernelText,
  stage: Reduce,
  partial: Partial,
  value: string,
  position: string,
): void {
  switch (stage.reducer) {
    case "sum":
      return text.line(`${partial.value} += ${value};`);
    case "max":
    case "min":
      return text.line(`${partial.value} = ${stage.reducer}(${partial.value}, ${value});`);
    case "argmax":
    case "argmin": {
      const better = `${value} ${stage.reducer === "argmax" ? ">" : "<"} ${partial.value}`;
      // As unsigned numbers, so that "none yet" (-1) is later than every position.
      const first = `u32(${position}) < u32(${partial.position})`;
      return text.block(`if (${better} || (${value} == ${partial.value} && ${first}))`, () => {
        text.line(`${partial.value} = ${value};`);
        text.line(`${partial.position} = ${position};`);
      });
    }
  }
}

/** Joins the partial results of a row's lanes: neighbours by exchange where there are subgroups, the rest in memory. */
function joinLanes(generation: Generation, stage: Reduce, partial: Partial): void {
  const { text, spread, limits } = generation;
  const { lanes, points, isColumn } = spread;
  const masks = exchangeMasks(lanes, isColumn ? points : 1, limits);
  for (const mask of masks) {
    const other = text.define("other", exchanged(partial.value, mask));
    const where = isPosition(stage) ? text.define("where", exchanged(partial.position, mask)) : "";
    accumulate(text, stage, partial, other, where);
  }
  const joined = 2 ** masks.length;
  if (joined < lanes) joinInMemory(generation, stage, partial, joined);
}

/** Halves the number of partial results, each `joined` lanes' own, until lane 0 has all; then every lane reads that. */
function joinInMemory(
  generation: Generation,
  stage: Reduce,
  partial: Partial,
  joined: number,
): void {
  const { text, spread } = generation;
  const { lanes, points, isColumn } = spread;
  const values = sharedArray(generation, valueType(stage));
  const positions = isPosition(stage) ? sharedArray(generation, "i32", "Positions") : undefined;
  const publish = (): void => {
    text.line(`${values}[local] = ${partial.value};`);
    if (positions !== undefined) text.line(`${positions}[local] = ${partial.position};`);
  };
  publish();
  text.line("workgroupBarrier();");
  text.block(`for (var half = ${lanes / 2}; half >= ${joined}; half = half / 2)`, () => {
    text.block("if (lane < half)", () => {
      const other = isColumn ? `local + half * ${points}` : "local + half";
      text.line(`let other = ${values}[${other}];`);
      if (positions !== undefined) text.line(`let otherWhere = ${positions}[${other}];`);
      accumulate(text, stage, partial, "other", "otherWhere");
      publish();
    });
    text.line("workgroupBarrier();");
  });
  const first = isColumn ? "local - lane * " + points : "local - lane";
  text.line(`${partial.value} = ${values}[${first}];`);
  if (positions !== undefined) text.line(`${partial.position} = ${positions}[${first}];`);
  // The next reduction writes the same workgroup memory.
  text.line("workgroupBarrier();");
}

function sharedArray({ text, spread }: Generation, dtype: Reduce["dtype"], suffix = ""): string {
  const type = wgslType(dtype);
  const name = `shared_${type}${suffix}`;
  text.declare(`var<workgroup> ${name}: array<${type}, ${spread.lanes * spread.points}>;`);
  return name;
}

function writeRowStores(
  generation: Generation,
  stages: readonly StoreStage[],
  isExact: boolean,
): void {
  const { text, scope, dependence, rowAxes } = generation;
  for (const { store } of stages) dependence.hoist(text, scope, store.value, rowAxes);
  const rows = stages.filter(({ over }) => over === "row");
  const walk = (): void =>
    overRow(generation, (inner) => {
      if (rows.length < stages.length) addToColumns(generation, inner);
      storesText(
        text,
        inner,
        rows.map(({ store }) => store),
      );
    });
  if (isExact) walk();
  else text.block("if (place == point)", walk);
}

function writeGridStores(
  generation: Generation,
  stages: readonly StoreStage[],
  isExact: boolean,
): void {
  const { text, scope, spread } = generation;
  const conditions = [
    ...(isExact ? [] : ["place == point"]),
    ...(spread.lanes > 1 ? ["lane == 0"] : []),
  ];
  const write = (inner: Scope) => (): void =>
    storesText(
      text,
      inner,
      stages.map(({ store }) => store),
    );
  if (conditions.length === 0) write(scope)();
  else text.block(`if (${conditions.join(" && ")})`, write(new Scope(scope)));
}
