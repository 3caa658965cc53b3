// Every op of the registry, every sample, on every target: its value and its gradients against the interpreter.
// All samples of an op are entries of one program, so that a device is loaded once an op.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { differentiate } from "../../compiler/graph/differentiate.ts";
import { Builder } from "../../compiler/graph/builder.ts";
import { interpret } from "../../compiler/graph/interpret.ts";
import type { Node, Output, TensorGraph } from "../../compiler/graph/graph.ts";
import { simplify } from "../../compiler/graph/simplify.ts";
import { fuse } from "../../compiler/kernels/fuse.ts";
import { isFloat } from "../../compiler/ops/elementwise.ts";
import type { Op, Sample } from "../../compiler/ops/op.ts";
import { ops } from "../../compiler/ops/registry.ts";
import { planProgram } from "../../compiler/program/plan.ts";
import type { EntryKernels } from "../../compiler/program/entry-kernels.ts";
import type { Target } from "../../compiler/program/target.ts";
import { wasmTarget } from "../../compiler/wasm/generate.ts";
import { webgpuTarget } from "../../compiler/wgsl/generate.ts";
import type { TypedArray } from "../../runtime/device/device.ts";
import { openChosenDevice } from "../../runtime/device/chosen-device.ts";
import type { ChosenDevice } from "../../runtime/device/chosen-device.ts";
import { asStored } from "../../runtime/device/loaded-compilation.ts";
import { sampleValues } from "../compiler/ops/sample-values.ts";

const tested = ops.filter((op) => op.kind !== "leaf");
const targets: readonly (readonly ["wasm" | "webgpu", Target])[] = [
  ["wasm", wasmTarget],
  ["webgpu", webgpuTarget],
];

/** The op alone, and where it can be differentiated the gradients of a weighted sum of its result. */
function graphOf(op: Op, sample: Sample): TensorGraph {
  const g = new Builder();
  const inputs = sample.inputs.map(({ shape, dtype }, i) => g.input(`x${i}`, { shape, dtype }));
  const value = g.add(op.name, inputs, sample.attributes);
  const outputs: Output[] = [{ name: "value", value }];
  const wanted = inputs.filter((input) => isFloat(input.dtype));
  const isFlat = sample.differentiable === false || !op.gradient || !isFloat(value.dtype);
  if (!isFlat && wanted.length > 0) {
    const loss = g.sum(g.multiply(value, weights(g, value)));
    differentiate(g, loss, wanted).forEach((gradient, i) => {
      if (gradient) outputs.push({ name: `gradient ${i}`, value: gradient });
    });
  }
  return simplify(g.finish({ outputs, keepLeaves: true }), { isDifferentiated: true });
}

/** Something that differs from element to element. */
function weights(g: Builder, value: Node): Node {
  const axis = value.shape.length - 1;
  if (axis < 0) return g.full(0.75, value);
  return g.cos(g.cast(g.iota(value.shape, axis), value.dtype));
}

function valuesOf(sample: Sample): ReadonlyMap<string, Float64Array> {
  return new Map(
    sample.inputs.map((input, i) => {
      const values = sampleValues(input, i + 1);
      return [`x${i}`, isFloat(input.dtype) ? values.map(Math.fround) : values];
    }),
  );
}

for (const [name, target] of targets)
  describe(name, () => {
    let device: ChosenDevice;
    beforeAll(async () => {
      device = await openChosenDevice({
        want: name,
        ...(name === "webgpu" ? { adapter: "software" as const } : {}),
      });
    });
    afterAll(() => device.close());

    for (const op of tested)
      test(op.name, async () => {
        const graphs = op.samples.map((sample) => graphOf(op, sample));
        const entries = graphs.map((graph, i): EntryKernels => ({
          name: `sample ${i}`,
          kernels: fuse(graph),
          inputs: graph.inputs,
          outputs: graph.outputs.map(({ name: output, value }) => ({
            name: output,
            shape: value.shape,
            dtype: value.dtype,
          })),
        }));
        const layout = { residents: [], parts: [] };
        const program = planProgram(entries, layout, target, device.limits);
        const loaded = await device.load({
          layout,
          graphs: [],
          program,
          stages: [],
          recognised: [],
        });
        try {
          for (const [i, sample] of op.samples.entries()) {
            const values = valuesOf(sample);
            const expected = interpret(graphs[i]!, values).outputs;
            const inputs = new Map<string, TypedArray>(
              graphs[i]!.inputs.map((input) => [
                input.name,
                asStored(values.get(input.name)!, input.dtype),
              ]),
            );
            loaded.run(`sample ${i}`, inputs);
            for (const { name: output } of graphs[i]!.outputs) {
              const got = await loaded.readOutput(`sample ${i}`, output);
              expectClose(
                got,
                expected.get(output)!,
                `${JSON.stringify(sample.attributes)} ${output}`,
              );
            }
          }
        } finally {
          loaded.close();
        }
      });
  });

/** Within 2e-5 of the largest element, and of half of 1: float32 sums of some thousand values that may cancel. */
function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(got.length, what).toBe(expected.length);
  let largest = 0;
  let furthest = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const difference = Math.abs(got[i]! - expected[i]!);
    furthest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(furthest, difference);
  }
  expect(furthest, what).toBeLessThanOrEqual(2e-5 * largest + 1e-5);
}
