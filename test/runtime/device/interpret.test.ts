// The interpreter as a device: residents in double, written after the run, under the paths of their parts.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import type { Compiled, ResidentPart } from "../../../compiler/compiled.ts";
import { createInterpreter } from "../../../runtime/device/interpret.ts";

function part(path: string, offset: number): ResidentPart {
  return {
    path,
    role: "parameter",
    shape: [2],
    dtype: "f32",
    initializer: { kind: "zeros", settings: {} },
    trainable: true,
    resident: "parameters.0",
    offset,
  };
}

/** `train`: all parameters times x; output is their old sum. `read`: their sum. */
function compiled(): Compiled {
  const graphs = ["train", "read"].map((name) => {
    const g = new Builder();
    const all = g.add("resident", [], { name: "parameters.0", shape: [4], dtype: "f32" });
    const outputs = [{ name: "sum", value: g.sum(all, [0]) }];
    if (name === "read") return { name, graph: g.finish({ outputs }) };
    const x = g.input("x", { shape: [], dtype: "f32" });
    const updates = [{ path: "parameters.0", value: g.multiply(all, x) }];
    return { name, graph: g.finish({ outputs, updates }) };
  });
  return {
    layout: {
      residents: [{ name: "parameters.0", dtype: "f32", length: 4 }],
      parts: [part("a", 0), part("b", 2)],
    },
    graphs,
    stages: [],
    recognised: [],
  };
}

describe("the interpreter", () => {
  test("keeps doubles from run to run, and updates after the outputs are made", async () => {
    const loaded = createInterpreter(compiled());
    loaded.writePart("a", Float64Array.of(0.1, 0.2));
    loaded.writePart("b", Float64Array.of(0.3, 0.4));
    loaded.run("train", new Map([["x", Float32Array.of(3)]]));
    expect((await loaded.readOutput("train", "sum"))[0]).toBeCloseTo(1, 12);
    expect([...(await loaded.readPart("b"))]).toEqual([0.3 * 3, 0.4 * 3]);
    loaded.run("read", new Map());
    expect((await loaded.readOutput("read", "sum"))[0]).toBeCloseTo(3, 12);
  });

  test("keeps an input that is not given again", async () => {
    const loaded = createInterpreter(compiled());
    loaded.writePart("a", Float32Array.of(1, 1));
    loaded.run("train", new Map([["x", Float32Array.of(2)]]));
    loaded.run("train", new Map());
    expect([...(await loaded.readPart("a"))]).toEqual([4, 4]);
  });

  test("refuses what it does not have", async () => {
    const loaded = createInterpreter(compiled());
    expect(() => loaded.run("none", new Map())).toThrow("no entry `none`");
    expect(() => loaded.writePart("c", Float64Array.of(1))).toThrow("no part `c`");
    expect(() => loaded.writePart("a", Float64Array.of(1))).toThrow("holds 2 numbers");
    expect(() => loaded.run("train", new Map([["y", Float32Array.of(1)]]))).toThrow("no input `y`");
    await expect(loaded.readOutput("read", "sum")).rejects.toThrow("no run of entry `read`");
  });
});
