// A table of places can be resized where both sizes count the places of square grids, and as many extra tokens.
import { expect, test } from "vitest";
import { gridResize } from "../../../compiler/diff/grid-resize.ts";

test("with a class token", () =>
  expect(gridResize([197, 768], [577, 768])).toEqual({ from: 14, to: 24 }));
test("without one", () => expect(gridResize([196, 768], [576, 768])).toEqual({ from: 14, to: 24 }));
test("with another number of extra tokens", () =>
  expect(gridResize([196, 768], [577, 768])).toBeUndefined());
test("classes are no grid", () => expect(gridResize([768, 1000], [768, 10])).toBeUndefined());
test("two axes at once", () => expect(gridResize([197, 384], [577, 768])).toBeUndefined());
