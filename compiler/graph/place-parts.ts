// A lowered recipe -> where its arrays lie: parameters by optimizer group, their slots and twins beside them in the
// same order, frozen parameters together, states that the step renews together, each constant state on its own.
import type { ResidentLayout } from "../compiled.ts";
import { segmentsOf } from "./apply-segmented.ts";
import type { Segments } from "./apply-segmented.ts";
import { Builder } from "./builder.ts";
import type { Parameter, State } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type { LoweredRecipe, OptimizerUse, ParameterGroup } from "./lowered.ts";
import type { HostExpression } from "./lowered.ts";
import { placeLossScale } from "./loss-scale.ts";
import { besideEachOther } from "./lying-together.ts";
import { canMerge, mergedOptimizer } from "./merge-groups.ts";
import { LayoutBuilder, packingOrder, splitInRuns } from "./resident-layout.ts";
import type { Part } from "./resident-layout.ts";

export interface PlacedGroup {
  /** The flat array of its parameters. */
  readonly resident: string;
  readonly parameters: readonly Parameter[];
  readonly optimizer: OptimizerUse;
  readonly lr: HostExpression;
  /** The optimizer runs over the whole array at once. */
  readonly isFlat: boolean;
  /** Where it sums over each parameter. */
  readonly segments?: Segments;
  readonly clamp?: { readonly low: number; readonly high: number };
  /** The array of a slot: of the whole group, or of one parameter where the optimizer looks at shapes. */
  slotResident(slot: string, parameter?: string): string;
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
  const groups = merged(splits, residentElements).map((group, k): PlacedGroup =>
    placedGroup(group, k),
  );
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

interface Split {
  readonly parameters: readonly Parameter[];
  readonly group: ParameterGroup;
  readonly clamp?: { readonly low: number; readonly high: number };
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
  return [
    ...splitInRuns(free, residentElements).map((chunk) => ({ parameters: chunk, group })),
    ...clamped.map((parameter) => ({
      parameters: [parameter],
      group,
      clamp: clampOf(parameter.path)!,
    })),
  ];
}

/** Splits whose optimizers differ in settings alone are one, where an array may be as long. */
function merged(splits: readonly Split[], residentElements: number): Split[] {
  const bundles: Split[][] = [];
  // Vectors: what follows a split of an odd length begins where none may.
  for (const split of splits.toSorted((a, b) => Number(isOdd(a)) - Number(isOdd(b)))) {
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
    };
  });
}

function fits(bundle: readonly Split[], split: Split, residentElements: number): boolean {
  const [{ group }] = bundle as [Split];
  const total = [...bundle, split].flatMap(lengthsOf).reduce((sum, each) => sum + each, 0);
  return (
    total <= residentElements &&
    ![...bundle, split].some(({ clamp }) => clamp) &&
    JSON.stringify(group.lr) === JSON.stringify(split.group.lr) &&
    canMerge([...bundle, split].map(mergeable))
  );
}

const lengthsOf = ({ parameters }: Split) => parameters.map(({ shape }) => elementCount(shape));
const mergeable = (split: Split) => ({
  lengths: lengthsOf(split),
  optimizer: split.group.optimizer,
});
const isOdd = (split: Split) => lengthsOf(split).reduce((sum, each) => sum + each, 0) % 4 !== 0;

function placedGroup({ parameters, group, clamp }: Split, k: number): PlacedGroup {
  const { optimizer, lr } = group;
  const segments =
    optimizer.reach === "sums"
      ? segmentsOf(parameters.map(({ shape }) => elementCount(shape)))
      : undefined;
  return {
    resident: `parameters.${k}`,
    parameters,
    optimizer,
    lr,
    isFlat: optimizer.reach === "element" || segments !== undefined,
    ...(segments ? { segments } : {}),
    ...(clamp ? { clamp } : {}),
    slotResident: (slot, parameter) => `${slot}/${parameter ?? `parameters.${k}`}`,
  };
}

function placeGroup(group: PlacedGroup, recipe: LoweredRecipe, layout: LayoutBuilder): void {
  layout.add(group.resident, group.parameters.map(parameterPart));
  for (const slot of slotsOf(group)) layout.add(slot.resident, slot.parts);
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
function slotsOf(group: PlacedGroup): { resident: string; parts: Part[] }[] {
  const probe = (shape: readonly number[], slotPath: (slot: string) => string) => {
    const g = new Builder();
    const scalar = { shape: [], dtype: "f32" } as const;
    const [p, gradient] = ["p", "g"].map((name) => g.input(name, { shape, dtype: "f32" }));
    const at = {
      p: p!,
      g: gradient!,
      t: g.input("t", scalar),
      lr: g.input("lr", scalar),
      slotPath,
    };
    return group.optimizer.apply(g, at).slots;
  };
  const part = (path: string, slot: string, shape: readonly number[], state: State): Part => ({
    path: `${slot}/${path}`,
    role: "slot",
    shape,
    dtype: state.dtype,
    initializer: state.initializer,
    trainable: false,
  });
  if (group.isFlat) {
    const total = group.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return probe([total], (slot) => group.slotResident(slot)).map(({ name, state }) => ({
      resident: group.slotResident(name),
      parts: group.parameters.map(({ path, shape }) => part(path, name, shape, state)),
    }));
  }
  return group.parameters.flatMap((parameter) => {
    const slotPath = (slot: string) => group.slotResident(slot, parameter.path);
    return probe(parameter.shape, slotPath).map(({ name, state }) => ({
      resident: slotPath(name),
      parts: [part(parameter.path, name, state.shape, state)],
    }));
  });
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
