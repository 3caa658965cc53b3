// One step of every family on `wasm`, twice, and with its layers computed again. On `webgpu` the files that hold its
// cases do the same.
import { holdSameBits } from "./hold-same-bits.ts";

/** Rows enough that columns are summed in parts beside the walks over them. */
const digits = ["digits", { file: "examples/digits.vit" }] as const;

holdSameBits("wasm", { besides: [digits] });
