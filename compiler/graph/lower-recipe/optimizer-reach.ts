// What the body of an optimizer reads of a parameter, found by applying it to nodes that go nowhere:
//   element  its own element of each array: many parameters are renewed at once, as one flat array
//   sums     besides, sums over a whole parameter (a norm): at once as well, with a sum for each parameter
//   shape    anything else, such as rows and columns: parameter by parameter
import { op as opByName } from "../../ops/registry.ts";
import { elementCount } from "../../ops/shape.ts";
import { numbers } from "../../ops/attributes.ts";
import { Builder, reachable } from "../builder.ts";
import type { Node } from "../graph.ts";
import type { OptimizerReach, OptimizerUse } from "../lowered.ts";

type Apply = (
  ...of: Parameters<OptimizerUse["apply"]>
) => ReturnType<OptimizerUse["apply"]> | undefined;

/** Long enough on each side that a choice by the length of an axis (`least` of Adafactor) shows. */
const probes = [[3], [1 << 15, 1 << 15]] as const;

/** What is wrong in the body was reported before: then the answer does not matter. */
export function reachOf(apply: Apply): OptimizerReach {
  const bodies = probes.map((shape) => probe(apply, shape));
  if (bodies.some((body) => body === undefined || !hasOwnShape(body))) return "shape";
  const nodes = bodies.map((body) => body!.nodes);
  if (nodes.flat().every(isOwnElement)) return "element";
  // A number made of the shape itself, such as the count of a mean, would be that of the flat array.
  const [one, other] = nodes.map((each) => each.map(described).join("\n"));
  return nodes.flat().every(isOwnOrSum) && one === other ? "sums" : "shape";
}

interface Body {
  readonly shape: readonly number[];
  readonly nodes: readonly Node[];
  readonly slots: readonly (readonly number[])[];
}

function probe(apply: Apply, shape: readonly number[]): Body | undefined {
  const g = new Builder();
  const scalar = { shape: [], dtype: "f32" } as const;
  const applied = apply(g, {
    p: g.input("p", { shape, dtype: "f32" }),
    g: g.input("g", { shape, dtype: "f32" }),
    t: g.input("t", scalar),
    lr: g.input("lr", scalar),
    slotPath: (slot) => slot,
  });
  if (applied === undefined) return undefined;
  const roots = [applied.next, ...applied.slots.map((slot) => slot.next)];
  const needed = reachable(roots, g.nodes.length);
  const nodes = g.nodes.filter((node) => needed.has(node));
  return { shape, nodes, slots: applied.slots.map((slot) => slot.state.shape) };
}

function hasOwnShape({ shape, slots }: Body): boolean {
  return slots.every((slot) => slot.join() === shape.join());
}

/** Reads only its own element of each input, or one number for all. */
function isOwnElement(node: Node): boolean {
  const { kind } = opByName(node.op);
  if (kind === "elementwise" || kind === "leaf") return true;
  if (node.op === "constant") return true;
  return kind === "view" && node.inputs.every((input) => elementCount(input.shape) === 1);
}

/** Of all elements, there is one sum. */
function isOwnOrSum(node: Node): boolean {
  const isScalarView = node.op !== "broadcast" && opByName(node.op).kind === "view";
  if (isScalarView) return false;
  if (node.op !== "sum") return isOwnElement(node);
  return numbers(node.attributes, "axes").length === node.inputs[0]!.shape.length;
}

/** A node without its shape. */
function described({ id, op, inputs, attributes }: Node): string {
  const value = op === "constant" ? String(attributes["value"]) : "";
  return `${id} ${op} ${value} ${inputs.map((input) => input.id).join()}`;
}
