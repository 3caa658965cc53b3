// An `evaluate` clause -> a graph of its own in evaluation form, over the same parameters: means over the examples of one
// data set, or the features that a protocol of the runtime works on.
import type { EvaluateClause } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { Output } from "../graph.ts";
import type { LoweredEvaluation, ViewInput } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";
import type { Value } from "../lower/value.ts";
import { durationInSteps, wholeSteps } from "./clock.ts";
import { Dataflow } from "./dataflow.ts";
import type { PlacedClause } from "./effective-recipe.ts";
import { lowerProtocol, protocolCall } from "./protocols.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";
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
  const names = [...new Set(views.flatMap(({ view }) => view.dataset ?? []))];
  if (names.length === 1) return true;
  const message =
    names.length === 0
      ? `\`${clause.name.text}\` reads no data`
      : `\`${clause.name.text}\` reads ${names.map((name) => `\`${name}\``).join(" and ")}: an evaluation goes over one data set`;
  context.problems.error("wrong-evaluation", message, file.name, clause.value.span);
  return false;
}
