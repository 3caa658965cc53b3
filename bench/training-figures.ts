// A model variant -> what one training step of it is made of, planned for a device that every WebGPU browser has: a
// default recipe is written behind the model's own file and compiled. Nothing is allocated, nothing runs.
import { parameterCount, productsOf } from "./step-products.ts";
import type { EntryKernels } from "../compiler/program/entry-kernels.ts";
import { DEFAULT_WEBGPU_LIMITS } from "../compiler/program/limits.ts";
import type { Limits } from "../compiler/program/limits.ts";
import { LimitError } from "../compiler/program/target.ts";
import type { Catalog, CatalogField } from "../compiler/model/catalog.ts";
import type { Files } from "../compiler/model/load-library.ts";
import type { LoweredModel } from "../compiler/graph/lowered.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { compileFigures } from "../runtime/spec/compile-figures.ts";
import { compileSpec } from "../runtime/spec/compile-spec.ts";
import { openSpec } from "../runtime/spec/open-spec.ts";

export interface Variant {
  readonly file: string;
  readonly name: string;
  readonly variant: string | null;
}

export interface StepFigures {
  readonly compileSeconds: number;
  readonly forward: number;
  readonly backward: number;
  readonly update: number;
  /** Matrix products and convolutions of the graph of a step; an attention stands for six. */
  readonly products: number;
  /** Bytes: what the device allocates, and the largest sum of what lives at once. */
  readonly memory: number;
  readonly leastMemory: number;
  /** Dispatches by the kind of their kernel: contraction, loop, reduction, attention, scatter. */
  readonly kernels: Readonly<Record<string, number>>;
}

export type Outcome = { readonly batch: number; readonly limits: "default" | "large" } & (
  | { readonly kind: "planned"; readonly figures: StepFigures }
  /** A limit that no plan can keep. */
  | { readonly kind: "limit"; readonly limit: keyof Limits; readonly message: string }
);

export interface VariantReport extends Variant {
  readonly parameters: number;
  readonly loss: "cross-entropy" | "squares";
  /** The first with batch 8 and default limits; where that breaks a limit, what was tried to help, up to one that does. */
  readonly outcomes: readonly Outcome[];
}

const defaultBatch = 8;
/** What many desktop adapters offer. */
const largeLimits: Limits = {
  ...DEFAULT_WEBGPU_LIMITS,
  bindingBytes: 2 ** 31 - 4,
  bufferBytes: 2 ** 31,
};

/** @throws SpecError where the model is wrong: that is a mistake of ours */
export function trainingFigures(variant: Variant): VariantReport {
  const model = evaluationForm(variant);
  const loss = isClassifier(model) ? "cross-entropy" : "squares";
  const outcomes: Outcome[] = [];
  for (const [batch, limits] of [
    [defaultBatch, "default"],
    [1, "default"],
    [defaultBatch, "large"],
    [1, "large"],
  ] as const) {
    outcomes.push(planned(variant, model, batch, limits));
    if (outcomes.at(-1)!.kind === "planned") break;
  }
  return { ...variant, parameters: parameterCount(model.graph), loss, outcomes };
}

function evaluationForm({ file, name, variant }: Variant): LoweredModel {
  const target = { file, name, ...(variant === null ? {} : { variant }) };
  const spec = openSpec(target, { files: specFiles(), catalog: catalog(nodeHost) });
  if (spec.kind !== "model") throw new Error(`${file}:${name}@${variant} does not resolve`);
  return spec.model;
}

function planned(
  variant: Variant,
  model: LoweredModel,
  batch: number,
  limits: Outcome["limits"],
): Outcome {
  const how = { batch, limits };
  try {
    return { ...how, kind: "planned", figures: figuresOf(variant, model, how) };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof LimitError)) throw error;
    return { ...how, kind: "limit", limit: cause.limit, message: cause.message };
  }
}

function figuresOf(
  variant: Variant,
  model: LoweredModel,
  { batch, limits }: Pick<Outcome, "batch" | "limits">,
): StepFigures {
  const start = nodeHost.now();
  const spec = compileSpec(
    { file: variant.file, name: recipeName },
    { files: withRecipe(variant, model, batch), catalog: catalogFor(model) },
    {
      target: "webgpu",
      limits: limits === "default" ? DEFAULT_WEBGPU_LIMITS : largeLimits,
      clock: nodeHost.now,
    },
  );
  const compileSeconds = (nodeHost.now() - start) / 1000;
  const { dispatches, memory } = compileFigures(spec, 1)!;
  const { forward, backward, update } = dispatches;
  const step = spec.compiled.graphs.find(({ name }) => name === "train")!;
  const kernels = spec.entries!.find(({ name }) => name === "train")!;
  return {
    compileSeconds,
    forward,
    backward,
    update,
    products: productsOf(step.graph),
    memory: memory.total,
    leastMemory: memory.lowerBound,
    kernels: kindsOf(kernels),
  };
}

function kindsOf({ kernels }: EntryKernels): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { kind } of kernels.kernels) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}

// ---------------------------------------------------------------------------------------------- the default recipe

const recipeName = "default_step";

function isClassifier({ outputs }: LoweredModel): boolean {
  return outputs.length === 1 && outputs[0]!.shape.length === 2;
}

/** The model's file with a recipe behind it: cross-entropy for what gives [batch, classes], else the squares of all that comes out. */
function withRecipe(variant: Variant, model: LoweredModel, batch: number): Files {
  const files = specFiles();
  const inputs = model.inputs.map(({ name, dtype }) =>
    dtype === "bool" ? `${name} = train.${name} > 0` : `${name} = train.${name}`,
  );
  const outputs = model.outputs.map(({ name }) => (name === "output" ? "out" : `out.${name}`));
  const loss = isClassifier(model)
    ? "cross_entropy(out, train.label)"
    : outputs.map((output) => `squared_error(${output}, 0)`).join(" + ");
  const given = variant.variant === null ? "" : JSON.stringify(variant.variant);
  const recipe = `
recipe ${recipeName}(length: duration = 100 steps) {
  net  model = ${variant.name}(${given})
  data train = examples(split = "train")
  let out = model(${inputs.join(", ")})
  loss = ${loss}
  batch = ${batch}
  optimizer = AdamW(decay = 0.05)
  lr = constant(1e-3)
  clip = 1.0
}
`;
  const read = (name: string) => files.shipped.get(name);
  return {
    ...files,
    read: (name) => (name === variant.file ? `${read(name)}${recipe}` : read(name)),
  };
}

/** One data set, whose examples have what the model takes, and a label. */
function catalogFor({ inputs, outputs }: LoweredModel): Catalog {
  const fields: CatalogField[] = inputs.map(({ name, axes, shape, dtype }) => ({
    name,
    kind: "image",
    axes: axes.slice(1).map((axis, i) => ({ name: axis, extent: shape[i + 1]! })),
    dtype: dtype === "i32" ? "i32" : "f32",
  }));
  const label: CatalogField = { name: "label", kind: "label", axes: [], dtype: "i32" };
  const classes = Array.from({ length: outputs[0]!.shape.at(-1) ?? 2 }, (_, i) => String(i));
  const set = {
    name: "examples",
    about: "what the model takes",
    settings: [{ name: "split", type: { kind: "string" }, about: "which" }],
    fields: [...fields, label],
    classes,
    splits: { train: 1024 },
  } as const;
  return { datasets: [set], operations: catalog().operations };
}
