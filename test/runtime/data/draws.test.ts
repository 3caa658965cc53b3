import { describe, expect, test } from "vitest";
import { drawFrom, openDraw, threefry2x32 } from "../../../runtime/data/draws.ts";
import type { Draw, Example } from "../../../runtime/data/draws.ts";

test("threefry gives the words of its authors' known-answer tests", () => {
  const hex = ([a, b]: readonly [number, number]): string => `${a.toString(16)} ${b.toString(16)}`;
  expect(hex(threefry2x32([0, 0], [0, 0]))).toBe("6b200159 99ba4efe");
  expect(hex(threefry2x32([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff]))).toBe(
    "1cb996fc bb002be7",
  );
  expect(hex(threefry2x32([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]))).toBe(
    "c4923a9c 483df7a0",
  );
});

function take(draw: Draw, count = 4): number[] {
  return Array.from({ length: count }, () => draw.uniform());
}

describe("the draws of an operation", () => {
  const example: Example = { epoch: 3, index: 17, repeat: 0 };
  const first = take(openDraw(1, "image", 0, example));

  test("are the same whenever they are asked for", () => {
    expect(take(openDraw(1, "image", 0, example))).toEqual(first);
  });

  test.each<[string, number[]]>([
    ["seed", take(openDraw(2, "image", 0, example))],
    ["high bits of the seed", take(openDraw(1 + 2 ** 32, "image", 0, example))],
    ["view", take(openDraw(1, "other", 0, example))],
    ["operation", take(openDraw(1, "image", 1, example))],
    ["epoch", take(openDraw(1, "image", 0, { ...example, epoch: 4 }))],
    ["example", take(openDraw(1, "image", 0, { ...example, index: 18 }))],
    ["repeat", take(openDraw(1, "image", 0, { ...example, repeat: 1 }))],
  ])("differ by %s", (_, other) => {
    expect(other.some((value) => first.includes(value))).toBe(false);
  });
});

test("draws have the distributions that they say", () => {
  const draw = drawFrom([5, 6], 0);
  const many = 20_000;
  const mean = (next: () => number): number =>
    Array.from({ length: many }, next).reduce((a, b) => a + b, 0) / many;
  expect(mean(() => draw.uniform())).toBeCloseTo(0.5, 2);
  expect(mean(() => draw.between(2, 4))).toBeCloseTo(3, 1);
  expect(mean(() => draw.below(5))).toBeCloseTo(2, 1);
  expect(mean(() => Number(draw.chance(0.3)))).toBeCloseTo(0.3, 2);
  expect(mean(() => draw.normal() ** 2)).toBeCloseTo(1, 1);
  expect(mean(() => Number(draw.chance(0)))).toBe(0);
  expect(mean(() => Number(draw.chance(1)))).toBe(1);
});
