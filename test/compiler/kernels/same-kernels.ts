// Fuses a graph and expects that its kernels give what the graph means, on fixed values.
import type { TensorGraph } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { interpretKernels } from "../../../compiler/kernels/interpret.ts";
import type { KernelGraph } from "../../../compiler/kernels/kernel.ts";
import { verifyKernels } from "../../../compiler/kernels/verify.ts";
import type { Values } from "../../../compiler/ops/op.ts";
import { fixedArrays, fixedInputs } from "../graph/fixed-values.ts";

/** Every output and new value within `tolerance` of the largest one of its array. */
export function expectSameKernels(
  graph: TensorGraph,
  extra: ReadonlyMap<string, Values> = new Map(),
  tolerance = 1e-9,
): KernelGraph {
  const kernels = fuse(graph);
  verifyKernels(kernels);
  const [inputs, arrays] = [fixedInputs(graph), new Map([...fixedArrays(graph), ...extra])];
  const expected = interpret(graph, inputs, arrays);
  const found = interpretKernels(kernels, inputs, arrays);
  for (const [name, values] of expected.outputs)
    expectNear(found.outputs.get(name), values, tolerance, `output ${name}`);
  for (const [path, values] of expected.updates)
    expectNear(found.residents.get(path), values, tolerance, `update ${path}`);
  return kernels;
}

function expectNear(
  found: Values | undefined,
  expected: Values,
  tolerance: number,
  what: string,
): void {
  if (found?.length !== expected.length) throw new Error(`${what} has ${found?.length} elements`);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-300);
  expected.forEach((value, i) => {
    const error = Math.abs(found[i]! - value);
    if (!(error <= tolerance * scale) && !Object.is(found[i], value))
      throw new Error(`${what}[${i}] is ${found[i]}, not ${value}`);
  });
}
