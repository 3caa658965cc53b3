// Does a loss compare the examples of a batch with each other? Then splitting the batch would change what is learned:
// a contrastive loss has other negatives, batch statistics are those of a part.
import { reachable } from "../builder.ts";
import type { Node } from "../graph.ts";
import { reachOfNodes } from "./batch-reach.ts";
import type { RecipeFields } from "./fields.ts";
import type { RecipeContext } from "./recipe-context.ts";
import type { Training } from "./training.ts";

export interface Mixing {
  readonly reason: string;
  readonly at: Node;
  /** Only through statistics inside of nets (batch norm), which a split batch takes over each part. */
  readonly isInNets: boolean;
}

/** Undefined where every loss is a mean over examples. */
export function mixingOf(training: Training): Mixing | undefined {
  const isInNet = (node: Node): boolean => node.origin.path !== "";
  const inLoss = firstMixed(training, isInNet);
  if (inLoss)
    return {
      reason: "the loss compares the examples of a batch with each other",
      at: inLoss,
      isInNets: false,
    };
  const inNets = firstMixed(training, () => false);
  if (!inNets) return undefined;
  return {
    reason: `\`${inNets.origin.path}\` takes statistics over the batch`,
    at: inNets,
    isInNets: true,
  };
}

function firstMixed(
  { dataflow, losses }: Training,
  forgives: (node: Node) => boolean,
): Node | undefined {
  const roots = losses.map((loss) => loss.value);
  const needed = reachable(roots, dataflow.builder.nodes.length);
  const nodes = dataflow.builder.nodes.filter((node) => needed.has(node));
  const names = new Set(dataflow.views.keys());
  const reaches = reachOfNodes(nodes, { extent: dataflow.batch, names, forgives });
  for (const root of roots) {
    const reach = reaches.get(root);
    if (reach?.kind === "mixed") return reach.at;
  }
  return undefined;
}

/** `accumulate` above 1 with such a loss is refused; with batch statistics it is said. */
export function checkAccumulation(
  context: RecipeContext,
  fields: RecipeFields,
  mixing: Mixing | undefined,
): void {
  const placed = context.field("accumulate");
  if (!placed || fields.accumulate === 1 || !mixing) return;
  const { file, clause } = placed;
  const parts = `${fields.accumulate} parts of ${fields.batch / fields.accumulate}`;
  if (mixing.isInNets) {
    context.problems.add({
      severity: "warning",
      code: "split-statistics",
      message: `${mixing.reason}: split into ${parts}, it takes them over each part`,
      span: { file: file.name, start: clause.value.span.start, end: clause.value.span.end },
    });
    return;
  }
  const { origin } = mixing.at;
  const labels =
    origin.span && origin.file !== undefined
      ? [{ span: { file: origin.file, ...origin.span }, message: "examples meet here" }]
      : [];
  context.problems.error(
    "mixes-examples",
    `${mixing.reason}, so a batch in ${parts} would learn something else`,
    file.name,
    clause.value.span,
    {
      labels,
      hints: ["leave `accumulate` out, or make the batch as small as a part"],
    },
  );
}
