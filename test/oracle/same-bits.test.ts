// One step of every family on `wasm`, twice. On `webgpu` the files that hold its cases do the same.
import { holdSameBits } from "./hold-same-bits.ts";

holdSameBits("wasm");
