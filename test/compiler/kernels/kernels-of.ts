// A small graph, written by a test -> its kernels as text, held against the graph's meaning.
import { Builder } from "../../../compiler/graph/builder.ts";
import type { Initializer, Node } from "../../../compiler/graph/graph.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { printKernels } from "../../../compiler/kernels/print.ts";
import { expectSameKernels } from "./same-kernels.ts";

const initializer: Initializer = { kind: "zeros", settings: {} };

export class Graph extends Builder {
  f32(name: string, ...shape: number[]): Node {
    return this.input(name, { shape, dtype: "f32" });
  }
  i32(name: string, ...shape: number[]): Node {
    return this.input(name, { shape, dtype: "i32" });
  }
  trained(path: string, ...shape: number[]): Node {
    return this.parameter({ path, shape, dtype: "f32", initializer, trainable: true, block: "", origin: { path } }); // prettier-ignore
  }
  /** x through a weight [in, out]: the last axis is contracted. */
  linear(x: Node, weight: Node): Node {
    return this.dot(x, weight, { contract: [[x.shape.length - 1], [0]] });
  }
}

/** What `write` gives is the output `y` (or outputs by name); renewed parameters by path. */
export function kernelsOf(
  write: (g: Graph) => Node | Record<string, Node>,
  renewed: (g: Graph) => Record<string, Node> = () => ({}),
): string {
  const g = new Graph();
  const result = write(g);
  const outputs = "op" in result && "inputs" in result ? { y: result as Node } : result;
  const graph = g.finish({
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, value: value as Node })),
    updates: Object.entries(renewed(g)).map(([path, value]) => ({ path, value })),
  });
  return printKernels(expectSameKernels(simplify(graph)));
}
