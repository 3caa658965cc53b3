// Functions that only the bodies of optimizers need, beside the intrinsics of models.
import type { Intrinsic } from "../lower/intrinsic.ts";
import { intrinsic, tensorOf, wholeOf } from "../lower/intrinsics/arguments.ts";
import { none } from "../lower/value.ts";
import type { Value } from "../lower/value.ts";

/**
 * `largest_axes(p, least)`: the two longest axes, the longer one second and of equals the later one, as Adafactor
 * factors its second moment; `none` where the second longest has fewer than `least` entries.
 */
const largestAxes = intrinsic(
  "largest_axes",
  "the two longest axes of a tensor, or none where they are shorter than `least`",
  ["x", "least"],
  (call): Value => {
    const { axes } = tensorOf(call, "x");
    const least = wholeOf(call, "least");
    const [longest, second] = axes
      .map((axis, place) => ({ axis, place }))
      .sort((a, b) => b.axis.size - a.axis.size || b.place - a.place);
    if (!longest?.axis.role || !second?.axis.role || second.axis.size < least) return none;
    return {
      kind: "tuple",
      elements: [second, longest].map(({ axis }) => ({ kind: "axis", role: axis.role! })),
    };
  },
);

export const optimizerFunctions: ReadonlyMap<string, Intrinsic> = new Map([
  [largestAxes.name, largestAxes],
]);
