// Functions that only the bodies of optimizers need, beside the intrinsics of models.
import type { Intrinsic } from "../lower/intrinsic.ts";

export const optimizerFunctions: ReadonlyMap<string, Intrinsic> = new Map();
