// Every intrinsic function by name. To add one: an entry in the file of its kind.
import type { Intrinsic } from "../intrinsic.ts";
import { contractions } from "./contraction.ts";
import { convolutions } from "./convolution.ts";
import { indexing } from "./indexing.ts";
import { listFunctions } from "./lists.ts";
import { conversions, makers } from "./making.ts";
import { numberFunctions } from "./numbers.ts";
import { rearrangements } from "./rearrange.ts";
import { reductions } from "./reductions.ts";

export const intrinsics: ReadonlyMap<string, Intrinsic> = new Map(
  [
    ...numberFunctions,
    ...listFunctions,
    ...reductions,
    ...contractions,
    ...convolutions,
    ...rearrangements,
    ...indexing,
    ...makers,
    ...conversions,
  ].map((each) => [each.name, each]),
);
