// Aligned columns, and what stands last in a row on a terminal that is narrow.
import { expect, test } from "vitest";
import { table } from "../../cli/table.ts";

test("columns are as wide as their widest cell; colours take no room", () => {
  const rows = [["a", "\u001b[1m1\u001b[22m"], ["long", "200"]]; // prettier-ignore
  expect(table(rows, { align: ["left", "right"] })).toEqual([
    "a       \u001b[1m1\u001b[22m",
    "long  200",
  ]);
});

test("no line ends in blanks, not behind colours either", () => {
  expect(
    table([
      ["a", "\u001b[2m\u001b[22m"],
      ["b", "c"],
    ]),
  ).toEqual(["a", "b  c"]);
});

test("a tail takes what its row has left, and goes where that is little", () => {
  const paint = (text: string) => `<${text}>`;
  const rows = [["block", "Pool", "the mean of the map asks"], ["model", "Net", "S", "22.1M", "one that is cut"]]; // prettier-ignore
  expect(table(rows, { tail: { width: 33, paint } })).toEqual([
    "block  Pool  <the mean of the map…>",
    "model  Net   S  22.1M",
  ]);
  expect(table(rows, { tail: { width: Infinity, paint } })[1]).toBe(
    "model  Net   S  22.1M  <one that is cut>",
  );
});
