// "Did you mean": the one name that a slip of the finger away would have been right.
import { expect, test } from "vitest";
import { nearestName } from "../../../compiler/model/nearest-name.ts";

const names = ["width", "depth", "heads", "LayerNorm", "softmax", "B/16"];

test.each([
  ["widht", "width"],
  ["deph", "depth"],
  ["layernorm", "LayerNorm"],
  ["Sofmax", "softmax"],
  ["B/61", "B/16"],
])("%s is probably %s", (wanted, nearest) => {
  expect(nearestName(wanted, names)).toBe(nearest);
});

test.each(["breadth", "x", "attention", ""])("%s is near to nothing", (wanted) => {
  expect(nearestName(wanted, names)).toBeUndefined();
});
