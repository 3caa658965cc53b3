import { describe, expect, test } from "vitest";
import { datasetSize, parseSplit, splitRange } from "../../../compiler/model/split.ts";

function range(text: string, size: number): [number, number] {
  const { from, to } = splitRange(parseSplit(text)!, size);
  return [from, to];
}

describe("a split", () => {
  test("without a slice is all of it", () => {
    expect(range("train", 100)).toEqual([0, 100]);
  });

  test("takes counts, percentages and open ends", () => {
    expect(range("train[:90%]", 8500)).toEqual([0, 7650]);
    expect(range("train[90%:]", 8500)).toEqual([7650, 8500]);
    expect(range("full[51_200:]", 100_000)).toEqual([51_200, 100_000]);
    expect(range("train[10:20]", 100)).toEqual([10, 20]);
  });

  test("meets its complement at the same example, whatever the size", () => {
    for (const size of [1, 7, 99, 101, 8499])
      expect(range("a[:33%]", size)[1]).toBe(range("a[33%:]", size)[0]);
  });

  test("counts from the back below zero, and is cut off at the end of the set", () => {
    expect(range("train[-10%:]", 200)).toEqual([180, 200]);
    expect(range("train[:-5]", 20)).toEqual([0, 15]);
    expect(range("train[50:90]", 60)).toEqual([50, 60]);
    expect(range("train[20:10]", 60)).toEqual([20, 20]);
  });

  test("of any other form is none", () => {
    for (const text of [
      "",
      "train[",
      "train[:]x",
      "train[1.5:]",
      "train[:200%]",
      "train[a:b]",
      "[3:]",
    ]) {
      expect(parseSplit(text), text).toBeNull();
    }
  });
});

test("the size of a data set follows from its settings where the catalog knows the splits", () => {
  const dataset = {
    name: "d",
    about: "",
    settings: [],
    fields: null,
    classes: null,
    splits: { train: 200 },
  };
  expect(datasetSize(dataset, { split: "train[:25%]" })).toBe(50);
  expect(datasetSize(dataset, { split: "test" })).toBeNull();
  expect(datasetSize({ ...dataset, splits: null }, { split: "train" })).toBeNull();
});
