// A device that binds few arrays at once: a walk that also sums columns has more of them than the walk and the sums apart.
import { expect, test } from "vitest";
import { DEFAULT_WEBGPU_LIMITS } from "../../compiler/program/limits.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../runtime/spec/compile-spec.ts";

/** Dispatches of the digits' step where an array may be little more than a MiB and so many are bound; undefined where none will do. */
function dispatches(storageBuffers: number): number | undefined {
  const bytes = 1.2 * 2 ** 20;
  const limits = { ...DEFAULT_WEBGPU_LIMITS, bindingBytes: bytes, bufferBytes: bytes, storageBuffers }; // prettier-ignore
  const options = { files: specFiles(), catalog: catalog(nodeHost) };
  try {
    const { compiled } = compileRecipeSpec({ file: "examples/digits.vit" }, options, { target: "webgpu", limits }); // prettier-ignore
    return compiled.program!.entries.find(({ name }) => name === "train")!.steps.length;
  } catch (error) {
    expect(String(error)).toMatch(/buffers at once/);
    return undefined;
  }
}

test("where too few are bound for it, columns are summed in kernels of their own", () => {
  const [none, apart, together] = [4, 6, 8].map(dispatches);
  expect(none).toBeUndefined();
  // One more for each of the nine norms.
  expect(apart! - together!).toBe(9);
});
