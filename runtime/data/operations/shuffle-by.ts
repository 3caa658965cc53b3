// Cells -> the same in one of the given orders, and which order it is: the puzzle and its answer (Noroozi and Favaro,
// 2016). Place i of `patches` holds cell `order[i]`.
import { sampleOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

export const shuffleBy: SampleEntry = {
  name: "shuffle_by",
  about: "the cells in an order drawn from a list: `patches`, and `which` order",
  input: "cells",
  settings: [
    {
      name: "set",
      type: { kind: "list", of: { kind: "list", of: { kind: "int", least: 0 } } },
      about: "the orders, such as spread_permutations gives",
    },
  ],
  shape: { kind: "shuffle", setting: "set" },
  values: "any",
  draws: true,
  transform: (sample, settings, draw) => {
    const { images } = sampleOf(sample, "stack");
    const orders = settings.set as readonly (readonly number[])[];
    const which = draw.below(orders.length);
    const patches = orders[which]!.map((cell) => images[cell]!);
    return {
      kind: "record",
      parts: {
        patches: { kind: "stack", images: patches },
        which: { kind: "numbers", values: Int32Array.of(which) },
      },
    };
  },
};
