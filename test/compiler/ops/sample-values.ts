// Fixed pseudo-random values for an op's samples: the same in every run and on every machine.
import type { Sample, Values } from "../../../compiler/ops/op.ts";
import { elementCount } from "../../../compiler/ops/shape.ts";
import { threefry2x32 } from "../../../compiler/ops/threefry.ts";

/** In [0, 1). */
function unit(seed: number, element: number): number {
  return threefry2x32([seed, 17], [element, 0])[0] / 2 ** 32;
}

export function sampleValues(input: Sample["inputs"][number], seed: number): Values {
  const count = elementCount(input.shape);
  const values = Float64Array.from({ length: count }, (_, i) => {
    if (input.integers !== undefined) {
      const [low, high] = input.integers;
      return low + Math.floor(unit(seed, i) * (high - low));
    }
    const [low, high] = input.range ?? [-1, 1];
    return low + unit(seed, i) * (high - low);
  });
  return input.distinct ? spaced(values, input.range ?? [-1, 1]) : values;
}

/** The same order, evenly spaced over the range: no two values are near. */
function spaced(values: Values, [low, high]: readonly [number, number]): Values {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!);
  const result = new Float64Array(values.length);
  order.forEach((element, place) => {
    result[element] = low + ((place + 0.5) / values.length) * (high - low);
  });
  return result;
}
