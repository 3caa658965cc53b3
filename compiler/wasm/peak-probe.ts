// A module that does nothing but multiply and add: what one thread of this engine can reach in f32.
// Twelve sums of four lanes stand side by side, more than the latency of an instruction times the units that do them.
import { encodeModule } from "./encoder.ts";
import { FunctionBuilder } from "./function-builder.ts";
import { kernelSignature } from "./kernel-function.ts";

const sums = 12;
const rounds = 8;

/** Floating point operations of one turn of the loop. */
export const peakProbeFlops = sums * rounds * 4 * 2;

/** Exports `probe(turns, 0, 0, address)`: runs the loop and stores the sums at `address`, so that nobody drops them. */
export function peakProbe(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(kernelSignature, relaxed);
  const [turns, , , address] = f.parameters;
  const all = Array.from({ length: sums }, (_, i) => f.variable(f.f32x4(i / sums)));
  // Close to 1 and 0: no sum grows, none becomes so small that it is slow.
  const [factor, term] = [f.f32x4(0.999), f.f32x4(0.001)];
  f.forRange(0, turns!, 1, () => {
    for (let round = 0; round < rounds; round++)
      for (const sum of all) f.assign(sum, f.multiplyAdd(sum, factor, term));
  });
  all.forEach((sum, i) => f.store("v128.store", address!, sum, i * 16));
  return encodeModule({
    functions: [{ name: "probe", body: f.finish(), exported: true }],
    table: ["probe"],
    tableSignature: kernelSignature,
    maximumPages: 65536,
  });
}
