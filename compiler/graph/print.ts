// A tensor graph as text, one line a node: `%5 = add %3 %4  f32[64, 10]   # head`.
// For people, for `vit compile --show graph`, and for tests that compare prints.
import { showType } from "../ops/shape.ts";
import type { AttributeValue, Attributes, Node, TensorGraph } from "./graph.ts";

export function print(graph: TensorGraph): string {
  const lines = graph.nodes.map(printNode);
  for (const { name, value } of graph.outputs) lines.push(`output ${name} = %${value.id}`);
  for (const { path, value } of graph.updates) lines.push(`update ${path} = %${value.id}`);
  return lines.join("\n");
}

function printNode(node: Node): string {
  const inputs = node.inputs.map((input) => ` %${input.id}`).join("");
  const attributes = printAttributes(node.attributes);
  const role = node.origin.role === undefined ? "" : ` (${node.origin.role})`;
  const origin = `${node.origin.path}${role}`.trim();
  const comment = origin === "" ? "" : `   # ${origin}`;
  return `%${node.id} = ${node.op}${inputs}${attributes}  ${showType(node)}${comment}`;
}

/** Shape and type stand behind the node anyway. */
function printAttributes(attributes: Attributes): string {
  const shown = Object.entries(attributes).filter(([name]) => name !== "shape" && name !== "dtype");
  if (shown.length === 0) return "";
  return ` {${shown.map(([name, value]) => `${name}: ${printValue(value)}`).join(", ")}}`;
}

function printValue(value: AttributeValue): string {
  if (Array.isArray(value)) {
    const entries = value.length > 16 ? [...value.slice(0, 8), "..."] : value;
    return `[${entries.map(printValue).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value).map(([name, of]) => `${name}: ${printValue(of)}`).join(", ")}}`; // prettier-ignore
  return String(value);
}
