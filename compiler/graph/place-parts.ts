// A lowered recipe -> where its arrays lie: parameters by optimizer group, those that are renewed at once side by side,
// their slots and twins beside them in the same order, frozen parameters together, states that the step renews together,
// each constant state on its own.
import type { ResidentLayout } from "../compiled.ts";
import { segmentsOf } from "./apply-segmented.ts";
import type { Segments } from "./apply-segmented.ts";
import type { Parameter, State } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type { LoweredRecipe, OptimizerUse, ParameterGroup } from "./lowered.ts";
import type { HostExpression } from "./lowered.ts";
import { placeLossScale } from "./loss-scale.ts";
import { besideEachOther } from "./lying-together.ts";
import { canMerge, mergedOptimizer } from "./merge-groups.ts";
import { bodyFor } from "./optimizer-body.ts";
import { renewedTogether } from "./renewed-together.ts";
import { LayoutBuilder, packingOrder, splitInRuns } from "./resident-layout.ts";
import type { Part } from "./resident-layout.ts";

export interface PlacedGroup {
  /** The flat array of its parameters. */
  readonly resident: string;
  readonly parameters: readonly Parameter[];
  /** What of it is renewed at once: all, unless the optimizer looks at shapes. */
  readonly pieces: readonly PlacedPiece[];
  readonly lr: HostExpression;
  readonly clamp?: { readonly low: number; readonly high: number };
}

/** A run of the parameters of a group. */
export interface PlacedPiece {
  readonly parameters: readonly Parameter[];
  /** Elements of the group's array. */
  readonly offset: number;
  readonly length: number;
  readonly optimizer: OptimizerUse;
  /** `stacked`: the parameters have one shape, which the optimizer looks at. */
  readonly how: "flat" | "stacked";
  /** Where a flat one sums over each parameter. */
  readonly segments?: Segments;
  /** The array of a slot. */
  slotResident(slot: string): string;
}

export interface PlacedParts {
  readonly groups: readonly PlacedGroup[];
  readonly layout: ResidentLayout;
}

/** @param together paths of parameters that should lie one behind the other, list by list */
export function placeParts(
  recipe: LoweredRecipe,
  residentElements: number,
  together: readonly (readonly string[])[] = [],
): PlacedParts {
  const layout = new LayoutBuilder();
  const byPath = new Map(recipe.parameters.map((parameter) => [parameter.path, parameter]));
  const splits = recipe.groups.flatMap((group) => {
    const parameters = group.paths.map((path) => byPath.get(path)!);
    const ordered = besideEachOther(parameters, together);
    return splitGroup(group, ordered, recipe, residentElements);
  });
  const groups = gathered(merged(splits, residentElements), residentElements).map(placedGroup);
  for (const group of groups) placeGroup(group, recipe, layout);
  const frozen = recipe.parameters.filter(({ path }) => !layout.has(path));
  const rest = besideEachOther(frozen, together);
  splitInRuns(rest, residentElements).forEach((chunk, k) =>
    layout.add(`frozen.${k}`, packingOrder(chunk).map(parameterPart)),
  );
  placeRenewedStates(recipe, layout, residentElements);
  for (const state of recipe.states)
    if (!layout.has(state.path)) layout.add(state.path, [statePart(state, recipe)]);
  if (recipe.precision === "f16") placeLossScale(layout);
  if (recipe.accumulate > 1) placeAccumulators(groups, recipe, layout);
  return { groups, layout: layout.finish() };
}

/** Parameters that are renewed at once. */
interface Split {
  readonly parameters: readonly Parameter[];
  readonly group: ParameterGroup;
  readonly clamp?: { readonly low: number; readonly high: number };
  /** Its group has several, since the optimizer looks at shapes: they share an array. */
  readonly isByShape?: boolean;
}

/** Clamped parameters stand apart; what is longer than an array may be is split. */
function splitGroup(
  group: ParameterGroup,
  parameters: readonly Parameter[],
  recipe: LoweredRecipe,
  residentElements: number,
): Split[] {
  const clampOf = (path: string) => recipe.clamps.find((clamp) => clamp.path === path);
  const free = packingOrder(parameters.filter(({ path }) => !clampOf(path)));
  const clamped = parameters.filter(({ path }) => clampOf(path));
  const together = isWhole(group.optimizer, free)
    ? [{ parameters: free, group }]
    : renewedTogether(group.optimizer, free).map(({ parameters: alike, optimizer }) => ({
        parameters: alike,
        group: { ...group, optimizer },
        isByShape: true,
      }));
  return [
    ...together.flatMap((split) =>
      splitInRuns(split.parameters, residentElements).map((run) => ({ ...split, parameters: run })),
    ),
    ...clamped.map((parameter) => ({
      parameters: [parameter],
      group,
      clamp: clampOf(parameter.path)!,
    })),
  ];
}

function isWhole({ reach }: OptimizerUse, parameters: readonly Parameter[]): boolean {
  return reach === "element" || (reach === "sums" && segmentsOf(parameters.map(lengthOf)) !== undefined); // prettier-ignore
}

/** Splits whose optimizers differ in settings alone are one, where an array may be as long. */
function merged(splits: readonly Split[], residentElements: number): Split[] {
  const bundles: Split[][] = [];
  // Vectors: what follows a split of an odd length begins where none may. Then the longest first: gradients come from the
  // end of each split, so those that are there lie near each other behind all that is free, but for the last, short splits.
  for (const split of splits.toSorted(
    (a, b) => Number(isOdd(a)) - Number(isOdd(b)) || elementsOf(b) - elementsOf(a),
  )) {
    const bundle = bundles.find((each) => fits(each, split, residentElements));
    if (bundle) bundle.push(split);
    else bundles.push([split]);
  }
  return bundles.map((bundle) => {
    const [{ group }] = bundle as [Split];
    if (bundle.length === 1) return bundle[0]!;
    const optimizer = mergedOptimizer(bundle.map(mergeable));
    return {
      parameters: bundle.flatMap(({ parameters }) => parameters),
      group: { ...group, optimizer },
      isByShape: bundle.some(({ isByShape }) => isByShape),
    };
  });
}

function fits(bundle: readonly Split[], split: Split, residentElements: number): boolean {
  return (
    fitTogether([...bundle, split], residentElements) && canMerge([...bundle, split].map(mergeable))
  );
}

/** Whether these can lie in one array, at one rate. */
function fitTogether(splits: readonly Split[], residentElements: number): boolean {
  const [{ group }] = splits as [Split];
  const total = splits.flatMap(lengthsOf).reduce((sum, each) => sum + each, 0);
  return (
    total <= residentElements &&
    !splits.some(({ clamp }) => clamp) &&
    splits.every((split) => JSON.stringify(split.group.lr) === JSON.stringify(group.lr))
  );
}

/** What is split by shape alone is one group still: its gradients have one norm, and its parameters one array. */
function gathered(splits: readonly Split[], residentElements: number): Split[][] {
  const groups: Split[][] = [];
  for (const split of splits) {
    const group = groups.find(
      (each) =>
        split.isByShape && each[0]!.isByShape && fitTogether([...each, split], residentElements),
    );
    if (group) group.push(split);
    else groups.push([split]);
  }
  return groups;
}

const lengthOf = ({ shape }: Parameter) => elementCount(shape);
const lengthsOf = ({ parameters }: Split) => parameters.map(lengthOf);
const mergeable = (split: Split) => ({
  lengths: lengthsOf(split),
  optimizer: split.group.optimizer,
});
const elementsOf = (split: Split) => lengthsOf(split).reduce((sum, each) => sum + each, 0);
const isOdd = (split: Split) => elementsOf(split) % 4 !== 0;

function placedGroup(splits: readonly Split[], k: number): PlacedGroup {
  const [{ group, clamp }] = splits as [Split];
  const resident = `parameters.${k}`;
  let offset = 0;
  const pieces = splits.map((split, i) => {
    const name = splits.length === 1 ? resident : `${resident}.${i}`;
    const piece = placedPiece(split, offset, name);
    offset += piece.length;
    return piece;
  });
  return {
    resident,
    parameters: splits.flatMap(({ parameters }) => parameters),
    pieces,
    lr: group.lr,
    ...(clamp ? { clamp } : {}),
  };
}

function placedPiece({ parameters, group }: Split, offset: number, name: string): PlacedPiece {
  const { optimizer } = group;
  const lengths = parameters.map(lengthOf);
  const segments = optimizer.reach === "sums" ? segmentsOf(lengths) : undefined;
  return {
    parameters,
    offset,
    length: lengths.reduce((sum, each) => sum + each, 0),
    optimizer,
    how: optimizer.reach === "element" || segments ? "flat" : "stacked",
    ...(segments ? { segments } : {}),
    slotResident: (slot) => `${slot}/${name}`,
  };
}

function placeGroup(group: PlacedGroup, recipe: LoweredRecipe, layout: LayoutBuilder): void {
  layout.add(group.resident, group.parameters.map(parameterPart));
  for (const slot of group.pieces.flatMap(slotsOf)) layout.add(slot.resident, slot.parts);
  for (const twin of recipe.twins) {
    const states = new Map(twin.follows.map(({ state, parameter }) => [parameter, state]));
    const parts = group.parameters.flatMap(({ path, shape, dtype }): Part[] => {
      const state = states.get(path);
      if (state === undefined) return [];
      const initializer = { kind: "copy", settings: { path } };
      return [{ path: state, role: "twin", shape, dtype, initializer, trainable: false }];
    });
    if (parts.length > 0) layout.add(`${twin.name}/${group.resident}`, parts);
  }
}

/** The slots that the optimizer asks for, found by applying it once to nodes that go nowhere. */
function slotsOf(piece: PlacedPiece): { resident: string; parts: Part[] }[] {
  const { parameters, optimizer, how, length } = piece;
  const shape = how === "flat" ? [length] : parameters[0]!.shape;
  return bodyFor(optimizer.apply, shape)!.applied.slots.map(({ name, state }) => ({
    resident: piece.slotResident(name),
    parts: parameters.map((parameter): Part => ({
      path: `${name}/${parameter.path}`,
      role: "slot",
      shape: how === "flat" ? parameter.shape : state.shape,
      dtype: state.dtype,
      initializer: state.initializer,
      trainable: false,
    })),
  }));
}

/** Running statistics lie together: one kernel keeps the old ones of a step that is not sound. */
function placeRenewedStates(
  recipe: LoweredRecipe,
  layout: LayoutBuilder,
  residentElements: number,
): void {
  const renewed = new Set([
    ...recipe.choices.flatMap(({ stateUpdates }) => stateUpdates.map(({ path }) => path)),
    ...recipe.twins.flatMap(({ statistics }) => statistics.map(({ state }) => state)),
  ]);
  const states = recipe.states.filter(({ path }) => renewed.has(path) && !layout.has(path));
  const runs = [...new Set(states.map(({ dtype }) => dtype))].flatMap((dtype) =>
    splitInRuns(packingOrder(states.filter((state) => state.dtype === dtype)), residentElements),
  );
  runs.forEach((run, k) => {
    layout.add(`states.${k}`, run.map((state) => statePart(state, recipe))); // prettier-ignore
  });
}

function placeAccumulators(
  groups: readonly PlacedGroup[],
  recipe: LoweredRecipe,
  layout: LayoutBuilder,
): void {
  const accumulator = (path: string, length: number): Part => ({
    path,
    role: "accumulator",
    shape: [length],
    dtype: "f32",
    initializer: { kind: "zeros", settings: {} },
    trainable: false,
  });
  groups.forEach((group, k) => {
    const length = group.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    layout.add(`gradients.${k}`, [accumulator(`gradients.${k}`, length)]);
  });
  const losses = recipe.losses.length > 1 ? recipe.losses.length : 0;
  layout.add("metrics", [accumulator("metrics", 2 + losses + recipe.metrics.length)]);
}

function parameterPart({ path, shape, dtype, initializer, trainable }: Parameter): Part {
  return { path, role: "parameter", shape, dtype, initializer, trainable };
}

function statePart({ path, shape, dtype, initializer }: State, recipe: LoweredRecipe): Part {
  const follows = recipe.twins.some((twin) => twin.follows.some(({ state }) => state === path));
  return { path, role: follows ? "twin" : "state", shape, dtype, initializer, trainable: false };
}
