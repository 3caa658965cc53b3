// Groups of parameters whose optimizers differ in their settings alone (no decay for biases and norms) -> one group with
// one flat array: the step then has one norm and one kernel that renews, whatever the number of groups.
// Each optimizer's body is written over the whole array, and each element takes what its own group's says. What the
// bodies share, moments as a rule, is one value.
import { Builder } from "./builder.ts";
import type { Node } from "./graph.ts";
import { segmentsOf } from "./apply-segmented.ts";
import type { OptimizerReach, OptimizerUse } from "./lowered.ts";

/** What has to be known of a group to merge it. */
export interface MergeableGroup {
  readonly lengths: readonly number[];
  readonly optimizer: OptimizerUse;
}

/** Whether one array of slots serves all: the same optimizer over flat arrays, with slots of the same kind. */
export function canMerge(groups: readonly MergeableGroup[]): boolean {
  const [first, ...others] = groups.map(({ optimizer }) => optimizer);
  if (others.some(({ name }) => name !== first!.name)) return false;
  const reach = reachOfAll(groups);
  if (reach === "shape") return false;
  if (reach === "sums" && !segmentsOf(groups.flatMap(({ lengths }) => lengths))) return false;
  const slots = slotsOf(first!);
  return others.every((other) => slotsOf(other) === slots);
}

function reachOfAll(groups: readonly MergeableGroup[]): OptimizerReach {
  const reaches = groups.map(({ optimizer }) => optimizer.reach);
  if (reaches.includes("shape")) return "shape";
  return reaches.includes("sums") ? "sums" : "element";
}

function slotsOf(optimizer: OptimizerUse): string {
  const g = new Builder();
  const input = (name: string) => g.input(name, { shape: [], dtype: "f32" });
  const at = { p: input("p"), g: input("g"), t: input("t"), lr: input("lr") };
  const { slots } = optimizer.apply(g, { ...at, slotPath: (slot) => slot });
  return JSON.stringify(slots.map(({ name, state }) => [name, state.dtype, state.initializer]));
}

/** One optimizer over groups that lie end to end, in this order. */
export function mergedOptimizer(groups: readonly MergeableGroup[]): OptimizerUse {
  const ends: number[] = [];
  for (const { lengths } of groups)
    ends.push(lengths.reduce((sum, length) => sum + length, ends.at(-1) ?? 0));
  const [first] = groups;
  return {
    ...first!.optimizer,
    reach: reachOfAll(groups),
    apply: (g, at) => {
      const applied = groups.map(({ optimizer }) => optimizer.apply(g, at));
      const own = (values: readonly Node[]) => ownOf(g, values, ends);
      return {
        next: own(applied.map(({ next }) => next)),
        slots: applied[0]!.slots.map((slot, i) => ({
          ...slot,
          next: own(applied.map(({ slots }) => slots[i]!.next)),
        })),
      };
    },
  };
}

/** At each element the value of the group that it lies in: `ends` has where each group ends. */
function ownOf(g: Builder, values: readonly Node[], ends: readonly number[]): Node {
  return values.reduceRight((after, value, i) =>
    value === after ? value : g.select(g.less(g.iota(value.shape, 0), ends[i]!), value, after),
  );
}
