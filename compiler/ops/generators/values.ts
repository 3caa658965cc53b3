// A small array written out in the settings: {values, shape}.
import { OpError } from "../op.ts";
import { numbers } from "../attributes.ts";
import { elementCount } from "../shape.ts";
import type { Generator } from "./generator.ts";

export const values: Generator = {
  name: "values",
  shape: (settings) => numbers(settings, "shape"),
  fill(settings) {
    const list = numbers(settings, "values");
    const shape = numbers(settings, "shape");
    if (list.length !== elementCount(shape))
      throw new OpError(`${list.length} values do not fill [${shape.join(", ")}]`);
    return Float64Array.from(list);
  },
};
