// Compares the gradient that `differentiate` makes with central differences of the interpreted graph.
import { expect } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { differentiate } from "../../../compiler/graph/differentiate.ts";
import type { Node, TensorType } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { verify } from "../../../compiler/graph/verify.ts";
import type { Values } from "../../../compiler/ops/op.ts";
import { elementCount } from "../../../compiler/ops/shape.ts";
import { threefry2x32 } from "../../../compiler/ops/threefry.ts";

/** A weighted sum of all elements, so that each output element has its own dOutput. */
function weightedSum(g: Builder, y: Node): Node {
  const weights = Array.from({ length: elementCount(y.shape) }, (_, i) => 0.5 + threefry2x32([3, 5], [i, 0])[0] / 2 ** 32); // prettier-ignore
  return g.sum(g.multiply(y, g.values(weights, y.shape)));
}

/**
 * `build` makes a float result from inputs of the given types; each float input's gradient is checked at
 * every element (at most `most` of them, evenly chosen) to `tolerance`, relative to the largest.
 * `isSimplified`: as a training step has it, after the rules that only gradients get.
 */
export function expectGradient(
  types: readonly TensorType[],
  values: readonly Values[],
  build: (g: Builder, inputs: readonly Node[]) => Node,
  { tolerance = 1e-6, most = 24, isSimplified = false } = {},
): void {
  const g = new Builder();
  const inputs = types.map((type, place) => g.input(`x${place}`, type));
  const loss = weightedSum(g, build(g, inputs));
  const floats = inputs.filter((input) => input.dtype === "f32");
  const gradients = differentiate(g, loss, floats);
  const made = g.finish({
    outputs: [
      { name: "loss", value: loss },
      ...floats.map((input, place) => ({
        name: `d${String(input.attributes["name"])}`,
        value: gradients[place] ?? g.full(0, input),
      })),
    ],
    keepLeaves: true,
  });
  const graph = isSimplified ? simplify(made, { isDifferentiated: true }) : made;
  verify(graph);
  const run = (at: readonly Values[]) =>
    interpret(graph, new Map(at.map((value, place) => [`x${place}`, value]))).outputs;
  const found = run(values);
  inputs.forEach((input, place) => {
    if (input.dtype !== "f32") return;
    const gradient = found.get(`dx${place}`)!;
    const scale = Math.max(1, ...gradient.map(Math.abs));
    const step = Math.max(1, Math.floor(gradient.length / most));
    for (let element = 0; element < gradient.length; element += step) {
      const moved = (by: number) => {
        const copy = values.map((value) => value.slice());
        copy[place]![element]! += by;
        return run(copy).get("loss")![0]!;
      };
      const h = 1e-5;
      const difference = (moved(h) - moved(-h)) / (2 * h);
      expect(Math.abs(gradient[element]! - difference) / scale, `input ${place}, element ${element}: ${gradient[element]} against ${difference}`).toBeLessThan(tolerance); // prettier-ignore
    }
  });
}
