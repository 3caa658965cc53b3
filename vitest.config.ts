// Two cores are what a small machine has: two processes, and time enough for each test on a busy one.
import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";

/** Files that take half a minute of processor time and more begin first, so that none is left alone at the end. */
const longest = [
  "test/oracle/webgpu-first.test.ts",
  "test/oracle/webgpu-second.test.ts",
  "test/oracle/same-bits.test.ts",
  "test/targets/training.test.ts",
  "test/compiler/wgsl/whole-programs.test.ts",
  "test/compiler/wgsl/contraction.test.ts",
  "test/oracle/wasm.test.ts",
  "test/runtime/training/kill.test.ts",
  "test/runtime/training/recompute.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((name) => moduleId.endsWith(name));
      return place === -1 ? longest.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
  },
});
