// A whole training step of a small Vision Transformer, from graph to WebAssembly, against the graph's meaning.
import { describe, expect, test } from "vitest";
import type { ResidentLayout } from "../../../compiler/compiled.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { planProgram } from "../../../compiler/program/plan.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { wasmTarget } from "../../../compiler/wasm/generate.ts";
import type { WasmDeviceOptions } from "../../../runtime/device/wasm.ts";
import { fixedArrays, fixedInputs } from "../graph/fixed-values.ts";
import type { VitSizes } from "../graph/small-vit.ts";
import { trainingGraph } from "../kernels/training-graph.ts";
import { expectNear } from "./kernel-notation.ts";
import { deviceWith, typed } from "./run-kernels.ts";

const sizes: VitSizes = {
  batch: 6,
  image: 14,
  channels: 1,
  patch: 7,
  width: 24,
  depth: 2,
  heads: 3,
  classes: 5,
};
const { graph } = trainingGraph(sizes);
const [inputs, arrays] = [fixedInputs(graph), fixedArrays(graph)];

function programOfGraph(): Program {
  const kernels = fuse(graph);
  const residents = [...arrays].map(([name, values]) => ({
    name,
    dtype: "f32" as const,
    length: values.length,
  }));
  const layout: ResidentLayout = {
    residents,
    parts: residents.map(({ name, length }) => ({
      path: name,
      role: "parameter",
      shape: [length],
      dtype: "f32",
      initializer: { kind: "zeros", settings: {} },
      trainable: true,
      resident: name,
      offset: 0,
    })),
  };
  const outputs = graph.outputs.map(({ name, value }) => ({
    name,
    shape: value.shape,
    dtype: value.dtype,
  }));
  return planProgram(
    [{ name: "train", kernels, inputs: graph.inputs, outputs }],
    layout,
    wasmTarget,
    WASM_LIMITS,
  );
}

const program = programOfGraph();

async function run(options: WasmDeviceOptions): Promise<Map<string, ArrayLike<number>>> {
  const loaded = await (await deviceWith(options)).load(program);
  for (const [name, values] of arrays) loaded.writeResident(name, typed("f32", values));
  const given = graph.inputs.map(
    ({ name, dtype }) => [name, typed(dtype, inputs.get(name)!)] as const,
  );
  loaded.run("train", new Map(given));
  const result = new Map<string, ArrayLike<number>>();
  for (const { name } of graph.outputs) result.set(name, await loaded.readOutput("train", name));
  for (const name of arrays.keys()) result.set(name, await loaded.readResident(name));
  loaded.close();
  return result;
}

describe("a training step of a small Vision Transformer", () => {
  const expected = interpret(graph, inputs, arrays);
  test.each([true, false])(
    "gives the loss and the parameters of its graph (fused multiply-add: %s)",
    async (relaxed) => {
      const found = await run({ threads: 2, relaxed });
      for (const [name, values] of expected.outputs)
        expectNear(found.get(name)!, values, 1e-6, name);
      for (const [name, values] of expected.updates)
        expectNear(found.get(name)!, values, 1e-5, name);
    },
  );

  test("gives the same bits on one, two and three threads", async () => {
    const one = await run({ threads: 1 });
    for (const threads of [2, 3]) expect(await run({ threads })).toEqual(one);
  });
});
