// The first half of the families on `webgpu`: every case against the implementations that others wrote, then one step
// of each twice, on the pipelines that the cases have loaded.
import { holdCases } from "./hold-cases.ts";
import { holdSameBits, isComputedAgainInSoftware } from "./hold-same-bits.ts";
import { isFirstHalf } from "./webgpu-halves.ts";

holdCases("webgpu", isFirstHalf);
holdSameBits("webgpu", { isHere: isFirstHalf, isComputedAgain: isComputedAgainInSoftware });
