// Numbers go from theirs to ours and back, entry by entry as the arrow says.
import { describe, expect, test } from "vitest";
import { toOurNames, toTheirNames } from "../../../compiler/names/apply-names.ts";
import type { NameTable } from "../../../compiler/names/name-table.ts";
import { names } from "./named-model.ts";

/** 0, 1, 2 … as a tensor. */
function counting(...shape: number[]) {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Float64Array.from({ length: count }, (_, i) => i) };
}

function oneParameter(shape: string, line: string): NameTable {
  const [first] = shape.split(" ");
  return names(
    `model Model(x: [batch, q = 1]) -> [batch, q] { param w [${shape}] ~ zeros  x |> add(sum(w, (${axes(shape)}))) }
     names torch of Model { ${line} }`,
    first === undefined ? "" : "torch",
  );
}

const axes = (shape: string) =>
  shape
    .split(", ")
    .map((axis) => axis.split(" ")[0])
    .join(", ");

const ours = (table: NameTable, theirs: Record<string, ReturnType<typeof counting>>) => {
  const { values } = toOurNames(table, new Map(Object.entries(theirs)));
  const { shape, values: numbers } = values.get("w")!;
  const back = toTheirNames(table, new Map([["w", numbers]]));
  for (const [name, { shape, values }] of back) expect({ shape, values }).toEqual(theirs[name]);
  return { shape, values: [...numbers] };
};

describe("one of theirs is one of ours", () => {
  test("transposed", () => {
    const table = oneParameter("a = 3, b = 2", `"w" = "t" [b, a] -> [a, b]`);
    expect(ours(table, { t: counting(2, 3) })).toEqual({
      shape: [3, 2],
      values: [0, 3, 1, 4, 2, 5],
    });
  });

  test("with axes of 1 that we do not have", () => {
    const table = oneParameter("a = 3", `"w" = "t" [1, a, 1] -> [a]`);
    expect(ours(table, { t: counting(1, 3, 1) })).toEqual({ shape: [3], values: [0, 1, 2] });
  });

  test("with what lies inside of an axis in another order", () => {
    const table = oneParameter("a = 4", `"w" = "t" [(x = 2 y)] -> [(y x)]`);
    expect(ours(table, { t: counting(4) })).toEqual({ shape: [4], values: [0, 2, 1, 3] });
  });
});

describe("several tensors", () => {
  test("three of theirs are joined along an axis", () => {
    const table = oneParameter(
      "a = 2, b = 3",
      `"w" = ("q", "k", "v") 3 * [out, a] -> [a, (3 out)]`,
    );
    const theirs = { q: counting(1, 2), k: counting(1, 2), v: counting(1, 2) };
    theirs.k.values.fill(7);
    theirs.v.values.fill(8);
    expect(ours(table, theirs)).toEqual({ shape: [2, 3], values: [0, 7, 8, 1, 7, 8] });
  });

  test("one of theirs is parted into ours, and written whole", () => {
    const model = (lines: string) => `
      model Model(x: [batch, width = 2]) -> [batch, width] { x |> q: Linear(2, bias = false) |> kv: Linear(4, bias = false) |> last: Linear(2, bias = false) }
      names torch of Model { ${lines} "last" = none }`;
    const parted = names(model(`
      "q.weight"  = "all" [part = 0..1] [(part = 3 out), width] -> [width, (part out)]
      "kv.weight" = "all" [part = 1..3] [(part = 3 out), width] -> [width, (part out)]`), "torch"); // prettier-ignore
    const { values } = toOurNames(parted, new Map([["all", counting(6, 2)]]));
    expect([...values.get("q.weight")!.values]).toEqual([0, 2, 1, 3]);
    expect([...values.get("kv.weight")!.values]).toEqual([4, 6, 8, 10, 5, 7, 9, 11]);
    const numbers = new Map([...values].map(([path, { values }]) => [path, values]));
    expect(toTheirNames(parted, numbers).get("all")).toEqual(counting(6, 2));
  });

  test("equal parts may be named in a row", () => {
    const table = names(`
      model Model(x: [batch, width = 2]) -> [batch, width] { x |> a: Linear(2, bias = false) |> b: Linear(2, bias = false) }
      names torch of Model { ("a.weight", "b.weight") = "ab" [(2 out), width] -> 2 * [width, out] }`, "torch"); // prettier-ignore
    const { values } = toOurNames(table, new Map([["ab", counting(4, 2)]]));
    expect([...values.get("b.weight")!.values]).toEqual([4, 6, 5, 7]);
    const numbers = new Map([...values].map(([path, { values }]) => [path, values]));
    expect(toTheirNames(table, numbers).get("ab")).toEqual(counting(4, 2));
  });

  test("what is behind the first few", () => {
    const table = oneParameter("a = 2", `"w" = "t" [a = 0..] [a] -> [a]`);
    expect(ours(table, { t: counting(2) })).toEqual({ shape: [2], values: [0, 1] });
  });
});

test("what is missing, unused or of another shape is told and left out", () => {
  const table = names(
    `model Model(x: [batch, width = 2]) -> [batch, width] { x |> a: Linear(2) |> b: Linear(2) }`,
    "torch",
  );
  const told = toOurNames(
    table,
    new Map([
      ["a.weight", counting(2, 2)],
      ["a.bias", counting(3)],
      ["b.bias", counting(2)],
      ["c.bias", counting(2)],
    ]),
  );
  expect([...told.values.keys()]).toEqual(["a.weight", "b.bias"]);
  expect(told.missing).toEqual(["b.weight"]);
  expect(told.unused).toEqual(["c.bias"]);
  expect(told.unlike).toEqual([{ name: "a.bias", shape: [3], wanted: [2] }]);
});
