// Repeated layers are compiled once: what a compilation does grows with the layers that differ, or at most in step with
// their number. Counts, not times: a walk over all layers for each layer shows here as growth that grows.
import { afterAll, expect, test, vi } from "vitest";
import { Builder } from "../../compiler/graph/builder.ts";
import { Choice } from "../../compiler/kernels/fuse/choose-stored.ts";
import { Groups } from "../../compiler/kernels/fuse/group.ts";
import { Grouping } from "../../compiler/kernels/fuse/group-nodes.ts";
import { Reader } from "../../compiler/kernels/fuse/reader.ts";
import { Sources } from "../../compiler/kernels/fuse/sources.ts";
import { webgpuTarget } from "../../compiler/wgsl/generate.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../runtime/spec/compile-spec.ts";

/** Sums large enough to be more than what the rule for small ones gathers in one kernel. */
const recipe = (depth: number) => `
use vit.{ViT}
recipe deep() {
  net  model = ViT(32, ${depth}, 2, 64, 7, size = 28, channels = 1, classes = 10)
  data train = mnist(split = "train")
  view image = train.image |> scale(0..1)
  loss       = cross_entropy(model(image), train.label)
  batch      = 16
  length     = 10 steps
  optimizer  = AdamW
  lr         = 1e-3
  clip       = 1.0
}
`;

function compile(depth: number) {
  const files = { ...specFiles(), read: (name: string) => (name === "deep.vit" ? recipe(depth) : undefined) }; // prettier-ignore
  const options = { files, catalog: catalog(nodeHost) };
  return compileRecipeSpec({ file: "deep.vit" }, options, { target: "webgpu" }).compiled.program!;
}

/** What the stages do most often, by whose method it is. */
const work = {
  "nodes copied from graph to graph": vi.spyOn(Builder.prototype, "copy"),
  "questions whether a group waits for another": vi.spyOn(Groups.prototype, "dependsOn"),
  "groups tried for a node": vi.spyOn(Grouping.prototype, "mappings"),
  "values seen through views": vi.spyOn(Sources.prototype, "resolve"),
  "values left out for smaller ones": vi.spyOn(Choice.prototype, "storeBlockers"),
  "expressions written": vi.spyOn(Reader.prototype, "read"),
};
const generate = vi.spyOn(webgpuTarget, "generate");

const compilations = [6, 12, 24].map((depth) => {
  const spies = Object.entries(work);
  for (const spy of [generate, ...Object.values(work)]) spy.mockClear();
  const { codes } = compile(depth);
  return {
    kernels: codes.length,
    generated: generate.mock.calls.length,
    counts: Object.fromEntries(spies.map(([name, spy]) => [name, spy.mock.calls.length])),
  };
});

afterAll(() => {
  vi.restoreAllMocks();
});

test("twice as many layers are as many distinct kernels, each generated once", () => {
  const [few, more, many] = compilations.map(({ kernels, generated }) => [kernels, generated]);
  expect(few![1]).toBe(few![0]);
  expect([more, many]).toEqual([few, few]);
});

test.for(Object.keys(work))("%s: in step with the layers", (name) => {
  const [few, more, many] = compilations.map(({ counts }) => counts[name]!) as [number, number, number]; // prettier-ignore
  expect(few).toBeGreaterThan(0);
  // Twelve more layers, after six more.
  expect(many - more).toBeLessThanOrEqual(2.1 * (more - few));
});
