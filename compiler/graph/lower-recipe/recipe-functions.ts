// Functions of dataflow that only recipes need, beside the intrinsics of models.
import type { Intrinsic } from "../lower/intrinsic.ts";

export const recipeFunctions: ReadonlyMap<string, Intrinsic> = new Map();
