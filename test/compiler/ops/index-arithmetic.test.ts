import { describe, expect, test } from "vitest";
import {
  add,
  affine,
  axesOf,
  axisIndex,
  constantIndex,
  divide,
  evaluateIndex,
  modulo,
  multiply,
  offset,
  rangeOf,
  sameIndex,
  showIndex,
  substitute,
} from "../../../compiler/ops/index-arithmetic.ts";
import type { Index } from "../../../compiler/ops/index-expression.ts";
import { threefry2x32 } from "../../../compiler/ops/threefry.ts";

const i = axisIndex(0, 6);
const j = axisIndex(1, 8);

describe("an index is built simplified", () => {
  test("divisions that ranges make needless vanish", () => {
    const merged = add(multiply(i, 8), j);
    expect(showIndex(divide(merged, 8))).toBe("i0");
    expect(showIndex(modulo(merged, 8))).toBe("i1");
    expect(showIndex(divide(merged, 16))).toBe("i0 / 2");
    expect(showIndex(modulo(merged, 16))).toBe("(i0 % 2 * 8 + i1)");
  });

  test("a split and a merge of one axis leave it alone", () => {
    const split = [divide(j, 4), modulo(j, 4)] as const;
    expect(showIndex(add(multiply(split[0], 4), split[1]))).toBe("i1");
    expect(showIndex(add(multiply(split[0], 12), multiply(split[1], 3)))).toBe("i1 * 3");
  });

  test("equal terms add up, and constants gather at the end", () => {
    expect(showIndex(add(offset(i, 2), i, constantIndex(-2)))).toBe("i0 * 2");
    expect(showIndex(add(i, multiply(i, -1)))).toBe("0");
  });

  test("an axis of extent 1 is 0", () => {
    expect(showIndex(add(axisIndex(3, 1), j))).toBe("i1");
  });
});

test("affine tells offset and strides, or that there are none", () => {
  expect(affine(offset(add(multiply(i, 8), j), 5))).toEqual({ offset: 5, strides: new Map([[0, 8], [1, 1]]) }); // prettier-ignore
  expect(affine(divide(j, 3))).toBeUndefined();
});

test("axesOf and substitute reach everywhere", () => {
  const index = add(divide(add(i, j), 5), modulo(j, 3));
  expect([...axesOf(index)].sort()).toEqual([0, 1]);
  const moved = substitute(index, (axis, extent) => axisIndex(axis + 2, extent));
  expect([...axesOf(moved)].sort()).toEqual([2, 3]);
});

test("random expressions have the value of plain arithmetic, inside their range", () => {
  for (let seed = 0; seed < 1000; seed++) {
    let count = 0;
    const chance = (below: number) => threefry2x32([seed, 9], [count++, 0])[0] % below;
    const extents = [2 + chance(5), 1 + chance(9), 3 + chance(4)];
    type Made = { readonly index: Index; readonly value: (at: readonly number[]) => number };
    let made: Made[] = extents.map((extent, axis) => ({ index: axisIndex(axis, extent), value: (at) => at[axis]! })); // prettier-ignore
    for (let step = 0; step < 7; step++) {
      const [a, b, by] = [made[chance(made.length)]!, made[chance(made.length)]!, 1 + chance(12)];
      const grown: Made = [
        () => ({
          index: add(a.index, b.index),
          value: (at: readonly number[]) => a.value(at) + b.value(at),
        }),
        () => ({
          index: multiply(a.index, by),
          value: (at: readonly number[]) => a.value(at) * by,
        }),
        () => ({
          index: divide(a.index, by),
          value: (at: readonly number[]) => Math.floor(a.value(at) / by),
        }),
        () => ({ index: modulo(a.index, by), value: (at: readonly number[]) => a.value(at) % by }),
        () => ({ index: offset(a.index, by), value: (at: readonly number[]) => a.value(at) + by }),
      ][chance(5)]!();
      made = [...made, grown];
    }
    for (const { index, value } of made) {
      const { low, high } = rangeOf(index);
      for (let trial = 0; trial < 12; trial++) {
        const at = extents.map((extent) => chance(extent));
        const found = evaluateIndex(index, at);
        if (found !== value(at) || found < low || found > high)
          expect.fail(`seed ${seed}: ${showIndex(index)} is ${found}, not ${value(at)}, at ${at}`);
      }
      expect(sameIndex(index, substitute(index, axisIndex)), showIndex(index)).toBe(true);
    }
  }
});
