// A file of tensors becomes ours: loaded, reshaped, resized, started anew, or refused whole.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Adaptation } from "../../../compiler/names/adaptations.ts";
import { planImport } from "../../../runtime/checkpoint/import-weights.ts";
import type { Source } from "../../../runtime/checkpoint/import-weights.ts";
import { planResize } from "../../../runtime/checkpoint/resize-weights.ts";
import type { Resizing } from "../../../runtime/checkpoint/resize-weights.ts";
import { storeFloat32 } from "../../../runtime/checkpoint/stored-values.ts";
import { names } from "../../compiler/names/named-model.ts";

const model = `
model Model(grid: int = 4, width: int = 2)(x: [batch, tokens = grid ^ 2 + 1, width]) -> [batch, tokens, width] {
  param position [tokens, width] ~ zeros
  x |> add(position) |> head: Linear(2)
}
names timm of Model { "position" = "pos_embed" [1, tokens, width] -> [tokens, width] }`;
const table = names(model, "timm");
const wanted = [
  { path: "position", shape: [17, 2] },
  { path: "head.weight", shape: [2, 2] },
  { path: "head.bias", shape: [2] },
];

function source(shapes: Record<string, number[]>): Source {
  return {
    path: "vit.safetensors",
    shapes: new Map(Object.entries(shapes)),
    read: (name) => {
      const shape = shapes[name]!;
      const count = shape.reduce((product, size) => product * size, 1);
      return storeFloat32(
        Float32Array.from({ length: count }, (_, i) => i),
        shape,
      );
    },
  };
}

const whole = { pos_embed: [1, 17, 2], "head.weight": [2, 2], "head.bias": [2] };
const resize: Adaptation = {
  kind: "resize",
  path: "position",
  mode: "cubic",
  antialias: false,
  tokens: { before: 1, grid: [4, 4] },
};

test("the report says what became of each", () => {
  const { report, read } = planImport(source({ ...whole, extra: [3] }), {
    wanted,
    table,
    changes: [],
  });
  expect(report.loaded.map(({ path }) => path)).toEqual(["head.bias"]);
  expect(report.reshaped.map(({ path, from, to }) => [path, from, to])).toEqual([
    ["position", [1, 17, 2], [17, 2]],
    ["head.weight", [2, 2], [2, 2]],
  ]);
  expect(report.unused).toEqual(["extra"]);
  expect([...read("head.weight")!]).toEqual([0, 2, 1, 3]);
});

test("a grid of positions is resized behind the class token, which stays", () => {
  const { report, read } = planImport(source({ ...whole, pos_embed: [1, 10, 2] }), {
    wanted,
    table,
    changes: [resize],
  });
  expect(report.resized).toEqual([
    {
      path: "position",
      names: ["pos_embed"],
      from: [1, 10, 2],
      to: [17, 2],
      how: "3 x 3 to 4 x 4 behind 1",
    },
  ]);
  expect([...read("position")!.subarray(0, 2)]).toEqual([0, 1]);
  expect(read("position")).toHaveLength(34);
});

test("a table of rows and columns is taken out of tokens, behind those that we do not have", () => {
  const grid = names(
    `model Model(x: [batch, rows = 2, cols = 2, width = 1]) -> [batch, rows, cols, width] {
       param table [down = 2, right = 2, width] ~ zeros
       x + table[down as rows, right as cols]
     }
     names timm of Model { "table" = "pos" [1, (down right), width] -> [down, right, width] }`,
    "timm",
  );
  const request = { wanted: [{ path: "table", shape: [2, 2, 1] }], table: grid };
  const said = { ...resize, path: "table", mode: "linear" } as Resizing;
  const { tokens: _, ...plain } = said;
  const theirs = source({ pos: [1, 17, 1] });
  expect(() => planImport(theirs, { ...request, changes: [plain] })).toThrow("say what grid it is");
  const changes = [{ ...plain, from: [4, 4], fromBefore: 1 }];
  const { read, report } = planImport(theirs, { ...request, changes });
  expect([...read("table")!]).toEqual([3.5, 5.5, 11.5, 13.5]); // means of four, of 1 to 16
  expect(report.resized[0]!.how).toBe("4 x 4 to 2 x 2");
});

test("what is too long may be cut to its beginning, along every axis", () => {
  const cut: Resizing = { kind: "cut", path: "x", mode: "linear", antialias: false };
  const plan = planResize([3, 3], [2, 2], cut);
  if ("fault" in plan) throw new Error(plan.fault);
  expect([...plan.apply([1, 2, 3, 4, 5, 6, 7, 8, 9])]).toEqual([1, 2, 4, 5]);
  expect(plan.said).toBe("3 x 3 cut to 2 x 2");
  expect(planResize([3, 3], [2, 4], cut)).toEqual({ fault: "3 cannot be cut to 4" });
});

test("what starts anew is told apart from what the file lacks", () => {
  const changes: Adaptation[] = [{ kind: "fresh", path: "head" }];
  const lacking = planImport(source({ pos_embed: [1, 17, 2], "head.bias": [2] }), {
    wanted,
    table,
    changes,
  });
  expect(lacking.report.fresh).toEqual(["head.weight", "head.bias"]);
  expect(lacking.report.missing).toEqual(["head.weight"]);
  expect(lacking.report.unused).toEqual(["head.bias"]);
  expect(lacking.read("head.weight")).toBeUndefined();
});

describe("a file that does not fit is refused, with all that is wrong with it", () => {
  const refused = (shapes: Record<string, number[]>, changes: Adaptation[] = []) =>
    expect(() => planImport(source(shapes), { wanted, table, changes }));

  test("missing tensors and others of another shape", () => {
    refused({ pos_embed: [1, 10, 2], "head.bias": [2] }).toThrow(
      "vit.safetensors does not fit: it has no `head.weight`; `pos_embed` is [1, 10, 2], not [1, 17, 2]",
    );
  });

  test("positions that are no square grid", () => {
    refused({ ...whole, pos_embed: [1, 9, 2] }, [resize]).toThrow(
      "cannot be resized: its 8 positions are no square: say from = (rows, cols)",
    );
    const from: Adaptation = { ...resize, from: [2, 4] };
    expect(
      planImport(source({ ...whole, pos_embed: [1, 9, 2] }), { wanted, table, changes: [from] })
        .report.resized[0]!.how,
    ).toBe("2 x 4 to 4 x 4 behind 1");
  });

  test("tokens of which nothing is known", () => {
    const { tokens: _, ...unknown } = resize as Resizing;
    refused({ ...whole, pos_embed: [1, 10, 2] }, [unknown]).toThrow("nothing says what grid");
  });
});

interface Resized {
  readonly positions: readonly number[];
  readonly cases: readonly {
    readonly mode: "bilinear" | "bicubic";
    readonly antialias: boolean;
    readonly size: readonly [number, number];
    readonly values: readonly number[];
  }[];
}

describe("resizing gives what PyTorch gives", () => {
  const { positions, cases } = JSON.parse(
    readFileSync("test/runtime/checkpoint/fixtures/resized.json", "utf8"),
  ) as Resized;

  test.each(cases)("$mode, antialias $antialias, to $size", ({ mode, antialias, size, values }) => {
    const plan = planResize([10, 2], [size[0] * size[1] + 1, 2], {
      kind: "resize",
      path: "position",
      mode: mode === "bicubic" ? "cubic" : "linear",
      antialias,
      tokens: { before: 1, grid: size },
    });
    if ("fault" in plan) throw new Error(plan.fault);
    const found = plan.apply(positions);
    for (const [i, value] of values.entries()) expect(found[i]).toBeCloseTo(value, 10);
  });
});

test("a patch kernel resized by the pseudo-inverse gives what it gave, on patches that are resized", () => {
  const resizing: Resizing = { kind: "pi_resize", path: "patch", mode: "linear", antialias: false };
  const [large, small] = [4, 2];
  const plan = planResize([small, small, 1, 1], [large, large, 1, 1], resizing);
  const up = planResize([small, small, 1, 1], [large, large, 1, 1], {
    ...resizing,
    kind: "resize",
  });
  if ("fault" in plan || "fault" in up) throw new Error("it cannot be resized");
  const kernel = [1, -2, 3, 0.5];
  const patch = [0.3, 0.7, -1, 2];
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
  expect(dot(plan.apply(kernel), up.apply(patch))).toBeCloseTo(dot(kernel, patch), 10);
});
