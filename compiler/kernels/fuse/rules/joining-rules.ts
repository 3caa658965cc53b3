// Rules by which a node joins a group that exists already, and so spares a kernel of its own. The first lists are asked
// together: a group is good for a node where one of the rules says so and everything is at hand there
// (`group-nodes.ts` looks after that, and takes groups with sums or products first, then the latest).
// Rules for reductions name the groups instead of being asked about each: in a deep network there are too many.
import type { Node } from "../../../graph/graph.ts";
import { elementCount } from "../../../ops/shape.ts";
import type { Buffer, HostWork, Kernel } from "../../kernel.ts";
import { absorb } from "../absorb.ts";
import { isPlainLoop, type Group } from "../group.ts";
import type { Grouping } from "../group-nodes.ts";
import { joinColumns } from "../join-columns.ts";
import { joinProduct } from "../join-product.ts";
import { joinSquares } from "../join-squares.ts";
import { joinTogether } from "../join-together.ts";
import type { Written } from "../write-kernels.ts";
import type { FusionRule } from "./fusion-rule.ts";

/** Says of a group whether a node belongs there. */
export interface JoiningRule extends FusionRule {
  readonly belongs: (node: Node, group: Group, grouping: Grouping) => boolean;
}

export const elementwiseRules: readonly JoiningRule[] = [
  {
    name: "elementwise work ends the product that it reads",
    saves: "bias, activation and residual cost no dispatch and no way through memory.",
    belongs: (_node, group) => group.kind === "contraction",
  },
  {
    name: "elementwise work joins the walk over rows that it reads",
    saves: "a normalised row is read once for its sums and its result.",
    belongs: (_node, group) => group.kind === "loop" && !isPlainLoop(group),
  },
  {
    name: "elementwise work joins the loop that it reads",
    saves: "a chain of elementwise work is one kernel, and only its end lies in memory.",
    belongs: (_node, group) => isPlainLoop(group),
  },
];

/** Says which groups might make a reduction. */
export interface WalkingRule extends FusionRule {
  readonly groups: (reduction: Node, grouping: Grouping) => Iterable<Group>;
}

export const reductionRules: readonly WalkingRule[] = [
  {
    name: "a sum walks in the kernel that makes what it adds up",
    saves: "what is added up need not lie in memory.",
    groups: (sum, grouping) => grouping.makersOfOperand(sum),
  },
  {
    name: "sums over what one kernel reads share its walk",
    saves: "several sums over the same rows read them once.",
    groups: (sum, grouping) => grouping.relatedWalks(sum),
  },
  {
    name: "small sums share a kernel",
    saves: "sums that take no time do not take a dispatch each.",
    groups: (sum, grouping) => (isSmall(sum.inputs[0]!) ? grouping.walksLike(sum) : []),
  },
];

/** Two groups become one. */
export interface MergingRule extends FusionRule {
  /** Moves all of `other` into `group`, if it can be made there. */
  readonly merge: (grouping: Grouping, group: Group, other: Group) => void;
}

export const absorbRule: MergingRule = {
  name: "two loops that one value reads become one",
  saves: "results over the same axes share a dispatch and what they read.",
  merge: absorb,
};

/** Finds a place without more ado. */
export interface PlacingRule extends FusionRule {
  /** Whether the node was given a group. */
  readonly join: (grouping: Grouping, node: Node) => boolean;
}

export const sumInProductRule: PlacingRule = {
  name: "a sum of an operand is made while a product packs it",
  saves: "a bias gradient takes no kernel, and dY is not read once more for it.",
  join: joinProduct,
};

export const squaresRule: PlacingRule = {
  name: "squares about a mean are summed where the mean is",
  saves: "mean and variance of long columns read them once, in one kernel.",
  join: joinSquares,
};

/** Finds walks over rows for sums over columns, once all groups are there. */
export interface ColumnsRule extends FusionRule {
  readonly join: (grouping: Grouping) => void;
}

export const columnsRule: ColumnsRule = {
  name: "sums over columns are made in a walk over rows",
  saves: "a norm's backward pass reads its rows once, and the gradient of a gain takes no kernel.",
  join: joinColumns,
};

export const attentionPartsRule: PlacingRule = {
  name: "the parts of one attention are one kernel",
  saves: "weights are made once for a result and its statistics, and once for all three gradients.",
  join: (grouping, node) => grouping.joinAttention(node),
};

export interface TogetherRule extends FusionRule {
  /** The kernels, of which some have become one. */
  readonly join: (written: Written, buffers: Buffer[]) => readonly (Kernel | HostWork)[];
}

export const joinRule: TogetherRule = {
  name: "partial sums of equal shape are joined together",
  saves: "gradients of gains and offsets take one dispatch at the end, not one for each norm.",
  join: joinTogether,
};

/** So little work that one kernel for several sums is better, whatever they add up. */
function isSmall(operand: Node): boolean {
  return elementCount(operand.shape) <= 4096;
}
