// Which part of one tree is which of the other: by label, then by content, repetitions as sequences.
import { describe, expect, test } from "vitest";
import { alignTrees } from "../../../compiler/diff/align-trees.ts";
import type { AlignedNode } from "../../../compiler/diff/align-trees.ts";
import { moduleTree } from "../../../compiler/diff/module-tree.ts";
import type { Module } from "../../../compiler/graph/lowered.ts";

/** `stem Conv`, `layers.0 Block` ... one module a line, in order. */
function tree(...lines: readonly string[]) {
  const modules = lines.map((line): Module => {
    const [path = "", block = ""] = line.split(" ");
    return {
      path,
      block,
      standing: [],
      settings: [],
      parameters: 0,
      macs: 0,
      output: "",
      origin: { path },
    };
  });
  return moduleTree(modules, []);
}

/** `+ path`, `- path`, `from = to` for parts that are elsewhere than they were. */
function told(node: AlignedNode): string[] {
  const { from, to, children } = node;
  return [
    ...(from.path === to.path ? [] : [`${from.path} = ${to.path}`]),
    ...children.nodes.flatMap(told),
    ...children.removed.map(({ path }) => `- ${path}`),
    ...children.added.map(({ path }) => `+ ${path}`),
  ];
}

describe("labels", () => {
  test("what has its label is itself, whatever has changed in it", () => {
    expect(told(alignTrees(tree("a A", "b B"), tree("a X", "b B")))).toEqual([]);
  });

  test("what has gone and what is there instead are one if they are alike", () => {
    expect(told(alignTrees(tree("a A", "a.x X", "b B"), tree("c A", "c.x X", "b B")))).toEqual([
      "a = c",
      "a.x = c.x",
    ]);
  });

  test("else one is removed, the other added", () => {
    expect(told(alignTrees(tree("a A", "b B"), tree("c C", "b B")))).toEqual(["- a", "+ c"]);
  });
});

describe("repetitions", () => {
  const layers = (...blocks: readonly string[]) =>
    tree("layers", ...blocks.map((block, i) => `layers.${i} ${block}`));

  test("of equal layers, the last ones are new", () => {
    expect(told(alignTrees(layers("A", "A"), layers("A", "A", "A")))).toEqual(["+ layers.2"]);
  });

  test("a layer put in between is one insertion", () => {
    expect(told(alignTrees(layers("A", "B", "C"), layers("A", "X", "B", "C")))).toEqual([
      "layers.1 = layers.2",
      "layers.2 = layers.3",
      "+ layers.1",
    ]);
  });

  test("a changed layer is the layer it was", () => {
    expect(told(alignTrees(layers("A", "B", "C"), layers("A", "X", "C")))).toEqual([]);
  });
});
