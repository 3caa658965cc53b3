// What the body of an optimizer reads of a parameter, found by applying it to nodes that go nowhere:
//   element  its own element of each array: many parameters are renewed at once, as one flat array
//   sums     besides, sums over a whole parameter (a norm): at once as well, with a sum for each parameter
//   shape    anything else, such as rows and columns: parameters of one shape at once
import type { OptimizerReach } from "../lowered.ts";
import { bodyFor, described, hasOwnShape, isByElement, isOwnOrSum } from "../optimizer-body.ts";
import type { Apply } from "../optimizer-body.ts";

/** Long enough on each side that a choice by the length of an axis (`least` of Adafactor) shows. */
const probes = [[3], [1 << 15, 1 << 15]] as const;

/** What is wrong in the body was reported before: then the answer does not matter. */
export function reachOf(apply: Apply): OptimizerReach {
  const [vector, matrix] = probes.map((shape) => bodyFor(apply, shape));
  if (vector === undefined || matrix === undefined) return "shape";
  const bodies = [vector, matrix];
  if (bodies.every(isByElement)) return "element";
  // A number made of the shape itself, such as the count of a mean, would be that of the flat array.
  const isSame = described(vector) === described(matrix);
  const isSums = bodies.every((body) => hasOwnShape(body) && body.nodes.every(isOwnOrSum));
  return isSums && isSame ? "sums" : "shape";
}
