// A lowered recipe -> the graph of a whole training step: forward, backward, clipping, optimizer, twins, metrics.
// Parameters of one group lie in one flat array, and so do their gradients: an optimizer written for one parameter is
// applied to all of a group at once, which is why it takes a few kernels and not a few for each parameter.
// A loss or gradient that is not finite selects the old values everywhere: the state before that step is still there.
import type { EntryGraph, ResidentLayout } from "../compiled.ts";
import { Builder } from "./builder.ts";
import { differentiate } from "./differentiate.ts";
import type { Node, TensorGraph, Update } from "./graph.ts";
import { elementCount } from "./graph.ts";
import { joinProducts, wantedTogether } from "./join-products.ts";
import type { LoweredRecipe, TrainingDataflow } from "./lowered.ts";
import { LossScale } from "./loss-scale.ts";
import { followedStatistics, movedTwin } from "./move-twins.ts";
import type { Moving } from "./move-twins.ts";
import { optimizeGroup } from "./optimize-group.ts";
import { placeParts } from "./place-parts.ts";
import type { PlacedGroup } from "./place-parts.ts";
import { recognise } from "./recognise.ts";
import type { Recognised } from "./recognise.ts";
import { placeResidents, residentLeaf } from "./resident-layout.ts";
import { simplify } from "./simplify.ts";
import type { RuleSettings } from "./simplify.ts";
import { endToEnd, measureGradients, metricNames, metricVector } from "./step-metrics.ts";
import type { Forward } from "./step-metrics.ts";
import { StepScalars } from "./step-scalars.ts";
import type { StepScalar } from "./step-scalars.ts";

export interface TrainingStep {
  /**
   * `train`; or `accumulate` and `update` where a batch is run in parts. Where settings are drawn at each step, one
   * `train` or `accumulate` for each choice: `train.0`, `train.1`, …
   */
  readonly graphs: readonly EntryGraph[];
  readonly layout: ResidentLayout;
  readonly scalars: readonly StepScalar[];
  readonly metrics: readonly string[];
  /** Of each choice; one where nothing is drawn. */
  readonly recognised: readonly Recognised[];
}

export interface TrainingStepSettings extends RuleSettings {
  /** Elements that one resident array may have (a device's binding limit); a group longer than that is split. */
  readonly residentElements: number;
}

export function buildTrainingStep(
  recipe: LoweredRecipe,
  settings: TrainingStepSettings,
): TrainingStep {
  const { without } = settings;
  const recognised = recipe.choices.map((choice) =>
    recognise(simplify(forwardGraph(choice), { without }), { without }),
  );
  const together = recognised.flatMap(({ graph }) => wantedTogether(graph, { without }));
  const placed = placeParts(recipe, settings.residentElements, together);
  const step = new StepBuilder(recipe, placed.groups, placed.layout);
  const isSplit = recipe.accumulate > 1;
  const joined = recognised.map(({ graph }) => joinProducts(graph, placed.layout, { without }));
  const graphs = joined.map((graph, i) => {
    const name = isSplit ? "accumulate" : "train";
    const forward = { graph, requests: recipe.choices[i]!.gradients };
    return {
      name: recipe.drawn.length > 0 ? `${name}.${i}` : name,
      graph: isSplit ? step.accumulate(forward) : step.whole(forward),
    };
  });
  if (isSplit) graphs.push({ name: "update", graph: step.update() });
  return {
    graphs: graphs.map(({ name, graph }) => ({
      name,
      graph: simplify(placeResidents(graph, placed.layout), { isDifferentiated: true, without }),
    })),
    layout: placed.layout,
    scalars: [...step.scalars.entries(), ...recipe.courses],
    metrics: step.metricNames,
    recognised,
  };
}

/** What the recipe says, without gradients: outputs are losses and metrics by name, updates those of its states. */
function forwardGraph({ builder, losses, metrics, stateUpdates }: TrainingDataflow): TensorGraph {
  const outputs = [
    ...losses.map(({ value }, i) => ({ name: `loss ${i}`, value })),
    ...metrics.map(({ name, value }) => ({ name: `metric ${name}`, value })),
  ];
  return builder.finish({ outputs, updates: stateUpdates });
}

/** The flat gradient of each group. */
type Gradients = readonly Node[];

class StepBuilder implements Moving {
  readonly scalars = new StepScalars();
  readonly metricNames: readonly string[];
  readonly recipe: LoweredRecipe;
  readonly groups: readonly PlacedGroup[];
  readonly layout: ResidentLayout;

  constructor(recipe: LoweredRecipe, groups: readonly PlacedGroup[], layout: ResidentLayout) {
    this.recipe = recipe;
    this.groups = groups;
    this.layout = layout;
    this.metricNames = metricNames(recipe);
  }

  /** Only where the recipe asks for halves. */
  private lossScale(g: Builder): LossScale | undefined {
    return this.recipe.precision === "f16" ? new LossScale(g, this.layout) : undefined;
  }

  /** The whole batch at once. */
  whole(forward: Forward): TensorGraph {
    const g = new Builder();
    const { values: early, updates, twins, moved } = this.forwardNodes(g, forward.graph);
    const scale = this.lossScale(g);
    const { gradients, byPath } = this.gradients(g, early.loss, scale);
    const values = measureGradients(g, early, forward, moved, byPath);
    const squared = squaredNorm(g, gradients);
    g.at({ path: "", role: "clip" });
    const norm = g.sqrt(squared);
    const metrics = metricVector(g, values, norm, scale);
    const [isLossFinite, isGradientFinite] = [isFinite(g, values.loss), isFinite(g, squared)];
    const isSound = g.and(isLossFinite, isGradientFinite);
    const renewed = [
      ...(scale ? [scale.renewed(isLossFinite, isGradientFinite)] : []),
      ...this.optimized(g, gradients, squared, isSound, twins),
      ...this.renewedStates(g, [...updates, ...followedStatistics(g, this, updates)], isSound),
    ];
    return g.finish({ outputs: [metrics], updates: renewed });
  }

  /** Adds the gradients of one part of the batch. */
  accumulate(forward: Forward): TensorGraph {
    const parts = this.recipe.accumulate;
    const a = new Builder();
    const { values: early, updates, moved } = this.forwardNodes(a, forward.graph);
    const { gradients: fresh, byPath } = this.gradients(a, early.loss, this.lossScale(a));
    const values = measureGradients(a, early, forward, moved, byPath);
    const sums = fresh.map((gradient, k) => {
      const name = `gradients.${k}`;
      return {
        path: name,
        value: a.plus(residentLeaf(a, this.layout, name), a.divide(gradient, parts)),
      };
    });
    const partial = metricVector(a, values, a.constant(0)).value;
    const metricSum = a.plus(residentLeaf(a, this.layout, "metrics"), a.divide(partial, parts));
    const isPartSound = isFinite(a, values.loss);
    return a.finish({
      updates: [
        ...sums,
        { path: "metrics", value: metricSum },
        ...this.renewedStates(a, updates, isPartSound),
      ],
    });
  }

  /** Uses the mean of the gradients that were added up, and clears them. */
  update(): TensorGraph {
    const g = new Builder();
    const gradients = this.groups.map((_group, k) =>
      residentLeaf(g, this.layout, `gradients.${k}`),
    );
    const sum = residentLeaf(g, this.layout, "metrics");
    const squared = squaredNorm(g, gradients);
    const norm = g.reshape(g.sqrt(squared), [1]);
    const scale = this.lossScale(g);
    const others = elementCount(sum.shape) - 2;
    const loss = g.slice(sum, [0], [1]);
    const pieces = [
      loss,
      norm,
      ...(others > 0 ? [g.slice(sum, [2], [others])] : []),
      ...(scale ? [g.reshape(scale.value, [1])] : []),
    ];
    const isLossFinite = isFinite(g, g.reshape(loss, []));
    const isGradientFinite = isFinite(g, squared);
    const isSound = g.and(isLossFinite, isGradientFinite);
    const scaling = scale ? [scale.renewed(isLossFinite, isGradientFinite)] : [];
    const cleared = [...gradients.map((node, k) => ({ path: `gradients.${k}`, value: g.full(0, node) })), { path: "metrics", value: g.full(0, sum) }]; // prettier-ignore
    const moved = new Map(this.movedBefore(g).map(({ resident, value }) => [resident, value]));
    const statistics = this.renewedStates(g, followedStatistics(g, this, []), isSound);
    return g.finish({
      outputs: [{ name: "metrics", value: g.concat(pieces, 0) }],
      updates: [
        ...scaling,
        ...this.optimized(g, gradients, squared, isSound, moved),
        ...statistics,
        ...cleared,
      ],
    });
  }

  /**
   * The forward pass in `g`. Twins that move before it are moved first, and read moved: then `twins` has their new
   * arrays by resident.
   */
  private forwardNodes(g: Builder, forward: TensorGraph) {
    const moved = new Map<string, Node>();
    const twins = new Map<string, Node>();
    g.declareLeavesOf(forward);
    for (const { resident, value, parts } of this.movedBefore(g)) {
      twins.set(resident, value);
      for (const { path, offset, shape } of parts)
        moved.set(path, g.reshape(g.slice(value, [offset], [elementCount(shape)]), shape));
    }
    const copies = g.import(forward, (node) =>
      node.op === "state" ? moved.get(String(node.attributes["path"])) : undefined,
    );
    const outputs = forward.outputs.map(({ name, value }) => ({
      name,
      value: copies.get(value)!,
    }));
    const losses = outputs.filter(({ name }) => name.startsWith("loss "));
    const metrics = outputs.filter(({ name }) => name.startsWith("metric "));
    const loss = losses.map(({ value }) => value).reduce((sum, each) => g.plus(sum, each));
    const updates = forward.updates.map(({ path, value }) => ({
      path,
      value: copies.get(value)!,
    }));
    return { values: { loss, losses, metrics }, updates, twins, moved };
  }

  /** The twins that move before the forward pass, moved. */
  private movedBefore(g: Builder) {
    const twins = this.recipe.twins.filter(({ update }) => update === "before_forward");
    return twins.flatMap((twin) => movedTwin(g, this, twin));
  }

  /** One flat gradient a group, in the order of its parts, and each by its path; where no loss reaches there are zeros. */
  private gradients(g: Builder, loss: Node, scale: LossScale | undefined) {
    const parameters = this.groups.flatMap((group) => group.parameters);
    const leaves = parameters.map((parameter) => g.parameter(parameter));
    const gradients = differentiate(g, scale ? scale.scaled(loss) : loss, leaves);
    return g.under({ path: "", role: "gradient" }, () => {
      const byPath = new Map(
        parameters.map((parameter, i) => [parameter.path, gradients[i] ?? g.full(0, parameter)]),
      );
      const grouped: Gradients = this.groups.map(
        (group) =>
        endToEnd(g, group.parameters.map(({ path }) => byPath.get(path)!)), // prettier-ignore
      );
      if (!scale) return { gradients: grouped, byPath };
      // Whole arrays at once, by those who read them: one by one would be a kernel for each.
      const unscaled = new Map([...byPath].map(([path, node]) => [path, scale.unscaled(node)]));
      return { gradients: grouped.map((node) => scale.unscaled(node)), byPath: unscaled };
    });
  }

  /** New parameters, slots and twins. */
  private optimized(
    g: Builder,
    gradients: Gradients,
    squared: Node,
    isSound: Node,
    moved: ReadonlyMap<string, Node>,
  ): Update[] {
    g.at({ path: "", role: "optimizer" });
    const scale = clipScale(g, squared, this.recipe.clip);
    const t = g.input("t", { shape: [], dtype: "f32" });
    const updates: Update[] = [];
    const renewed = new Map<string, Node>();
    this.groups.forEach((group, k) => {
      const { next, slots } = optimizeGroup(g, this.layout, group, {
        gradient: gradients[k]!,
        t,
        lr: this.scalars.node(g, "lr", group.lr),
        // Unclipped gradients wait, too: work on them that began before the norm would be a kernel of its own.
        clipped: (raw) => (scale ? g.multiply(raw, scale) : g.add("again", [raw, isSound])),
        kept: (value, old) => selectSound(g, isSound, value, old),
      });
      renewed.set(group.resident, next);
      updates.push({ path: group.resident, value: next });
      for (const { resident, value } of slots) updates.push({ path: resident, value });
    });
    const after = this.recipe.twins
      .filter(({ update }) => update === "after_step")
      .flatMap((twin) => movedTwin(g, this, twin, (resident) => renewed.get(resident)))
      .map(({ resident, value }) => [resident, value] as const);
    for (const [resident, value] of [...moved, ...after]) {
      const old = residentLeaf(g, this.layout, resident);
      updates.push({ path: resident, value: selectSound(g, isSound, value, old) });
    }
    return updates;
  }

  /** New values of whole arrays of states; a part that this choice does not renew keeps its old one. */
  private renewedStates(g: Builder, updates: readonly Update[], isSound: Node): Update[] {
    g.at({ path: "", role: "state" });
    const values = new Map(updates.map(({ path, value }) => [path, value]));
    const residents = new Set(this.layout.parts.flatMap(({ path, resident }) => (values.has(path) ? [resident] : []))); // prettier-ignore
    return [...residents].map((resident) => {
      const old = residentLeaf(g, this.layout, resident);
      const parts = this.layout.parts.filter((part) => part.resident === resident);
      const pieces = parts.map(
        ({ path, offset, shape }) =>
          values.get(path) ?? g.slice(old, [offset], [elementCount(shape)]),
      );
      return { path: resident, value: selectSound(g, isSound, endToEnd(g, pieces), old) };
    });
  }
}

function squaredNorm(g: Builder, gradients: Gradients): Node {
  return g.under({ path: "", role: "clip" }, () =>
    gradients
      .map((gradient) => g.sum(g.multiply(gradient, gradient)))
      .reduce((sum, each) => g.plus(sum, each)),
  );
}

/** min(1, clip / norm), with PyTorch's guard against a norm of 0. */
function clipScale(g: Builder, squared: Node, clip: number | undefined): Node | undefined {
  if (clip === undefined) return undefined;
  return g.minimum(g.divide(clip, g.plus(g.sqrt(squared), 1e-6)), 1);
}

function isFinite(g: Builder, scalar: Node): Node {
  return g.unary("is_finite", scalar);
}

function selectSound(g: Builder, isSound: Node, next: Node, old: Node): Node {
  return g.select(isSound, next, old);
}
