// Rules by which a computed value need not lie in memory. A value that several rules leave out is made again inside each
// kernel that reads it.
import type { Node } from "../../../graph/graph.ts";
import { byteSize } from "../../../graph/graph.ts";
import { isHalf } from "../../../ops/half.ts";
import type { Choice, ExternalUse } from "../choose-stored.ts";
import type { FusionRule } from "./fusion-rule.ts";

/** A value that could be made again for one use of it. */
export interface Repeatable {
  readonly node: Node;
  readonly use: "operand" | "pointwise";
  /** What making it once more loads, in bytes by value. */
  readonly loads: ReadonlyMap<Node, number>;
  /** Simple instructions that making it takes. */
  readonly weight: number;
  /** Other kernels that read it. */
  readonly readers: number;
  /** One other kernel reads it, and none of its own. */
  readonly isOnlyThere: boolean;
}

/** Says of a value whether one use may make it again. */
export interface RepeatingRule extends FusionRule {
  readonly allows: (value: Repeatable) => boolean;
}

/** Instructions that several readers may repeat, or one, or the packing of an operand. */
const mostWeight = 32;
const mostWeightOnce = 256;
const mostOperandWeight = 4;

export const repeatingRules: readonly RepeatingRule[] = [
  {
    name: "elementwise work with one reader is made there",
    saves: "a value on its way to one kernel is never written.",
    allows: ({ use, isOnlyThere, weight }) =>
      use === "pointwise" && isOnlyThere && weight <= mostWeightOnce,
  },
  {
    name: "cheap work is made again where that moves no more bytes",
    saves: "what follows from few stored values in few instructions is not stored beside them.",
    allows({ node, use, isOnlyThere, weight, loads, readers }) {
      if (use !== "pointwise" || isOnlyThere || weight > mostWeight) return false;
      const loaded = [...loads.values()].reduce((sum, load) => sum + load, 0);
      return loaded * readers <= byteSize(node) * (readers + 1) * 1.1;
    },
  },
  {
    name: "cheap work is made while a product packs its operand",
    saves: "a mask, a cast or a scale before a product is never written.",
    allows({ node, use, weight, loads }) {
      if (use !== "operand" || weight > mostOperandWeight || loads.size > 3) return false;
      return [...loads.values()].filter((load) => load * 2 > byteSize(node)).length <= 1;
    },
  },
];

/** Stores something else in place of a value. */
export interface InsteadRule extends FusionRule {
  /** Whether the value need not lie in memory now. */
  readonly store: (choice: Choice, node: Node, uses: readonly ExternalUse[]) => boolean;
}

/**
 * A trade. What a row is normalised from is kept to the backward pass then, and beside it what a product packs of the
 * normalised row, which is made of more than packing may load. Without the rule a ViT-Ti's step (batch 8) moves as many
 * bytes and needs 264 MiB, not 292, Mixer-S 531, not 579; but ResNet-50 needs 980 MiB, not 931, and moves 1.5 % more. Asked
 * only where what follows is stored either way it would win all three, for products that normalise as they pack: ViT-Ti's
 * step then takes 2.5 % longer, the digits' 1.5 % less, and ViT-B/16 compiles in 190 ms, not 145.
 */
export const blockersRule: InsteadRule = {
  name: "the small value that a large one rests on is stored instead",
  saves: "mean and scale of a row lie in memory, and the normalised row does not.",
  store: (choice, node, uses) => choice.storeBlockers(node, uses),
};

export const forkRule: InsteadRule = {
  name: "the value that several results follow from is stored instead",
  saves: "one array lies in memory where several would that follow from it.",
  store: (choice, node) => choice.storeFork(node),
};

export interface BehindRule extends FusionRule {
  /** What its readers take in place of a value, if anything. */
  readonly behind: (node: Node) => Node | undefined;
}

export const halfRule: BehindRule = {
  name: "who reads a widened half reads the half",
  saves: "of a value that is kept as a half and used in full, only the half lies in memory.",
  behind: ({ op, inputs: [half] }) =>
    op === "cast" && half !== undefined && isHalf(half.dtype) ? half : undefined,
};
