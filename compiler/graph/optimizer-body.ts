// The body of an optimizer, applied to nodes that go nowhere: what it is made of for a parameter of some shape.
import { numbers } from "../ops/attributes.ts";
import { op as opByName } from "../ops/registry.ts";
import { elementCount } from "../ops/shape.ts";
import { Builder, reachable } from "./builder.ts";
import type { Node } from "./graph.ts";
import type { OptimizerUse } from "./lowered.ts";

export type Apply = (
  ...of: Parameters<OptimizerUse["apply"]>
) => ReturnType<OptimizerUse["apply"]> | undefined;

type Applied = ReturnType<OptimizerUse["apply"]>;

export interface OptimizerBody {
  readonly shape: readonly number[];
  /** What its results need, inputs before uses. */
  readonly nodes: readonly Node[];
  readonly inputs: Readonly<Record<"p" | "g" | "t" | "lr", Node>>;
  readonly applied: Applied;
}

/** Undefined where the body is wrong (and reported). */
export function bodyFor(
  apply: Apply,
  shape: readonly number[],
  slotPath: (slot: string) => string = (slot) => slot,
): OptimizerBody | undefined {
  const body = new Builder();
  const scalar = { shape: [], dtype: "f32" } as const;
  const inputs = {
    p: body.input("p", { shape, dtype: "f32" }),
    g: body.input("g", { shape, dtype: "f32" }),
    t: body.input("t", scalar),
    lr: body.input("lr", scalar),
  };
  const applied = apply(body, { ...inputs, slotPath });
  if (applied === undefined) return undefined;
  const needed = reachable([applied.next, ...applied.slots.map(({ next }) => next)], body.nodes.length); // prettier-ignore
  return { shape, nodes: body.nodes.filter((node) => needed.has(node)), inputs, applied };
}

/** Whether each element of a parameter is renewed by itself, with slots of the parameter's shape. */
export function isByElement(body: OptimizerBody): boolean {
  return hasOwnShape(body) && body.nodes.every(isOwnElement);
}

export function hasOwnShape({ shape, applied }: OptimizerBody): boolean {
  return applied.slots.every(({ state }) => state.shape.join() === shape.join());
}

/** Reads only its own element of each input, or one number for all. */
function isOwnElement(node: Node): boolean {
  const { kind } = opByName(node.op);
  if (kind === "elementwise" || kind === "leaf") return true;
  if (node.op === "constant") return true;
  return kind === "view" && node.inputs.every((input) => elementCount(input.shape) === 1);
}

/** Of all elements, there is one sum. */
export function isOwnOrSum(node: Node): boolean {
  const isScalarView = node.op !== "broadcast" && opByName(node.op).kind === "view";
  if (isScalarView) return false;
  if (node.op !== "sum") return isOwnElement(node);
  return numbers(node.attributes, "axes").length === node.inputs[0]!.shape.length;
}

/** The body without its shapes, as a text: equal where the same is done for each element. */
export function described({ nodes }: OptimizerBody): string {
  return nodes.map(describedNode).join("\n");
}

function describedNode({ id, op, inputs, attributes }: Node): string {
  const value = op === "constant" ? String(attributes["value"]) : "";
  return `${id} ${op} ${value} ${inputs.map((input) => input.id).join()}`;
}
