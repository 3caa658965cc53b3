// The second half of the families on `webgpu`, as the first.
import { holdCases } from "./hold-cases.ts";
import { holdSameBits, isComputedAgainInSoftware } from "./hold-same-bits.ts";
import { isFirstHalf } from "./webgpu-halves.ts";

const isSecondHalf = (name: string): boolean => !isFirstHalf(name);

holdCases("webgpu", isSecondHalf);
holdSameBits("webgpu", { isHere: isSecondHalf, isComputedAgain: isComputedAgainInSoftware });
