// The scalars that a training step hands back: losses, the norm of its gradient and the recipe's metrics, in one array.
import type { Builder } from "./builder.ts";
import type { Node, Output, TensorGraph } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type { GradientRequest, LoweredRecipe } from "./lowered.ts";
import { lossScaling } from "./loss-scale.ts";
import type { LossScale } from "./loss-scale.ts";

/** The forward pass of one choice, and the gradients that its metrics read. */
export interface Forward {
  readonly graph: TensorGraph;
  readonly requests: readonly GradientRequest[];
}

/** In the order of the array. */
export function metricNames({ losses, metrics, precision }: LoweredRecipe): readonly string[] {
  return [
    "loss",
    "gradient_norm",
    ...(losses.length > 1 ? losses.map(({ name }, i) => lossName(name, i)) : []),
    ...metrics.map(({ name }) => name),
    ...(precision === "f16" ? [lossScaling.metric] : []),
  ];
}

export interface Values {
  readonly loss: Node;
  readonly losses: readonly Output[];
  readonly metrics: readonly Output[];
}

/**
 * Metrics that read gradients, made anew now that these are there: the forward pass is copied once more (which makes
 * no new nodes), with gradients in place of the inputs that stood for them.
 */
export function measureGradients(
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

export function endToEnd(g: Builder, nodes: readonly Node[]): Node {
  const flat = nodes.map((node) => g.reshape(node, [elementCount(node.shape)]));
  return flat.length === 1 ? flat[0]! : g.concat(flat, 0);
}

/** All scalars of a step in one small array: one read-back. */
export function metricVector(g: Builder, values: Values, norm: Node, scale?: LossScale): Output {
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
