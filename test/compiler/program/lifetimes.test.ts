// A buffer that others are written into lives piece by piece.
import { expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { intervalsOf } from "../../../compiler/program/lifetimes.ts";
import { liveBytes, lowerBound, planMemory } from "../../../compiler/program/plan-memory.ts";
import { trainingGraph, tinySizes } from "../kernels/training-graph.ts";

test("the place of a gradient that is not there yet is free for what still lives then", () => {
  const g = new Builder();
  // A chain of products, each of which leaves its own sum in a part of one flat array: so do gradients in the backward pass.
  let x = g.input("x", { shape: [64, 64], dtype: "f32" });
  const w = g.input("w", { shape: [64, 64], dtype: "f32" });
  const flat = [1, 2, 3, 4].map(() => {
    x = g.dot(x, w, { contract: [[1], [0]] });
    return g.reshape(g.dot(x, w, { contract: [[0], [0]] }), [64 * 64]);
  });
  const all = g.concat(flat, 0);
  const kernels = fuse(g.finish({ outputs: [{ name: "y", value: g.sum(g.tanh(all), [0]) }] }));
  const intervals = intervalsOf({ kernels });
  const inParts = intervals.filter(({ parts }) => parts);
  expect(inParts).toHaveLength(1);
  const { parts, last } = inParts[0]!;
  const size = 64 * 64 * 4;
  expect(parts!.map(({ offset, bytes }) => [offset, bytes])).toEqual([0, 1, 2, 3].map((i) => [i * size, size])); // prettier-ignore
  expect(parts!.map((part) => part.last)).toEqual([last, last, last, last]);
  // Each begins when it is written, and in each step as much lives as has been written.
  const firsts = parts!.map(({ first }) => first);
  expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
  expect(new Set(firsts).size).toBe(4);
  const whole = intervals.map(({ id, bytes, first, last }) => ({ id, bytes, first, last }));
  expect(liveBytes(intervals)[firsts[0]!]).toBeLessThan(liveBytes(whole)[firsts[0]!]! - 2 * size);
  expect(planMemory(intervals, 2 ** 30).arenas.length).toBe(1);
});

test("a training step needs less for that", () => {
  const intervals = intervalsOf({ kernels: fuse(trainingGraph(tinySizes, "sgd").graph) });
  const whole = intervals.map(({ id, bytes, first, last }) => ({ id, bytes, first, last }));
  expect(lowerBound(intervals)).toBeLessThanOrEqual(lowerBound(whole));
});
