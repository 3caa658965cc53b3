// Intrinsic functions on small numbers: what each line says, by hand.
import { expect, test } from "vitest";
import { lowered, run } from "./lower-text.ts";

const values = (signature: string, expression: string, inputs: Record<string, number[]>) => {
  const model = lowered(`model M(${signature}) -> [..] { ${expression} }`, "M", { batch: 2 });
  return [...run(model, inputs).get("output")!].map((value) => Math.round(value * 1e6) / 1e6);
};

const line = "x: [n = 4]";
const x = [3, 1, 4, 2];

test.each([
  ["x[n = 1..3]", [1, 4]],
  ["x[n = -1..]", [2]],
  ["take(x, n, 2)", [4]],
  ["take(x, n, -1)", [2]],
  ["take(x, n, int(x[n = ..2]) - 1)", [4, 3]],
  ["reverse(x, n)", [2, 4, 1, 3]],
  ["roll(x, n, 1)", [2, 3, 1, 4]],
  ["roll(x, n, -1)", [1, 4, 2, 3]],
  ["pad(x, n, 1)", [0, 3, 1, 4, 2, 0]],
  ["pad(x, n, after = 2)", [3, 1, 4, 2, 0, 0]],
  ["pad(x, n, 1, mode = reflect)", [1, 3, 1, 4, 2, 4]],
  ["pad(x, n, 1, mode = edge)", [3, 3, 1, 4, 2, 2]],
  ["concat((x, x[n = ..1]), n)", [3, 1, 4, 2, 3]],
  ["prepend(x, 7, n)", [7, 3, 1, 4, 2]],
  ["append(x, 7, n)", [3, 1, 4, 2, 7]],
  ["filter(x, [1, -1], over = n)", [2, -3, 2]],
  ["resize(x, n, 2)", [2, 3]],
  ["sum(x, n)", [10]],
  ["mean(x)", [2.5]],
  ["mean(x, where = x > 2)", [3.5]],
  ["max(x, n)", [4]],
  ["max(x, 2)", [3, 2, 4, 2]],
  ["min(x, 3, 2)", [2, 1, 2, 2]],
  ["argmax(x, n)", [2]],
  ["top(x, 2, n)", [2, 0]],
  ["kth_smallest(x, 2, n)", [2]],
  ["indices([n]) * 2", [0, 2, 4, 6]],
  ["offsets([i = 2, j = 3])", [0, -1, -2, 1, 0, -1]],
  ["distances([i = 4, j = 2])", [2, 0, 3, 1, 4, 2, 5, 3]],
  ["distances([i = 3, j = 2])", [1, 0, 2, 1, 3, 2]],
  ["one_hot(int(take(x, n, 1)), [classes = 3], smoothing = 0.3)", [0.1, 0.8, 0.1]],
  ["differ(x[n = ..2], x[n = 1..3, n as m])", [1, 1, 0, 1]],
  ["squared_distance(x[n as k], x[n as k], over = k)", [0]],
  ["where(x > 2, x, -x)", [3, -1, 4, -2]],
  ["x % 2", [1, 1, 0, 0]],
  ["x ^ 2", [9, 1, 16, 4]],
  ["2 ^ x", [8, 2, 16, 4]],
])("%s", (expression, wanted) => {
  expect(values(line, expression, { x })).toEqual(wanted);
});

test("matching gives each entry of one axis its own of another, at the least cost", () => {
  const cost = [1, 2, 9, 1, 9, 9, /* second example */ 3, 2, 1, 3, 2, 0];
  const signature = "cost: [batch, boxes = 2, tokens = 3]";
  expect(values(signature, "matching(cost, of = boxes, among = tokens)", { cost })).toEqual([
    1, 0, 1, 2,
  ]);
});

test("take pairs the axes that the index shares", () => {
  const signature = "x: [batch, classes = 3], label: int[batch]";
  expect(
    values(signature, "take(x, classes, label)", { x: [1, 2, 3, 4, 5, 6], label: [2, 0] }),
  ).toEqual([3, 4]);
});

test("take puts the axes of the index where the axis was", () => {
  const signature = "table: [rows = 2, width = 2], at: int[i = 3]";
  expect(
    values(signature, "take(table, rows, at)", { table: [1, 2, 3, 4], at: [1, 0, 1] }),
  ).toEqual([3, 4, 1, 2, 3, 4]);
});

test("scatter adds to the places that are named", () => {
  const text = `function back(x: [batch, width]) -> [batch, width] {
      let some = x[batch = ..1]
      scatter(some, int(take(some, width, 0)), into = batch)
    }
    model M(x: [batch, width = 2]) -> [batch, width] { back(x) }`;
  const found = run(lowered(text, "M", { batch: 2 }), { x: [1, 5, 9, 9] });
  expect([...found.get("output")!]).toEqual([0, 0, 1, 5]);
});

test("a pseudo-inverse undoes a resize", () => {
  const text = `model M(x: [old = 4]) -> [..] {
      let p = pseudo_inverse(resize_matrix([old = 4, new = 2]))
      dot(p, x, over = old)
    }`;
  const [output] = lowered(text, "M").outputs;
  expect(output).toMatchObject({ axes: ["new"], shape: [2] });
});

test("moments know how many elements they are over", () => {
  const text =
    "model M(x: [batch, width = 1]) -> [..] { let (m, v) = moments(x, keep = width)  unbiased(v) }";
  const found = run(lowered(text, "M", { batch: 2 }), { x: [1, 3] });
  expect([...found.get("output")!]).toEqual([2]);
});
