// Tensor graph -> tensor graph that means the same in fewer nodes.
// The graph is rebuilt node by node; each node made is offered to the rules for its op until none fits, equal nodes
// become one, and what nothing needs is dropped. Rules keep numbers as they are (see `rules/rule.ts`);
// those for gradients change the rounding of sums.
// Expects: verify(graph) holds. `stop` must outlive differentiation, so it goes only where `isDifferentiated` is said.
import { sameShape, showType } from "../ops/shape.ts";
import { Builder } from "./builder.ts";
import type { Node, TensorGraph } from "./graph.ts";
import { arithmeticRules } from "./rules/arithmetic-rules.ts";
import { assemblyRules } from "./rules/assembly-rules.ts";
import { constantRules } from "./rules/constant-rules.ts";
import { indexingRules } from "./rules/indexing-rules.ts";
import type { Rule } from "./rules/rule.ts";
import { sumRules } from "./rules/sum-rules.ts";
import { viewRules } from "./rules/view-rules.ts";

/** Those that hold before and after differentiation. */
export const rules: readonly Rule[] = [
  ...viewRules,
  ...constantRules,
  ...arithmeticRules,
  ...assemblyRules,
  ...indexingRules,
];

export const dropStopRule: Rule = {
  name: "after differentiation a stopped value is the value",
  ops: ["stop"],
  apply: (_g, node) => node.inputs[0],
};

/** Rules that hold once the graph has its gradients; those of sums change rounding. */
export const rulesOfGradients: readonly Rule[] = [dropStopRule, ...sumRules];

/** What is left out of a compilation, for tests and experiments. */
export interface RuleSettings {
  /** Names of rules. */
  readonly without?: readonly string[];
}

export interface SimplifySettings extends RuleSettings {
  /** The graph has its gradients: `stop` has done its work. */
  readonly isDifferentiated?: boolean;
  /** Told the name of each rule that fits. */
  readonly observe?: (rule: string) => void;
}

export function simplify(graph: TensorGraph, settings: SimplifySettings = {}): TensorGraph {
  const all = settings.isDifferentiated ? [...rulesOfGradients, ...rules] : rules;
  const chosen = all.filter(({ name }) => !settings.without?.includes(name));
  const g = new SimplifyingBuilder(chosen, settings.observe);
  const copies = g.import(graph);
  return g.finish({
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: copies.get(value)! })),
    updates: graph.updates.map(({ path, value }) => ({ path, value: copies.get(value)! })),
    keepLeaves: true,
  });
}

class SimplifyingBuilder extends Builder {
  private readonly rulesOf = new Map<string, Rule[]>();
  private readonly observe: ((rule: string) => void) | undefined;

  constructor(rules: readonly Rule[], observe?: (rule: string) => void) {
    super();
    this.observe = observe;
    for (const rule of rules)
      for (const op of rule.ops) this.rulesOf.set(op, [...(this.rulesOf.get(op) ?? []), rule]);
  }

  protected override settle(node: Node): Node {
    const rules = this.rulesOf.get(node.op);
    return rules === undefined ? node : this.under(node.origin, () => this.rewrite(node, rules));
  }

  /** The first rule that fits decides: whatever it builds came through `add` and is settled. */
  private rewrite(node: Node, rules: readonly Rule[]): Node {
    for (const rule of rules) {
      const result = rule.apply(this, node);
      if (result === undefined || result === node) continue;
      if (result.dtype !== node.dtype || !sameShape(result.shape, node.shape))
        throw new Error(`rule "${rule.name}" made ${showType(result)} of ${showType(node)}`);
      this.observe?.(rule.name);
      return result;
    }
    return node;
  }
}
