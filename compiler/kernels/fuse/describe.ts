// What a kernel says to people: a label such as `layers.3.mlp.up dot + add + erf`, its origin, phase and cost.
import type { Node } from "../../graph/graph.ts";
import { elementCount } from "../../ops/shape.ts";
import type { Kernel } from "../kernel.ts";
import { operatorOf } from "./sources.ts";

export type Description = Pick<Kernel, "label" | "origin" | "macs" | "flops" | "phase">;

const mostNames = 5;

/** `root` gives origin and phase, `nodes` are all that the kernel makes. */
export function describe(root: Node, nodes: readonly Node[]): Description {
  const costs = nodes.map(costOf);
  return {
    label: `${root.origin.path} ${namesOf(root, nodes)}`.trim(),
    origin: root.origin,
    macs: costs.reduce((sum, cost) => sum + cost.macs, 0),
    flops: costs.reduce((sum, cost) => sum + cost.flops, 0),
    phase: phaseOf(root),
  };
}

function namesOf(root: Node, nodes: readonly Node[]): string {
  const names = new Set([root, ...nodes].map((node) => (node.op === "stop" ? "copy" : node.op)));
  const shown = [...names].slice(0, mostNames).join(" + ");
  return names.size > mostNames ? `${shown} + ...` : shown;
}

function phaseOf({ origin }: Node): Description["phase"] {
  switch (origin.role) {
    case "gradient":
    case "recompute":
      return "backward";
    case "optimizer":
    case "clip":
    case "update":
      return "update";
    default:
      return "forward";
  }
}

function costOf(node: Node): { readonly macs: number; readonly flops: number } {
  const op = operatorOf(node);
  const stated = op.cost?.(node.inputs, node, node.attributes);
  if (stated !== undefined) return stated;
  if (op.kind === "elementwise") return { macs: 0, flops: elementCount(node.shape) };
  if (op.kind === "reduction") return { macs: 0, flops: elementCount(node.inputs[0]!.shape) };
  return { macs: 0, flops: 0 };
}
