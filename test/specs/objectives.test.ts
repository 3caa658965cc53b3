// The objectives of papers against numbers that follow from their formulas: what is alike, what is orthogonal, what is
// known at a distance.
import { describe, expect, test } from "vitest";
import { lowered, run } from "../compiler/graph/lower/lower-text.ts";

function valuesOf(text: string, inputs: Record<string, readonly number[]>, batch = 1): number[] {
  return [...run(lowered(text, "M", { batch }), inputs).get("output")!];
}

const unitRows = (count: number, row: (i: number) => number) =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: count }, (_, j) => Number(j === row(i))),
  ).flat();

describe("MoCo v3's loss of eight queries against eight keys, in one direction", () => {
  const text = (tau: number) => `use "moco-v3".{contrast}
    model M(q: [batch, out = 8], k: [batch, out = 8]) -> [] { contrast(q, k, ${tau}) }`;

  test.each([0.2, 1])("is 2 tau ln 8 where all are alike: tau = %d", (tau) => {
    const same = unitRows(8, () => 3);
    const [loss] = valuesOf(text(tau), { q: same, k: same }, 8);
    expect(loss).toBeCloseTo(2 * tau * Math.log(8), 10);
  });

  test.each([0.2, 1])("is nearly nothing where each finds its own: tau = %d", (tau) => {
    const own = unitRows(8, (i) => i);
    const [loss] = valuesOf(text(tau), { q: own, k: own }, 8);
    expect(loss).toBeCloseTo(2 * tau * Math.log(1 + 7 * Math.exp(-1 / tau)), 10);
  });
});

test.each([
  ["the same direction", [2, 0], 0],
  ["a right angle", [0, 5], 2],
  ["the opposite", [-1, 0], 4],
])("BYOL's distance of %s", (_, z, wanted) => {
  const text = `use byol.{apart}
    model M(p: [batch, out = 2], z: [batch, out = 2]) -> [] { apart(p, z) }`;
  expect(valuesOf(text, { p: [3, 0], z })[0]).toBeCloseTo(wanted, 10);
});

test("Cosub's loss is the mean of four binary cross-entropies", () => {
  const text = `use cosub.{cosub_loss}
    model M(one: [batch, classes = 3], other: [batch, classes = 3], label: [batch, classes = 3]) -> [] {
      cosub_loss(one, other, label)
    }`;
  const [one, other, label] = [[2, -1, 0], [1, 0.5, -2], [1, 0, 0]]; // prettier-ignore
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const bce = (logits: readonly number[], targets: readonly number[]) =>
    logits.reduce((sum, z, i) => {
      const t = targets[i]!;
      return sum - (t * Math.log(sigmoid(z)) + (1 - t) * Math.log(1 - sigmoid(z))) / 3;
    }, 0);
  const wanted =
    (bce(one!, label!) +
      bce(other!, label!) +
      bce(one!, other!.map(sigmoid)) +
      bce(other!, one!.map(sigmoid))) /
    4;
  const [loss] = valuesOf(text, { one: one!, other: other!, label: label! });
  expect(loss).toBeCloseTo(wanted, 10);
  expect(loss).toBeCloseTo(0.603357, 6);
});

describe("colour bins", () => {
  const soft = (nearest: number) => `use "ssl-scaling".{soft_bins}
    model M(ab: [batch, rows = 1, cols = 1, ab = 2], bins: [bins = 5, ab = 2]) -> [..] {
      soft_bins(ab, bins, ${nearest})
    }`;
  const around = [0, 0, 10, 0, 0, 10, 10, 10, 20, 0]; // at 0, 10, 10, 14.14 and 20 from the colour

  test("share a colour by a Gaussian of their distance", () => {
    const shares = valuesOf(soft(5), { ab: [0, 0], bins: around });
    for (const [i, wanted] of [0.7756, 0.105, 0.105, 0.0142, 0.0003].entries())
      expect(shares[i]).toBeCloseTo(wanted, 4);
  });

  test("that are not among the nearest have none of it", () => {
    const shares = valuesOf(soft(3), { ab: [0, 0], bins: around });
    expect(shares.slice(3)).toEqual([0, 0]);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 10);
  });

  test.each([
    ["count alike where all colours are as common", [0.25, 0.25, 0.25, 0.25], [1, 1]],
    ["count more the rarer they are, 1 on average", [0.7, 0.1, 0.1, 0.1], [0.660377, 1.792453]],
  ])("%s", (_, prior, wanted) => {
    const text = `use "ssl-scaling".{rarity}
      model M(target: [batch, rows = 1, cols = 2, bins = 4], prior: [bins = 4]) -> [..] {
        rarity(target, prior)
      }`;
    const target = [1, 0, 0, 0, 0, 0.2, 0.8, 0];
    const weights = valuesOf(text, { target, prior });
    for (const [i, weight] of wanted.entries()) expect(weights[i]).toBeCloseTo(weight, 5);
  });
});
