import { describe, expect, test } from "vitest";
import { openOrder, permutation, stepsPerPass } from "../../../runtime/data/order.ts";

function indices(order: ReturnType<typeof openOrder>, step: number): number[] {
  return order(step).examples.map((example) => example.index);
}

describe("the order of training", () => {
  const settings = { mode: "train", size: 10, batch: 4, seed: 7, repeat: 1 } as const;

  test("shows each example once an epoch, running on across epochs without a partial batch", () => {
    const order = openOrder(settings);
    const seen = [0, 1, 2, 3, 4].flatMap((step) => order(step).examples);
    for (const epoch of [0, 1]) {
      const inEpoch = seen
        .filter((example) => example.epoch === epoch)
        .map((example) => example.index);
      expect(inEpoch.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(order(2).examples.map((example) => example.epoch)).toEqual([0, 0, 1, 1]);
  });

  test("is a function of the step, so that one may begin anywhere", () => {
    const forward = openOrder(settings);
    const steps = [0, 1, 2, 3, 4, 5].map((step) => indices(forward, step));
    expect(indices(openOrder(settings), 5)).toEqual(steps[5]);
    expect([5, 0, 3].map((step) => indices(forward, step))).toEqual([steps[5], steps[0], steps[3]]);
  });

  test("differs from epoch to epoch and from seed to seed", () => {
    const orders = [permutation(50, 7, 0), permutation(50, 7, 1), permutation(50, 8, 0)].map(
      (order) => order.join(),
    );
    expect(new Set(orders).size).toBe(3);
  });

  test("with repeat shows an example several times in a row, in an epoch of the same length", () => {
    const order = openOrder({ ...settings, size: 6, batch: 6, repeat: 3 });
    const { examples } = order(0);
    expect(examples.map((example) => example.repeat)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(new Set(examples.map((example) => example.index)).size).toBe(2);
    expect(new Set(order(1).examples.map((example) => example.epoch))).toEqual(new Set([1]));
  });
});

describe("the order of evaluation", () => {
  const order = openOrder({ mode: "evaluate", size: 10, batch: 4, seed: 7, repeat: 1 });

  test("goes through the set, and fills the last batch up with its last example", () => {
    expect(indices(order, 0)).toEqual([0, 1, 2, 3]);
    expect(order(2)).toMatchObject({ count: 2 });
    expect(indices(order, 2)).toEqual([8, 9, 9, 9]);
    expect(stepsPerPass(10, 4)).toBe(3);
  });

  test("begins again after a pass", () => {
    expect(order(3)).toEqual(order(0));
  });
});
