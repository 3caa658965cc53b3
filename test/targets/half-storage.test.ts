// f16 and bf16 are storage: what is stored in them is rounded half to even, what is computed from them is f32.
// Every way in which kernels read and write memory, on every target, against the interpreter.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResidentLayout } from "../../compiler/compiled.ts";
import { Builder } from "../../compiler/graph/builder.ts";
import type { Node, TensorGraph } from "../../compiler/graph/graph.ts";
import { interpret } from "../../compiler/graph/interpret.ts";
import { fuse } from "../../compiler/kernels/fuse.ts";
import { fromHalfBits, roundTo, toHalfBits, type HalfType } from "../../compiler/ops/half.ts";
import { elementBytes } from "../../compiler/program/limits.ts";
import { planProgram } from "../../compiler/program/plan.ts";
import { verifyProgram } from "../../compiler/program/verify.ts";
import { wasmTarget } from "../../compiler/wasm/generate.ts";
import { webgpuTarget } from "../../compiler/wgsl/generate.ts";
import { openChosenDevice } from "../../runtime/device/chosen-device.ts";
import type { ChosenDevice } from "../../runtime/device/chosen-device.ts";
import { asStored } from "../../runtime/device/loaded-compilation.ts";

const halves: readonly HalfType[] = ["f16", "bf16"];
const targets = [wasmTarget, webgpuTarget];

/** Residents `state` [23], with parts of odd length, and a whole one, `step`. */
function layoutOf(dtype: HalfType): ResidentLayout {
  const part = (path: string, length: number, offset: number, resident: string) => ({
    path,
    role: "state" as const,
    shape: [length],
    dtype,
    initializer: { kind: "zeros", settings: {} },
    trainable: false,
    resident,
    offset,
  });
  return {
    residents: [
      { name: "state", dtype, length: 23 },
      { name: "step", dtype, length: 1 },
    ],
    parts: [
      part("first", 7, 0, "state"),
      part("second", 16, 7, "state"),
      part("step", 1, 0, "step"),
    ],
  };
}

type Case = (g: Builder, dtype: HalfType) => readonly (readonly [string, Node])[];

/** A half that lies in memory: a sum is never made twice. */
function stored(g: Builder, x: Node, dtype: HalfType): Node {
  const whole = g.sum(g.reshape(x, [...x.shape, 1]), [x.shape.length]);
  return g.cast(whole, dtype);
}

const float = (g: Builder, name: string, shape: readonly number[]) =>
  g.input(name, { shape, dtype: "f32" });

const cases: Readonly<Record<string, Case>> = {
  "elementwise stores and loads, in vectors and at the end of a row": (g, dtype) => {
    const x = stored(g, float(g, "x", [5, 7]), dtype);
    const y = g.cast(x, "f32");
    return [
      ["rounded", x],
      ["used", g.multiply(y, g.add("sin", [y]))],
    ];
  },
  "columns, flips, slices and padding of halves": (g, dtype) => {
    const x = stored(g, float(g, "x", [6, 9]), dtype);
    const wide = g.cast(x, "f32");
    return [
      ["turned", g.add("permute", [wide], { order: [1, 0] })],
      ["turned halves", g.add("permute", [x], { order: [1, 0] })],
      ["part", g.slice(wide, [1, 2], [4, 5])],
      ["padded", g.add("pad", [wide], { before: [1, 0], after: [0, 3] })],
    ];
  },
  "sums, maxima and positions over rows and columns": (g, dtype) => {
    const x = stored(g, float(g, "x", [11, 13]), dtype);
    const wide = g.cast(x, "f32");
    return [0, 1].flatMap((axis) => [
      [`sum ${axis}`, g.sum(wide, [axis])] as const,
      [`max ${axis}`, g.add("max", [x], { axes: [axis] })] as const,
      [`argmax ${axis}`, g.add("argmax", [x], { axes: [axis] })] as const,
    ]);
  },
  "operands of products, straight, turned and in batches": (g, dtype) => {
    const a = stored(g, float(g, "a", [3, 9, 13]), dtype);
    const b = stored(g, float(g, "b", [3, 13, 17]), dtype);
    const wide = (x: Node) => g.cast(x, "f32");
    const batch = [[0], [0]];
    return [
      ["product", g.add("dot", [wide(a), wide(b)], { batch, contract: [[2], [1]] })],
      ["turned", g.add("dot", [wide(a), wide(a)], { batch, contract: [[1], [1]] })],
      ["halves themselves", g.add("dot", [a, b], { batch, contract: [[2], [1]] })],
      ["stored", stored(g, g.add("dot", [wide(b), wide(b)], { batch, contract: [[1], [1]] }), dtype)], // prettier-ignore
    ];
  },
  "attention and its gradients, of rows of any length": (g, dtype) => {
    const [q, k, v] = ["q", "k", "v"].map((name) =>
      stored(g, float(g, name, [2, 2, name === "q" ? 6 : 9, name === "v" ? 8 : 5]), dtype),
    ) as [Node, Node, Node];
    const scale = { scale: 0.5 };
    const output = g.add("attention", [q, k, v], scale);
    const statistics = g.add("attention_statistics", [q, k], scale);
    const gradient = stored(g, float(g, "gradient", [2, 2, 6, 8]), dtype);
    const by = (name: string) =>
      g.add(`attention_gradient_${name}`, [q, k, v, output, statistics, gradient], scale);
    return [
      ["output", output],
      ["statistics", statistics],
      ...["q", "k", "v"].map((name) => [`d${name}`, by(name)] as const),
    ];
  },
  "arithmetic on halves, which is rounded at each step": (g, dtype) => {
    const x = stored(g, float(g, "x", [4, 6]), dtype);
    const y = g.cast(float(g, "y", [4, 6]), dtype);
    return [["sum", g.plus(g.multiply(x, y), y)]];
  },
  "gather and scatter": (g, dtype) => {
    const x = stored(g, float(g, "x", [9, 6]), dtype);
    const indices = g.cast(float(g, "indices", [5]), "i32");
    const rows = g.add("gather", [x, indices], { axis: 0 });
    const twice = g.add("concat", [indices, indices], { axis: 0 });
    const values = g.add("concat", [rows, rows], { axis: 0 });
    return [
      ["rows", rows],
      ["scattered", g.add("scatter_add", [values, twice], { size: 9 })],
    ];
  },
  "a concat that its producers write into": (g, dtype) => {
    const a = stored(g, float(g, "a", [3, 5]), dtype);
    const b = stored(g, float(g, "b", [2, 5]), dtype);
    const c = stored(g, float(g, "c", [1, 5]), dtype);
    return [["whole", g.concat([a, b, c, a, b, c], 0)]];
  },
};

/** Values on and between halves, large and small ones among them. */
function numbersFor(name: string, length: number): Float64Array {
  const seed = name.charCodeAt(0);
  return Float64Array.from({ length }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    const fraction = x - Math.floor(x) - 0.5;
    if (name === "indices") return Math.floor((fraction + 0.5) * 9);
    return Math.fround(i % 5 === 4 ? fraction * 1e-3 : fraction * 4);
  });
}

function graphOf(make: Case, dtype: HalfType): TensorGraph {
  const g = new Builder();
  return g.finish({ outputs: make(g, dtype).map(([name, value]) => ({ name, value })) });
}

/** Adds to the old values, and keeps those that are large. */
function updateGraph(dtype: HalfType): TensorGraph {
  const g = new Builder();
  const old = g.add("resident", [], { name: "state", shape: [23], dtype });
  const step = g.add("resident", [], { name: "step", shape: [1], dtype });
  const next = g.plus(g.multiply(g.cast(old, "f32"), 0.9), float(g, "x", [23]));
  const isSmall = g.add("less", [g.add("absolute", [next]), g.full(2, next)]);
  const kept = g.add("select", [isSmall, g.cast(next, dtype), old]);
  return g.finish({
    outputs: [{ name: "second", value: g.cast(g.slice(kept, [7], [16]), "f32") }],
    updates: [
      { path: "state", value: kept },
      { path: "step", value: g.cast(g.plus(g.cast(step, "f32"), 1), dtype) },
    ],
  });
}

async function load(
  device: ChosenDevice,
  entries: readonly (readonly [string, TensorGraph])[],
  layout: ResidentLayout,
) {
  const target = device.name === "wasm" ? wasmTarget : webgpuTarget;
  const kernels = entries.map(([name, graph]) => ({
    name,
    kernels: fuse(graph),
    inputs: graph.inputs,
    outputs: graph.outputs.map(({ name: output, value: { shape, dtype } }) => ({
      name: output,
      shape,
      dtype,
    })),
  }));
  const program = planProgram(kernels, layout, target, device.limits);
  verifyProgram(program);
  return device.load({ layout, graphs: [], program, stages: [], recognised: [] });
}

for (const { name } of targets)
  describe(name, () => {
    let device: ChosenDevice;
    beforeAll(async () => {
      device = await openChosenDevice({
        want: name,
        ...(name === "webgpu" ? { adapter: "software" as const } : {}),
      });
    });
    afterAll(() => device.close());

    for (const dtype of halves) {
      for (const [what, make] of Object.entries(cases))
        test(`${dtype}: ${what}`, async () => {
          const graph = graphOf(make, dtype);
          const values = new Map(
            graph.inputs.map((input) => [
              input.name,
              numbersFor(input.name, input.shape.reduce((a, b) => a * b, 1)),
            ]),
          ); // prettier-ignore
          const loaded = await load(device, [["main", graph]], { residents: [], parts: [] });
          const inputs = new Map([...values].map(([of, data]) => [of, asStored(data, "f32")]));
          loaded.run("main", inputs);
          const expected = interpret(graph, values).outputs;
          for (const { name: output, value } of graph.outputs) {
            const got = await loaded.readOutput("main", output);
            expectSame(got, expected.get(output)!, value, output);
          }
          loaded.close();
        });

      test(`${dtype}: residents are renewed in place, parts at any element`, async () => {
        const graph = updateGraph(dtype);
        const loaded = await load(device, [["main", graph]], layoutOf(dtype));
        const arrays = new Map([
          ["state", numbersFor("s", 23).map((value) => roundTo(value * 2, dtype))],
          ["step", new Float64Array([1])],
        ]);
        loaded.writePart("first", arrays.get("state")!.subarray(0, 7));
        loaded.writePart("second", arrays.get("state")!.subarray(7));
        loaded.writePart("step", arrays.get("step")!);
        for (let step = 0; step < 4; step++) {
          const x = numbersFor(`${step}`, 23);
          loaded.run("main", new Map([["x", asStored(x, "f32")]]));
          const { updates } = interpret(graph, new Map([["x", x]]), arrays);
          for (const [path, value] of updates) arrays.set(path, Float64Array.from(value));
        }
        const all = [...(await loaded.readPart("first")), ...(await loaded.readPart("second"))];
        all.forEach((value, i) =>
          expect(Math.abs(value - arrays.get("state")![i]!)).toBeLessThanOrEqual(unit(dtype) * 4),
        );
        expect([...(await loaded.readPart("step"))]).toEqual([5]);
        expect(all.every((value) => roundTo(value, dtype) === value)).toBe(true);
        loaded.close();
      });
    }

    test("numbers on and beside every boundary are rounded as `half.ts` says", async () => {
      const edges = [
        0, -0, 1, -1, 65504, 65519.99, 65520, -65520, 1e38, 3.4e38, 6e-8, 2.98e-8, 2.981e-8, 6.1e-5,
        6.0975e-5, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -0.1, 1 / 3, 2049, 2051,
      ].map(Math.fround); // prettier-ignore
      for (const dtype of halves) {
        const graph = graphOf(
          (g) => [["half", g.cast(float(g, "x", [edges.length]), dtype)]],
          dtype,
        );
        const loaded = await load(device, [["main", graph]], { residents: [], parts: [] });
        loaded.run("main", new Map([["x", Float32Array.from(edges)]]));
        const got = [...(await loaded.readOutput("main", "half"))];
        expect(got).toEqual(edges.map((value) => roundTo(value, dtype)));
        loaded.close();
      }
    });
  });

/** From one half to the next, as a fraction: 11 and 8 bits are kept. */
function unit(dtype: HalfType): number {
  return dtype === "f16" ? 2 ** -10 : 2 ** -7;
}

/** Stored halves within a rounding of one (the sum behind them may fall on either side), f32 within its own. */
function expectSame(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { dtype, shape }: Node,
  what: string,
): void {
  expect(got.length, what).toBe(shape.reduce((a, b) => a * b, 1));
  const isHalf = dtype === "f16" || dtype === "bf16";
  for (let i = 0; i < expected.length; i++) {
    const size = Math.abs(expected[i]!);
    const allowed = isHalf ? 1.01 * unit(dtype) * size + 4e-6 : 2e-5 * size + 1e-5;
    expect(Math.abs(got[i]! - expected[i]!), `${what} ${i}`).toBeLessThanOrEqual(allowed);
    if (isHalf) expect(roundTo(got[i]!, dtype), what).toBe(got[i]!);
  }
}

test("the 16 bits of a half are those of its value, for all of them", () => {
  for (const dtype of halves) {
    const changed = Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => {
      const value = fromHalfBits(bits, dtype);
      const isKept = toHalfBits(value, dtype) === bits && Object.is(roundTo(value, dtype), value);
      return !Number.isNaN(value) && !isKept;
    });
    expect(changed).toEqual([]);
  }
});

test("a half takes two bytes on wasm, and a word on webgpu", () => {
  expect(halves.map((dtype) => elementBytes(dtype, "wasm"))).toEqual([2, 2]);
  expect(halves.map((dtype) => elementBytes(dtype, "webgpu"))).toEqual([4, 4]);
});
