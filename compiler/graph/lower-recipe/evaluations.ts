// An `evaluate` clause -> a graph of its own in evaluation form, over the same parameters: means over the examples of one
// data set, or the features that a protocol of the runtime works on.
import type { CallExpression, EvaluateClause, Expression } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { elementCount } from "../graph.ts";
import type { Output, TensorGraph } from "../graph.ts";
import type { LoweredEvaluation, ViewInput } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";
import type { Value } from "../lower/value.ts";
import { durationInSteps, wholeSteps } from "./clock.ts";
import { Dataflow } from "./dataflow.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";
import type { TypedView } from "./views.ts";
import { weighExamples } from "./weigh-examples.ts";

/** Undefined where something is wrong (and reported). */
export function lowerEvaluation(
  placed: PlacedClause & { readonly clause: EvaluateClause },
  context: RecipeContext,
  instances: Instances,
  batch: number,
): LoweredEvaluation | undefined {
  const { clause, file } = placed;
  const everySteps = everyInSteps(clause, file, context);
  const dataflow = new Dataflow(context, instances, { training: false, batch });
  const call = protocolCall(clause.value);
  if (call) return lowerProtocol(call, clause, file, dataflow, everySteps ?? 1);
  const outputs = outputsOf(clause, file, dataflow);
  if (!outputs || everySteps === undefined) return undefined;
  const graph = dataflow.builder.finish({ outputs });
  const views = dataflow.viewInputs(new Set(graph.inputs.map((input) => input.name)));
  if (!readsOneDataset(views, clause, file, context)) return undefined;
  const weighed = weighExamples(graph, new Set(views.map((view) => view.input)), batch);
  if (weighed.kind === "mixed") {
    const { origin } = weighed.at;
    const span = origin.span && origin.file === file.name ? origin.span : clause.value.span;
    context.problems.error(
      "mixes-examples",
      `\`${clause.name.text}\` mixes the examples of a batch, so it would depend on how the data falls into batches`,
      file.name,
      span,
      {
        hints: [
          "an evaluation is a mean over examples; as a figure of one training batch it can be a `metric`",
        ],
      },
    );
    return undefined;
  }
  return {
    name: clause.name.text,
    everySteps,
    batch,
    views,
    kind: "mean",
    graph: weighed.graph,
  };
}

function everyInSteps(
  clause: EvaluateClause,
  file: FileScope,
  context: RecipeContext,
): number | undefined {
  const scope = context.scope(file);
  const every = evaluateSetting(clause.every, scope);
  if (every.kind === "unknown") return undefined;
  if (every.kind !== "duration" || every.amount <= 0) {
    const number = knownNumber(every);
    context.problems.error(
      "wrong-setting",
      `\`every\` takes a duration, but this is ${describeValue(every)}`,
      file.name,
      clause.every.span,
      {
        hints:
          number === undefined || number <= 0
            ? ["`every 1 epochs`"]
            : [`say of what: \`every ${number} epochs\` or \`every ${number} steps\``],
      },
    );
    return undefined;
  }
  const steps = context.clock && durationInSteps(every, context.clock);
  return steps === undefined ? undefined : wholeSteps(steps);
}

/** One figure named as the clause, or several: `top1.0`, `top1.1` of a list, `top1.label` of a record. */
function outputsOf(
  clause: EvaluateClause,
  file: FileScope,
  dataflow: Dataflow,
): readonly Output[] | undefined {
  const { value } = clause;
  const name = clause.name.text;
  const parts = namedParts(dataflow.evaluate(value, file), name);
  const at = dataflow.at(value.span, file);
  const outputs: Output[] = [];
  for (const part of parts) {
    const tensor = dataflow.evaluator.tensor(part.value, dataflow.root, at);
    const node = tensor && dataflow.mean(tensor, at);
    if (!node) return undefined;
    outputs.push({ name: part.name, value: node });
  }
  return outputs;
}

function namedParts(
  value: Value,
  name: string,
): readonly { readonly name: string; readonly value: Value }[] {
  switch (value.kind) {
    case "list":
    case "tuple":
      return value.elements.flatMap((element, i) => namedParts(element, `${name}.${i}`));
    case "record":
      return [...value.fields].flatMap(([field, part]) => namedParts(part, `${name}.${field}`));
    default:
      return [{ name, value }];
  }
}

function readsOneDataset(
  views: readonly ViewInput[],
  clause: EvaluateClause,
  file: FileScope,
  context: RecipeContext,
): boolean {
  const names = [...new Set(views.map(({ view }) => view.dataset))];
  if (names.length === 1) return true;
  const message =
    names.length === 0
      ? `\`${clause.name.text}\` reads no data`
      : `\`${clause.name.text}\` reads ${names.map((name) => `\`${name}\``).join(" and ")}: an evaluation goes over one data set`;
  context.problems.error("wrong-evaluation", message, file.name, clause.value.span);
  return false;
}

// ---- protocols ----

const protocols = ["nearest_neighbours", "linear_probe"] as const;

function protocolCall(value: Expression): CallExpression | undefined {
  const isProtocol =
    value.kind === "call" &&
    value.callee.kind === "name" &&
    protocols.some((name) => name === (value.callee as { name: string }).name);
  return isProtocol ? value : undefined;
}

function lowerProtocol(
  call: CallExpression,
  clause: EvaluateClause,
  file: FileScope,
  dataflow: Dataflow,
  everySteps: number,
): LoweredEvaluation | undefined {
  const { context } = dataflow;
  const protocol = (call.callee as { name: string }).name;
  if (protocol === "linear_probe") {
    context.problems.error("not-yet", "`linear_probe` is not there yet", file.name, call.span, {
      hints: [
        "train the probe along: `net probe = Linear(10)` and `loss watched = cross_entropy(probe(stop(…)), train.label)`",
        "or evaluate with `nearest_neighbours`",
      ],
    });
    return undefined;
  }
  const given = protocolArguments(call, protocol, file, context);
  if (!given) return undefined;
  const [fit, test] = [
    pairOfViews(given.fit, "fit", file, dataflow),
    pairOfViews(given.test, "test", file, dataflow),
  ];
  if (!fit || !test) return undefined;
  const graph = featuresOf(given.net, test.view, file, dataflow);
  const k = neighboursSetting(given.k, file, context);
  if (!graph || k === undefined || !sameShape(fit.view, test.view, given.fit, file, context))
    return undefined;
  const input = test.view.view.name;
  const viewsOf = (typed: TypedView): readonly ViewInput[] => [{ input, view: typed.view }];
  return {
    name: clause.name.text,
    everySteps,
    batch: dataflow.batch,
    views: viewsOf(test.view),
    kind: "protocol",
    protocol,
    settings: { k },
    graph,
    fit: { views: viewsOf(fit.view), label: fit.label.view },
    test: { views: viewsOf(test.view), label: test.label.view },
  };
}

interface ProtocolArguments {
  readonly net: Expression;
  readonly fit: Expression;
  readonly test: Expression;
  readonly k: Expression | undefined;
}

function protocolArguments(
  call: CallExpression,
  protocol: string,
  file: FileScope,
  context: RecipeContext,
): ProtocolArguments | undefined {
  const names = ["fit", "test", "k"];
  const given = new Map<string, Expression>();
  let isSound = true;
  for (const argument of call.arguments) {
    const name = argument.kind === "argument" ? (argument.name?.text ?? "net") : "";
    if (argument.kind === "argument" && (name === "net" || names.includes(name)))
      given.set(name, argument.value);
    else {
      isSound = false;
      context.problems.error(
        "unknown-setting",
        `\`${protocol}\` has no setting \`${name}\``,
        file.name,
        argument.span,
        nearestHint(name, names),
      );
    }
  }
  const [net, fit, test] = [given.get("net"), given.get("fit"), given.get("test")];
  if (net && fit && test && isSound) return { net, fit, test, k: given.get("k") };
  if (isSound) {
    context.problems.error(
      "missing-setting",
      `\`${protocol}\` needs a net, \`fit\` and \`test\``,
      file.name,
      call.span,
      {
        hints: [
          `\`${protocol}(model.encoder, fit = (image, train.label), test = (clean, test.label), k = 20)\``,
        ],
      },
    );
  }
  return undefined;
}

interface Labelled {
  readonly view: TypedView;
  readonly label: TypedView;
}

function pairOfViews(
  pair: Expression,
  role: string,
  file: FileScope,
  { context }: Dataflow,
): Labelled | undefined {
  const before = context.problems.found.length;
  const views =
    pair.kind === "tuple" ? pair.elements.map((element) => viewOf(element, file, context)) : [];
  const [view, label] = views;
  if (views.length === 2 && view && label?.type.kind === "label") return { view, label };
  if (context.problems.found.length === before) {
    const hints = [
      role === "fit" ? "`fit = (image, train.label)`" : "`test = (clean, test.label)`",
    ];
    context.problems.error(
      "wrong-setting",
      `\`${role}\` takes a view and a label`,
      file.name,
      pair.span,
      { hints },
    );
  }
  return undefined;
}

/** A view by its name, or a field read as it is. */
function viewOf(
  expression: Expression,
  file: FileScope,
  context: RecipeContext,
): TypedView | undefined {
  if (expression.kind === "name") {
    const view = context.view(expression.name);
    return view === "unknown" ? undefined : view;
  }
  if (expression.kind !== "member" || expression.target.kind !== "name") return undefined;
  return context.fieldView(
    expression.target.name,
    expression.member.text,
    expression.member.span,
    file,
  );
}

/** The net on one view, as one row of features for each example. */
function featuresOf(
  net: Expression,
  typed: TypedView,
  file: FileScope,
  dataflow: Dataflow,
): TensorGraph | undefined {
  const callee = dataflow.evaluate(net, file);
  const at = dataflow.at(net.span, file);
  if (callee.kind === "poison") return undefined;
  if (callee.kind !== "net" && callee.kind !== "callable") {
    dataflow.context.problems.error(
      "wrong-setting",
      "a protocol looks at what a net or a part of one gives",
      file.name,
      net.span,
    );
    return undefined;
  }
  const image = dataflow.input(typed, file, net.span);
  const { evaluator, root, builder, batch } = dataflow;
  const features = evaluator.tensor(
    evaluator.apply(callee, [image], { scope: root, at }),
    root,
    at,
  );
  const node =
    features &&
    evaluator.guarded(root, at, () =>
      builder.reshape(features.node, [batch, elementCount(features.node.shape) / batch]),
    );
  return node && builder.finish({ outputs: [{ name: "features", value: node }] });
}

function neighboursSetting(
  k: Expression | undefined,
  file: FileScope,
  context: RecipeContext,
): number | undefined {
  if (!k) return 20;
  const value = evaluateSetting(k, context.scope(file));
  const number = knownNumber(value);
  if (number !== undefined && Number.isInteger(number) && number >= 1) return number;
  if (value.kind !== "unknown") {
    context.problems.error(
      "wrong-setting",
      `\`k\` takes a whole number of at least 1, but this is ${describeValue(value)}`,
      file.name,
      k.span,
    );
  }
  return undefined;
}

function sameShape(
  fit: TypedView,
  test: TypedView,
  at: Expression,
  file: FileScope,
  context: RecipeContext,
): boolean {
  const show = ({ type }: TypedView): string =>
    type.axes.map((axis) => `${axis.name} = ${axis.extent}`).join(", ");
  if (show(fit) === show(test)) return true;
  context.problems.error(
    "shape-mismatch",
    "the views of `fit` and `test` have different shapes",
    file.name,
    at.span,
    {
      because: [
        [`\`${fit.view.name}\``, `[${show(fit)}]`],
        [`\`${test.view.name}\``, `[${show(test)}]`],
      ],
    },
  );
  return false;
}
