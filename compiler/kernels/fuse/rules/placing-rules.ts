// Rules about where values lie in memory, so that nothing is copied only to lie elsewhere, and about attention, which
// is a kernel of its own. What each does stands in the stage that it belongs to.
import type { Node } from "../../../graph/graph.ts";
import type { Claim, Preparing } from "../prepare.ts";
import type { Home, Places } from "../place.ts";
import type { Updating } from "../update-in-place.ts";
import type { FusionRule } from "./fusion-rule.ts";

/** Keeps a structured op as one kernel; otherwise it is expanded into what it means. */
export interface TemplateRule extends FusionRule {
  readonly keeps: (op: string) => boolean;
}

export const attentionRule: TemplateRule = {
  name: "attention is one kernel",
  saves: "the weights of all pairs of tokens never lie in memory.",
  keeps: (op) => op.startsWith("attention"),
};

export interface AssemblyRule extends FusionRule {
  /** Whether the parts of a concat are written where they belong in it. */
  readonly assembles: (preparing: Preparing, concat: Node) => boolean;
}

export const assemblyRule: AssemblyRule = {
  name: "the parts of a concat are written into it",
  saves:
    "no reader asks at each element which part it is in, and gradients lie end to end for the optimizer.",
  assembles: (preparing, concat) => preparing.isAssembled(concat),
};

export interface ClaimRule extends FusionRule {
  /** The value that can be made at the wanted place, if there is one. */
  readonly claim: (
    preparing: Preparing,
    value: Node,
    claim: (views: readonly Node[]) => Claim,
  ) => Node | undefined;
}

export const claimRule: ClaimRule = {
  name: "a value is made where it is wanted",
  saves: "outputs, new residents and parts of a concat are not made elsewhere and copied.",
  claim: (preparing, value, claim) => preparing.claim(value, claim),
};

export interface PartRule extends FusionRule {
  /** The place of a value that is so many elements of a buffer in a row. */
  readonly home: (places: Places, node: Node, buffer: number, from: number) => Home;
}

export const partRule: PartRule = {
  name: "a contiguous part of a leaf is a buffer of its own",
  saves: "repeated layers, whose parameters lie at different places, run the same code.",
  home: (places, node, buffer, from) => places.within(node, buffer, from),
};

export interface LayoutRule extends FusionRule {
  /** The views that a value is laid out through, outermost first. */
  readonly views: (places: Places, node: Node) => readonly Node[];
}

export const layoutRule: LayoutRule = {
  name: "a value lies as its readers see it",
  saves:
    "readers walk memory in order, and products of equal shape that read it run the same code.",
  views: (places, node) => places.viewsOfReaders(node),
};

export interface UpdateRule extends FusionRule {
  /** Whether a new value may be written over the old one. */
  readonly replaces: (updating: Updating, made: number, resident: number) => boolean;
}

export const inPlaceRule: UpdateRule = {
  name: "a new value is written over the old one",
  saves: "parameters and slots are neither kept twice nor copied at the end of a step.",
  replaces: (updating, made, resident) => updating.isReplaceable(made, resident),
};
