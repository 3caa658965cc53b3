// Every generator of fixed tables, by name.
import type { AttributeValue } from "../../graph/graph.ts";
import { OpError } from "../op.ts";
import { elementCount } from "../shape.ts";
import { dft } from "./dft.ts";
import type { Generator, Settings } from "./generator.ts";
import { pseudoInverseResize, resizeMatrix } from "./resize.ts";
import { segments } from "./segments.ts";
import { sincos2d } from "./sincos-2d.ts";
import { values } from "./values.ts";

export const generators: readonly Generator[] = [
  sincos2d,
  resizeMatrix,
  pseudoInverseResize,
  dft,
  segments,
  values,
];

/** @throws OpError where there is none of that name. */
export function generator(name: string): Generator {
  const found = generators.find((each) => each.name === name);
  if (found === undefined)
    throw new OpError(`no generator is called \`${name}\`; there are ${generators.map((each) => each.name).join(", ")}`); // prettier-ignore
  return found;
}

/** The array that a `table` node stands for, in double. */
export function generate(
  name: string,
  settings: AttributeValue | undefined,
  shape: readonly number[],
): Float64Array {
  const values = generator(name).fill((settings ?? {}) as Settings);
  if (values.length !== elementCount(shape))
    throw new OpError(`\`${name}\` makes ${values.length} values, not ${elementCount(shape)}`);
  return values;
}
