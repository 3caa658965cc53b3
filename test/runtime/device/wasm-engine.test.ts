import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { peakProbe } from "../../../compiler/wasm/peak-probe.ts";
import { createWasmDevice } from "../../../runtime/device/wasm.ts";

/** What V8 says of a function of a module: by which of its compilers its code was made. */
function compilerOf(wasmFunction: unknown): { optimising: boolean; baseline: boolean } {
  setFlagsFromString("--allow-natives-syntax");
  const ask = (native: string): boolean =>
    new Function("wasmFunction", `return ${native}(wasmFunction)`)(wasmFunction) as boolean;
  return { optimising: ask("%IsTurboFanFunction"), baseline: ask("%IsLiftoffFunction") };
}

test("a function has optimised code from its first call on, so that no long call stays in slow code", async () => {
  const device = await createWasmDevice({ threads: 1 });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const module = await WebAssembly.compile(peakProbe(device.relaxed));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const probe = exports["probe"] as (turns: number, b: number, c: number, at: number) => void;
  probe(1, 0, 0, 0);
  expect(compilerOf(probe)).toEqual({ optimising: true, baseline: false });
  await device.close();
});
