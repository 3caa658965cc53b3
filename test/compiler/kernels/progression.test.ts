import { expect, test } from "vitest";
import { longestProgression } from "../../../compiler/kernels/fuse/progression.ts";

const places = (...list: number[]): number[][] => list.map((place) => [place]);

test("places at one distance are one axis", () => {
  expect(longestProgression(places(5, 8, 11, 14))).toEqual({
    first: 0,
    count: 4,
    paces: [{ extent: 4, steps: [3] }],
  });
});

test("two places in each layer are two axes, and what lies otherwise is left out", () => {
  expect(longestProgression(places(0, 7, 10, 107, 110, 207, 210, 999))).toEqual({
    first: 1,
    count: 6,
    paces: [
      { extent: 3, steps: [100] },
      { extent: 2, steps: [3] },
    ],
  });
});

test("all places of a member must keep step", () => {
  const members = [[0, 0], [10, 20], [20, 40], [30, 50]]; // prettier-ignore
  expect(longestProgression(members)).toEqual({
    first: 0,
    count: 3,
    paces: [{ extent: 3, steps: [10, 20] }],
  });
});

test("one member alone is no axis", () => {
  expect(longestProgression(places(3))).toEqual({ first: 0, count: 1, paces: [] });
  expect(longestProgression([])).toEqual({ first: 0, count: 0, paces: [] });
});
