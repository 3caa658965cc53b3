// Where values come into a graph: a field or scalar of the run (input), a trained array (parameter), an array that a
// step renews (state), a flat arena of many (resident). Values are handed to the interpreter, not evaluated.
import { dtypeOf, shapeOf, text } from "./attributes.ts";
import type { LeafOp } from "./op.ts";

function leaf(name: string, key: "name" | "path"): LeafOp {
  return {
    kind: "leaf",
    name,
    infer(_inputs, attributes) {
      text(attributes, key);
      return { shape: shapeOf(attributes), dtype: dtypeOf(attributes) };
    },
    evaluate() {
      throw new Error(`\`${name}\` is handed in, never evaluated`);
    },
    samples: [],
  };
}

export const leaves: readonly LeafOp[] = [
  leaf("input", "name"),
  leaf("parameter", "path"),
  leaf("state", "path"),
  leaf("resident", "name"),
];
