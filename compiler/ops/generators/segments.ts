// Which of several runs, laid end to end, each place is in: `counts` 2 and 3 give 0 0 1 1 1.
//   settings {counts}
import type { Generator } from "./generator.ts";
import { counts } from "./generator.ts";

export const segments: Generator = {
  name: "segments",
  shape: (settings) => [counts(settings, "counts").reduce((sum, each) => sum + each, 0)],
  fill: (settings) =>
    Float64Array.from(
      counts(settings, "counts").flatMap((each, segment) =>
        Array.from({ length: each }, () => segment),
      ),
    ),
};
