import { describe, expect, test } from "vitest";
import { nearestNeighbours } from "../../../runtime/evaluation/nearest-neighbours.ts";
import type { LabelledFeatures } from "../../../runtime/evaluation/nearest-neighbours.ts";

function labelled(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
): LabelledFeatures {
  return {
    features: Float32Array.from(rows.flat()),
    width: rows[0]!.length,
    labels: Int32Array.from(labels),
  };
}

const corners = labelled([[1, 0], [0, 1], [-1, 0]], [0, 1, 2]); // prettier-ignore

describe("accuracy", () => {
  test("is the share named as its nearest by direction, whatever its length", () => {
    const test = labelled([[100, 1], [0.001, 0.1], [-3, -1], [1, 0.9]], [0, 1, 2, 1]); // prettier-ignore
    expect(nearestNeighbours(corners, test, 1).accuracy).toBe(0.75);
  });

  test("weighs votes: one that is near outweighs two that are far", () => {
    const fit = labelled([[1, 0], [0, 1], [0.1, 1]], [0, 1, 1]); // prettier-ignore
    expect(nearestNeighbours(fit, labelled([[1, 0.1]], [0]), 3).accuracy).toBe(1);
  });

  test("is a majority among equally near", () => {
    const fit = labelled([[1, 0], [1, 0], [1, 0], [0, 1]], [2, 1, 2, 0]); // prettier-ignore
    expect(nearestNeighbours(fit, labelled([[1, 0]], [2]), 3).accuracy).toBe(1);
  });

  test("takes all there are where k is more", () => {
    expect(nearestNeighbours(corners, corners, 20).accuracy).toBe(1);
  });
});

describe("spread", () => {
  test("is 0 where all features are one direction", () => {
    const collapsed = labelled([[1, 2], [2, 4], [3, 6]], [0, 1, 2]); // prettier-ignore
    expect(nearestNeighbours(corners, collapsed, 1).spread).toBeCloseTo(0, 6);
  });

  test("is 1 where they fill the circle", () => {
    const rows = Array.from({ length: 16 }, (_, i) => [Math.cos((i * Math.PI) / 8), Math.sin((i * Math.PI) / 8)]); // prettier-ignore
    const circle = labelled(rows, rows.map(() => 0)); // prettier-ignore
    expect(nearestNeighbours(circle, circle, 1).spread).toBeCloseTo(1, 6);
  });
});
