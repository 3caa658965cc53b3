// Which old values of residents are gone by the time that a group runs: those whose new ones lie in their place by then.
// A kernel that read one all the same would have it kept beside the new value, and copied over at the end of the step.
import type { Node } from "../../graph/graph.ts";
import type { Group, Groups } from "./group.ts";
import type { Preparation } from "./prepare.ts";

export class ReplacedValues {
  private readonly groups: Groups;
  /** By leaf: the group that makes its new value. */
  private readonly writers = new Map<Node, Group>();

  constructor(prepared: Preparation, groups: Groups) {
    this.groups = groups;
    const byPath = new Map<string, Group>();
    for (const [value, claim] of prepared.claims) {
      const group = claim.kind === "update" ? groups.of(value) : undefined;
      if (claim.kind === "update" && group !== undefined) byPath.set(claim.path, group);
    }
    for (const node of prepared.nodes) {
      if (node.inputs.length > 0 || node.op === "input") continue;
      const writer = byPath.get(String(node.attributes["name"] ?? node.attributes["path"]));
      if (writer !== undefined) this.writers.set(node, writer);
    }
  }

  /** Whether a leaf is replaced at all. */
  has(leaf: Node): boolean {
    return this.writers.has(leaf);
  }

  /** Whether a group can only run once the leaf was replaced. `mustRead`: what cannot be made again by its reader. */
  isGoneFor(leaf: Node, by: Group, mustRead: (value: Node) => boolean): boolean {
    const writer = this.writers.get(leaf);
    if (writer === undefined || writer === by || !this.groups.dependsOn(by, writer)) return false;
    return [...by.reads].some((value) => {
      const maker = this.groups.of(value);
      if (maker === undefined) return false;
      return maker === writer ? mustRead(value) : this.groups.dependsOn(maker, writer);
    });
  }
}
