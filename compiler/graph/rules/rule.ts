// What a rewrite rule is: for a node of one of `ops`, another node of the same type that means the same, or nothing.
// A rule looks a few nodes up, never at who uses the node. Whatever it builds is simplified as it is built,
// so a rule must lead to something smaller. Numbers stay: nothing is reassociated, only exact identities are used
// (those of `sum-rules.ts` apart, which only gradients get).
// A rule stays only where a guarded recipe has worse figures without it (test/rules.test.ts): views of views mostly cost
// nothing, since fusion reads through them, and lowering writes no identities.
import type { Notation } from "../../ops/notation.ts";
import type { Node } from "../graph.ts";

export interface Rule {
  /** In words, for reports and tests: `a reshape of a reshape is one reshape`. */
  readonly name: string;
  readonly ops: readonly string[];
  apply(g: Notation, node: Node): Node | undefined;
}

/** The value of a constant node. */
export function constantValue(node: Node): number | undefined {
  const value = node.op === "constant" ? node.attributes["value"] : undefined;
  return typeof value === "number" ? value : undefined;
}

export function isConstant(node: Node, value: number): boolean {
  return Object.is(constantValue(node), value);
}
