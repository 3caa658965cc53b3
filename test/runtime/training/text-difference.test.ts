import { expect, test } from "vitest";
import { textDifference } from "../../../runtime/training/text-difference.ts";

test("equal texts have no difference", () => {
  expect(textDifference("a\nb", "a\nb")).toEqual([]);
});

test("a changed line is one taken away and one added", () => {
  expect(textDifference("a\nb\nc", "a\nx\nc")).toEqual(["- b", "+ x"]);
});

test("what is inserted does not disturb what follows", () => {
  expect(textDifference("a\nb\nc", "new\na\nb\nmore\nc")).toEqual(["+ new", "+ more"]);
  expect(textDifference("new\na\nb", "a\nb")).toEqual(["- new"]);
});
