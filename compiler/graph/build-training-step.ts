// A lowered recipe -> the graph of a whole training step: forward, backward, clipping, optimizer, twins, metrics.
// Parameters of one group lie in one flat array, and so do their gradients: an optimizer written for one parameter is
// applied to all of a group at once, which is why it takes a few kernels and not a few for each parameter.
// A loss or gradient that is not finite selects the old values everywhere: the state before that step is still there.
import type { EntryGraph, ResidentLayout } from "../compiled.ts";
import { applySegmented } from "./apply-segmented.ts";
import { Builder } from "./builder.ts";
import { differentiate } from "./differentiate.ts";
import type { Node, Output, Parameter, TensorGraph, Update } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type {
  GradientRequest,
  HostExpression,
  LoweredRecipe,
  TrainingDataflow,
  Twin,
} from "./lowered.ts";
import { printHost } from "./host-expression.ts";
import { LossScale, lossScaling } from "./loss-scale.ts";
import { placeParts } from "./place-parts.ts";
import type { PlacedGroup } from "./place-parts.ts";
import { recognise } from "./recognise.ts";
import type { Recognised } from "./recognise.ts";
import { placeResidents, residentLeaf } from "./resident-layout.ts";
import { simplify } from "./simplify.ts";
import type { RuleSettings } from "./simplify.ts";

export interface TrainingStep {
  /**
   * `train`; or `accumulate` and `update` where a batch is run in parts. Where settings are drawn at each step, one
   * `train` or `accumulate` for each choice: `train.0`, `train.1`, …
   */
  readonly graphs: readonly EntryGraph[];
  readonly layout: ResidentLayout;
  readonly scalars: readonly { readonly input: string; readonly expression: HostExpression }[];
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
  const placed = placeParts(recipe, settings.residentElements);
  const step = new StepBuilder(recipe, placed.groups, placed.layout);
  const isSplit = recipe.accumulate > 1;
  const graphs = recognised.map(({ graph }, i) => {
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

/** Scalar inputs that the host computes before each step; equal courses share one. */
class Scalars {
  private readonly known = new Map<string, { input: string; expression: HostExpression }>();

  node(g: Builder, kind: "lr" | "decay", expression: HostExpression): Node {
    const key = `${kind} ${printHost(expression)}`;
    const same = [...this.known.values()].filter(({ input }) => input.startsWith(kind));
    const known = this.known.get(key) ?? {
      input: same.length === 0 ? kind : `${kind}.${same.length}`,
      expression,
    };
    this.known.set(key, known);
    return g.input(known.input, { shape: [], dtype: "f32" });
  }

  entries(): TrainingStep["scalars"] {
    return [...this.known.values()];
  }
}

/** The flat gradient of each group. */
type Gradients = readonly Node[];

/** The forward pass of one choice, and the gradients that its metrics read. */
interface Forward {
  readonly graph: TensorGraph;
  readonly requests: readonly GradientRequest[];
}

class StepBuilder {
  readonly scalars = new Scalars();
  readonly metricNames: readonly string[];
  private readonly recipe: LoweredRecipe;
  private readonly groups: readonly PlacedGroup[];
  private readonly layout: ResidentLayout;

  constructor(recipe: LoweredRecipe, groups: readonly PlacedGroup[], layout: ResidentLayout) {
    this.recipe = recipe;
    this.groups = groups;
    this.layout = layout;
    const losses =
      recipe.losses.length > 1 ? recipe.losses.map(({ name }, i) => lossName(name, i)) : [];
    this.metricNames = [
      "loss",
      "gradient_norm",
      ...losses,
      ...recipe.metrics.map(({ name }) => name),
      ...(recipe.precision === "f16" ? [lossScaling.metric] : []),
    ];
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
    const metrics = metricVector(g, values, g.sqrt(squared), scale);
    const [isLossFinite, isGradientFinite] = [isFinite(g, values.loss), isFinite(g, squared)];
    const isSound = g.and(isLossFinite, isGradientFinite);
    const renewed = [
      ...(scale ? [scale.renewed(isLossFinite, isGradientFinite)] : []),
      ...this.optimized(g, gradients, squared, isSound, twins),
      ...this.renewedStates(g, [...updates, ...this.followedStatistics(g, updates)], isSound),
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
    const statistics = this.renewedStates(g, this.followedStatistics(g, []), isSound);
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
    return twins.flatMap((twin) => this.movedTwin(g, twin, () => undefined));
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
      const gradient = scale ? g.multiply(gradients[k]!, scale) : gradients[k]!;
      const lr = this.scalars.node(g, "lr", group.lr);
      const { next, slots } = group.isFlat
        ? this.optimizeFlat(g, group, gradient, t, lr)
        : this.optimizeEach(g, group, gradient, t, lr);
      const clamped = group.clamp
        ? g.minimum(g.maximum(next, group.clamp.low), group.clamp.high)
        : next;
      const before = residentLeaf(g, this.layout, group.resident);
      const kept = selectSound(g, isSound, clamped, before);
      renewed.set(group.resident, kept);
      updates.push({ path: group.resident, value: kept });
      for (const { resident, value } of slots) {
        const old = residentLeaf(g, this.layout, resident);
        updates.push({ path: resident, value: selectSound(g, isSound, value, old) });
      }
    });
    const after = this.recipe.twins
      .filter(({ update }) => update === "after_step")
      .flatMap((twin) => this.movedTwin(g, twin, (resident) => renewed.get(resident)))
      .map(({ resident, value }) => [resident, value] as const);
    for (const [resident, value] of [...moved, ...after]) {
      const old = residentLeaf(g, this.layout, resident);
      updates.push({ path: resident, value: selectSound(g, isSound, value, old) });
    }
    return updates;
  }

  /** The body once, over the whole array of the group. */
  private optimizeFlat(g: Builder, group: PlacedGroup, gradient: Node, t: Node, lr: Node) {
    const p = residentLeaf(g, this.layout, group.resident);
    const slotPath = (slot: string) => group.slotResident(slot);
    const at = { p, g: gradient, t, lr, slotPath };
    const applied = group.segments
      ? applySegmented(g, group.optimizer, at, group.segments)
      : group.optimizer.apply(g, at);
    const slots = applied.slots.map(({ name, next }) => ({
      resident: slotPath(name),
      value: next,
    }));
    return { next: applied.next, slots };
  }

  /** The body for each parameter: it looks at shapes or norms. */
  private optimizeEach(g: Builder, group: PlacedGroup, gradient: Node, t: Node, lr: Node) {
    let offset = 0;
    const slots: { resident: string; value: Node }[] = [];
    const nexts = group.parameters.map((parameter) => {
      const size = elementCount(parameter.shape);
      const own = g.reshape(g.slice(gradient, [offset], [size]), parameter.shape);
      offset += size;
      const slotPath = (slot: string) => group.slotResident(slot, parameter.path);
      const applied = group.optimizer.apply(g, {
        p: g.parameter(parameter),
        g: own,
        t,
        lr,
        slotPath,
      });
      for (const { name, next } of applied.slots)
        slots.push({
          resident: slotPath(name),
          value: g.reshape(next, [elementCount(next.shape)]),
        });
      return g.reshape(applied.next, [size]);
    });
    return { next: nexts.length === 1 ? nexts[0]! : g.concat(nexts, 0), slots };
  }

  /** decay * twin + (1 - decay) * parameter, for each array of the twin. */
  private movedTwin(g: Builder, twin: Twin, renewed: (resident: string) => Node | undefined) {
    const decay = this.scalars.node(g, "decay", twin.decay);
    const followed = new Map(twin.follows.map(({ state, parameter }) => [parameter, state]));
    return this.groups.flatMap((group) => {
      const resident = twinResident(twin, group);
      const parts = this.layout.parts.filter((part) => part.resident === resident);
      if (parts.length === 0) return [];
      const source = renewed(group.resident) ?? residentLeaf(g, this.layout, group.resident);
      let offset = 0;
      const pieces: Node[] = [];
      for (const parameter of group.parameters) {
        const size = elementCount(parameter.shape);
        if (followed.has(parameter.path)) pieces.push(g.slice(source, [offset], [size]));
        offset += size;
      }
      const isWhole = pieces.length === group.parameters.length;
      const target = isWhole ? source : pieces.length === 1 ? pieces[0]! : g.concat(pieces, 0);
      const old = residentLeaf(g, this.layout, resident);
      const value = g.plus(g.multiply(old, decay), g.multiply(target, g.subtract(1, decay)));
      return [{ resident, value, parts }];
    });
  }

  /** decay * the twin's + (1 - decay) * the net's, as it is after this step. */
  private followedStatistics(g: Builder, updates: readonly Update[]): Update[] {
    const values = new Map(updates.map(({ path, value }) => [path, value]));
    const stateAt = (path: string) => g.state(this.recipe.states.find((state) => state.path === path)!); // prettier-ignore
    return this.recipe.twins.flatMap((twin) => {
      if (twin.statistics.length === 0) return [];
      const decay = this.scalars.node(g, "decay", twin.decay);
      return twin.statistics.map(({ state, of }) => {
        const target = values.get(of) ?? stateAt(of);
        const moved = g.plus(g.multiply(stateAt(state), decay), g.multiply(target, g.subtract(1, decay))); // prettier-ignore
        return { path: state, value: moved };
      });
    });
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

export function twinResident(twin: Twin, group: { readonly resident: string }): string {
  return `${twin.name}/${group.resident}`;
}

interface Values {
  readonly loss: Node;
  readonly losses: readonly Output[];
  readonly metrics: readonly Output[];
}

/**
 * Metrics that read gradients, made anew now that these are there: the forward pass is copied once more (which makes
 * no new nodes), with gradients in place of the inputs that stood for them.
 */
function measureGradients(
  g: Builder,
  values: Values,
  { graph, requests }: Forward,
  moved: ReadonlyMap<string, Node>,
  byPath: ReadonlyMap<string, Node>,
): Values {
  if (requests.length === 0) return values;
  const gradients = g.under(
    { path: "", role: "metric" },
    () => new Map(requests.map(({ input, paths }) => [input, endToEnd(g, paths.map((path) => byPath.get(path)!))])), // prettier-ignore
  );
  const copies = g.import(graph, ({ op, attributes }) => {
    if (op === "state") return moved.get(String(attributes["path"]));
    return op === "input" ? gradients.get(String(attributes["name"])) : undefined;
  });
  const metrics = graph.outputs
    .filter(({ name }) => name.startsWith("metric "))
    .map(({ name, value }) => ({ name, value: copies.get(value)! }));
  return { ...values, metrics };
}

function endToEnd(g: Builder, nodes: readonly Node[]): Node {
  const flat = nodes.map((node) => g.reshape(node, [elementCount(node.shape)]));
  return flat.length === 1 ? flat[0]! : g.concat(flat, 0);
}

/** All scalars of a step in one small array: one read-back. */
function metricVector(g: Builder, values: Values, norm: Node, scale?: LossScale): Output {
  g.at({ path: "", role: "metric" });
  const losses = values.losses.length > 1 ? values.losses : [];
  const scalars = [
    values.loss,
    norm,
    ...[...losses, ...values.metrics].map(({ value }) => value),
    ...(scale ? [scale.value] : []),
  ];
  const pieces = scalars.map((scalar) => g.reshape(g.cast(scalar, "f32"), [1]));
  return { name: "metrics", value: g.concat(pieces, 0) };
}

function lossName(name: string, index: number): string {
  return name === "loss" ? `loss_${index + 1}` : `${name}_loss`;
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

export type { Parameter };
