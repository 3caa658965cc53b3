// The largest kernels of a training step by `vit profile`: equal layers together.
import { profile } from "../../index.ts";
import type { ProfileResult } from "./figures.ts";

const targets = ["bench/models.vit:digits", "bench/models.vit:vit_tiny"];
const shown = 5;

export async function measureProfiles(threads: number, repeats: number): Promise<ProfileResult[]> {
  const results: ProfileResult[] = [];
  for (const target of targets) {
    const found = await profile(target, { device: "wasm", threads, repeats });
    const { device, wholeMs, sumMs, groups } = found;
    results.push({ target, device, wholeMs, sumMs, groups: groups.slice(0, shown) });
  }
  return results;
}
