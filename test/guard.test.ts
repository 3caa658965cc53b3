// What a compilation costs, whatever the machine's mood: figures that only a change of the compiler or of a spec changes.
// They stand in guard.txt; a rule of fusion that is lost, or memory that grows, shows there. Where a change is meant,
// `npx vitest run test/guard.test.ts -u` writes them anew: read the difference before it is committed.
import { expect, test } from "vitest";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../compiler/program/limits.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { compileFigures, entriesOfStep } from "../runtime/spec/compile-figures.ts";
import { compileSpec } from "../runtime/spec/compile-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";

const recipes = [
  "examples/digits.vit",
  "examples/resnet.vit",
  "examples/names.vit",
  "examples/byol.vit",
  "test/guard.vit:vit_tiny",
  "test/guard.vit:mixer_small",
  "test/guard.vit:resnet50",
];
const targets = ["wasm", "webgpu"] as const;

const headings = ["", "target", "kernels", "forward", "backward", "update", "submits", "bytes moved", "bytes planned", "over least"]; // prettier-ignore

test(
  "the figures of the examples and of three models at full size",
  { timeout: 120_000 },
  async () => {
    const files = specFiles();
    const rows = recipes.flatMap((name) =>
      targets.map((target) => {
        const limits = target === "wasm" ? WASM_LIMITS : DEFAULT_WEBGPU_LIMITS;
        const options = { files, catalog: catalog(nodeHost), settings: {} };
        const spec = compileSpec(parseTarget(name), options, { target, limits, verify: true });
        const { kernels, dispatches, bytes, memory } = compileFigures(spec, 2)!;
        const { forward, backward, update } = dispatches;
        // Steps of the host cut what is handed to the device.
        const submits = entriesOfStep(spec, spec.compiled.program!)
          .map(({ steps }) => 1 + steps.filter(({ kind }) => kind === "host").length)
          .reduce((sum, each) => sum + each);
        const excess = (memory.total / memory.lowerBound - 1) * 100;
        return [name, target, ...[kernels, forward, backward, update, submits, bytes, memory.total].map((n) => n.toLocaleString("en-US")), `${excess.toFixed(2)} %`]; // prettier-ignore
      }),
    );
    const all = [headings, ...rows];
    const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
    const lines = all.map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")); // prettier-ignore
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("guard.txt");
  },
);
