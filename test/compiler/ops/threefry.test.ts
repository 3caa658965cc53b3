import { describe, expect, test } from "vitest";
import { randomBits, streamHash, threefry2x32 } from "../../../compiler/ops/threefry.ts";

// Random123, tests/kat_vectors: key and counter are swapped there (counter first, then key).
const knownAnswers = [
  [13, [0, 0], [0, 0], [0x9d1c5ec6, 0x8bd50731]],
  [13, [0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0xfd36d048, 0x2d17272c]],
  [13, [0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xba3e4725, 0xf27d669e]],
  [20, [0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
  [20, [0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
  [20, [0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xc4923a9c, 0x483df7a0]],
] as const;

test.each(knownAnswers)("Random123's known answer, %i rounds", (rounds, counter, key, answer) => {
  expect(threefry2x32(key, counter, rounds)).toEqual([...answer]);
});

test("FNV-1a's known answers", () => {
  expect(streamHash("")).toBe(0x811c9dc5);
  expect(streamHash("a")).toBe(0xe40c292c);
  expect(streamHash("foobar")).toBe(0xbf9cf968);
});

describe("the bits of a stream", () => {
  const bits = (seed: number, step: number) =>
    Array.from({ length: 4 }, (_, i) => randomBits(streamHash("layers.0.drop"), seed, step, i));

  test("are these, on every target", () => {
    expect(bits(1, 0)).toMatchInlineSnapshot(`
      [
        4109450003,
        2495211103,
        926757648,
        2596002902,
      ]
    `);
  });

  test("change with the seed, the step and the element", () => {
    const all = [...bits(1, 0), ...bits(2, 0), ...bits(1, 1)];
    expect(new Set(all).size).toBe(all.length);
  });
});
