// Each promise of graph.ts, broken once.
import { expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import type { Node, TensorGraph } from "../../../compiler/graph/graph.ts";
import { verify } from "../../../compiler/graph/verify.ts";

function sound(): TensorGraph {
  const g = new Builder();
  g.at({ path: "stem" });
  const initializer = { kind: "zeros", settings: {} };
  const state = g.state({
    path: "mean",
    shape: [3],
    dtype: "f32",
    initializer,
    origin: { path: "mean" },
  });
  const y = g.plus(g.input("x", { shape: [3], dtype: "f32" }), state);
  return g.finish({ outputs: [{ name: "y", value: y }], updates: [{ path: "mean", value: y }] });
}

function broken(change: (graph: TensorGraph, last: Node) => Partial<TensorGraph>): () => void {
  const graph = sound();
  return () => verify({ ...graph, ...change(graph, graph.nodes.at(-1)!) });
}

function withLast(graph: TensorGraph, last: Node): Partial<TensorGraph> {
  return {
    nodes: graph.nodes.with(-1, last),
    outputs: [{ name: "y", value: last }],
    updates: [{ path: "mean", value: last }],
  };
}

test("a sound graph passes", () => verify(sound()));

test.each([
  ["a node's id is its place", broken((graph, last) => withLast(graph, { ...last, id: 7 }))],
  ["the op's rule gives f32[3]", broken((graph, last) => withLast(graph, { ...last, shape: [4] }))],
  [
    "an input is a node of the same graph",
    broken((graph, last) =>
      withLast(graph, { ...last, inputs: last.inputs.map((input) => ({ ...input })) }),
    ),
  ],
  ["no op is called `ad`", broken((graph, last) => withLast(graph, { ...last, op: "ad" }))],
  ["is declared", broken(() => ({ inputs: [] }))],
  ["declared once", broken((graph) => ({ states: [...graph.states, ...graph.states] }))],
  ["each output", broken((graph) => ({ outputs: [...graph.outputs, ...graph.outputs] }))],
  [
    "an output is a node of the same graph",
    broken((_, last) => ({ outputs: [{ name: "y", value: { ...last } }] })),
  ],
  [
    "the updated `other` is declared",
    broken((_, last) => ({ updates: [{ path: "other", value: last }] })),
  ],
] as const)("%s", (message, run) => {
  expect(run).toThrow(message);
});

test("the message names the node and where it comes from", () => {
  expect(broken((graph, last) => withLast(graph, { ...last, shape: [4] }))).toThrow(
    "at %2 = add f32[4], from `stem`",
  );
});
