// A module that uses relaxed SIMD: an engine that validates it has fused multiply-add.
import { encodeModule } from "./encoder.ts";
import { FunctionBuilder } from "./function-builder.ts";
import { kernelSignature } from "./kernel-function.ts";

export function relaxedProbe(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(kernelSignature, true);
  f.multiplyAdd(f.f32x4(1), f.f32x4(2), f.f32x4(3));
  return encodeModule({
    functions: [{ name: "probe", body: f.finish(), exported: true }],
    table: ["probe"],
    tableSignature: kernelSignature,
    maximumPages: 65536,
  });
}
