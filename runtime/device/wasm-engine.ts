// What the engine that compiles our modules can do, and how it is asked to compile them. Node's switches belong to the
// process and act on what is compiled after them, so they are set before a device's first module.
const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;

/**
 * Whether the engine takes relaxed SIMD. Node 20 has it behind a switch, which must be set before
 * the first module with it is compiled.
 */
export async function hasRelaxedSimd(probe: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (WebAssembly.validate(probe)) return true;
  await switchOn("--experimental-wasm-relaxed-simd");
  return WebAssembly.validate(probe);
}

/**
 * Compiles functions by V8's optimising compiler when they are first called, not by its baseline compiler first: what
 * runs in baseline code stays there until it returns, and a large product is one call. One of 768 x 3072 x 1576 took
 * 1,007 ms of the first step instead of 155, and the whole first step of ViT-Ti/16 two thirds more than the others.
 * A browser has no such switch: there only first steps are slow.
 */
export async function compileOptimised(): Promise<void> {
  await switchOn("--no-liftoff");
}

async function switchOn(flag: string): Promise<void> {
  if (!isNode) return;
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString(flag);
}
