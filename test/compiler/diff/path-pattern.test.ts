// Many paths, few patterns: `*` stands for all there are, a range for some.
import { expect, test } from "vitest";
import { groupPaths } from "../../../compiler/diff/path-pattern.ts";

const layers = ["layers.0.attn", "layers.1.attn", "layers.2.attn", "layers.3.attn", "head"];
const shown = (paths: readonly string[], all = layers) =>
  groupPaths(paths, all).map((group) => group.shown);

test("all of them", () => expect(shown(layers.slice(0, 4))).toEqual(["layers.*.attn"]));
test("some in a row", () => expect(shown(layers.slice(1, 3))).toEqual(["layers.1..2.attn"]));
test("some apart", () => expect(shown([layers[0]!, layers[2]!])).toEqual(["layers.{0,2}.attn"]));
test("one", () => expect(shown([layers[3]!])).toEqual(["layers.3.attn"]));
test("a path without an index", () => expect(shown(["head"])).toEqual(["head"]));

test("of nested repetitions, all of one", () => {
  const all = ["s.0.b.0", "s.0.b.1", "s.1.b.0", "s.1.b.1"];
  expect(shown(all, all)).toEqual(["s.*.b.*"]);
  expect(shown(["s.1.b.0", "s.1.b.1"], all)).toEqual(["s.1.b.*"]);
});
