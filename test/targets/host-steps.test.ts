// Steps of the host in a program: two of them with kernels before, between and after, on every target.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Builder } from "../../compiler/graph/builder.ts";
import { interpret } from "../../compiler/graph/interpret.ts";
import type { TensorGraph } from "../../compiler/graph/graph.ts";
import { planProgram } from "../../compiler/program/plan.ts";
import type { EntryKernels } from "../../compiler/program/entry-kernels.ts";
import { verifyProgram } from "../../compiler/program/verify.ts";
import { wasmTarget } from "../../compiler/wasm/generate.ts";
import { webgpuTarget } from "../../compiler/wgsl/generate.ts";
import { openChosenDevice, type ChosenDevice } from "../../runtime/device/chosen-device.ts";
import { sampleValues } from "../compiler/ops/sample-values.ts";
import { expectSameKernels } from "../compiler/kernels/same-kernels.ts";

const [rows, cols] = [3, 5];

/** The costs that are chosen, doubled; then those that are cheapest when the chosen ones are dear. */
function matchedTwice(): TensorGraph {
  const g = new Builder();
  const x = g.input("x", { shape: [2, cols, rows], dtype: "f32" });
  const cost = g.permute(g.multiply(g.tanh(x), 3), [0, 2, 1]);
  const first = g.add("assign", [cost]);
  const places = g.iota([2, rows, cols], 2);
  const isChosen = g.equal(g.broadcast(first, [2, rows, cols], [0, 1]), places);
  const second = g.add("assign", [g.plus(cost, g.cast(isChosen, "f32"))]);
  const chosen = g.sum(g.multiply(cost, g.cast(isChosen, "f32")), [2]);
  return g.finish({
    outputs: [
      { name: "first", value: first },
      { name: "second", value: second },
      { name: "chosen", value: g.multiply(chosen, 2) },
    ],
  });
}

const graph = matchedTwice();
const input = (seed: number): Float64Array =>
  sampleValues({ shape: [2, cols, rows], dtype: "f32", range: [-2, 2] }, seed).map(Math.fround);

test("kernels with work of the host between them mean what the graph means", () => {
  const { kernels } = expectSameKernels(graph);
  expect(kernels.filter(({ kind }) => kind === "host")).toHaveLength(2);
});

for (const target of [wasmTarget, webgpuTarget])
  describe(target.name, () => {
    let device: ChosenDevice;
    beforeAll(async () => {
      const adapter = target.name === "webgpu" ? ({ adapter: "software" } as const) : {};
      device = await openChosenDevice({ want: target.name, ...adapter });
    });
    afterAll(() => device.close());

    test("each run is read as it was, however many are started", async () => {
      const entry: EntryKernels = {
        name: "match",
        kernels: expectSameKernels(graph),
        inputs: graph.inputs,
        outputs: graph.outputs.map(({ name, value: { shape, dtype } }) => ({ name, shape, dtype })),
      };
      const layout = { residents: [], parts: [] };
      const program = planProgram([entry], layout, target, device.limits);
      verifyProgram(program);
      const loaded = await device.load({ layout, graphs: [], program, stages: [], recognised: [] });
      const seeds = [1, 2, 3];
      const read = seeds.map((seed) => {
        loaded.run("match", new Map([["x", Float32Array.from(input(seed))]]));
        const names = ["first", "second", "chosen"];
        return Promise.all(names.map((name) => loaded.readOutput("match", name)));
      });
      for (const [i, seed] of seeds.entries()) {
        const wanted = interpret(graph, new Map([["x", input(seed)]])).outputs;
        const [first, second, chosen] = await read[i]!;
        expect([...first!]).toEqual([...wanted.get("first")!]);
        expect([...second!]).toEqual([...wanted.get("second")!]);
        wanted.get("chosen")!.forEach((value, at) => expect(chosen![at]).toBeCloseTo(value, 5));
      }
      await loaded.finish();
      loaded.close();
    });
  });
