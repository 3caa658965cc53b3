// A protocol as an evaluation: `nearest_neighbours(model.encoder, fit = (image, train.label), test = (clean, test.label))`.
// Lowered to the net on one view, as features; what is made of them is host work, with settings that are plain numbers.
import type { CallExpression, EvaluateClause, Expression } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { elementCount } from "../graph.ts";
import type { TensorGraph } from "../graph.ts";
import type { LoweredEvaluation, ViewInput } from "../lowered.ts";
import type { Dataflow } from "./dataflow.ts";
import { nearestHint } from "./nearest-hint.ts";
import { protocolSettings, protocols } from "./protocol-settings.ts";
import type { RecipeContext } from "./recipe-context.ts";
import type { TypedView } from "./view-start.ts";

/** The call, where an evaluation is a protocol. */
export function protocolCall(value: Expression): CallExpression | undefined {
  const isProtocol =
    value.kind === "call" &&
    value.callee.kind === "name" &&
    Object.hasOwn(protocols, value.callee.name);
  return isProtocol ? value : undefined;
}

/** Undefined where something is wrong (and reported). */
export function lowerProtocol(
  call: CallExpression,
  clause: EvaluateClause,
  file: FileScope,
  dataflow: Dataflow,
  everySteps: number,
): LoweredEvaluation | undefined {
  const { context } = dataflow;
  const protocol = (call.callee as { name: string }).name;
  const given = protocolArguments(call, protocol, file, context);
  if (!given) return undefined;
  const [fit, test] = [
    pairOfViews(given.fit, "fit", file, dataflow),
    pairOfViews(given.test, "test", file, dataflow),
  ];
  if (!fit || !test) return undefined;
  const graph = featuresOf(given.net, test.view, file, dataflow);
  const settings = protocolSettings(protocol, given.settings, file, context);
  if (!graph || !settings || !sameShape(fit.view, test.view, given.fit, file, context))
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
    settings,
    graph,
    fit: { views: viewsOf(fit.view), label: fit.label.view },
    test: { views: viewsOf(test.view), label: test.label.view },
  };
}

interface ProtocolArguments {
  readonly net: Expression;
  readonly fit: Expression;
  readonly test: Expression;
  readonly settings: ReadonlyMap<string, Expression>;
}

function protocolArguments(
  call: CallExpression,
  protocol: string,
  file: FileScope,
  context: RecipeContext,
): ProtocolArguments | undefined {
  const names = ["fit", "test", ...Object.keys(protocols[protocol]!)];
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
  if (net && fit && test && isSound) return { net, fit, test, settings: given };
  if (isSound) {
    context.problems.error(
      "missing-setting",
      `\`${protocol}\` needs a net, \`fit\` and \`test\``,
      file.name,
      call.span,
      {
        hints: [
          `\`${protocol}(model.encoder, fit = (image, train.label), test = (clean, test.label))\``,
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
