// Sums in gradients: fewer of them, over fewer factors, of the same value.
import { describe, expect, test } from "vitest";
import { Builder } from "../../../../compiler/graph/builder.ts";
import { differentiate } from "../../../../compiler/graph/differentiate.ts";
import type { Node } from "../../../../compiler/graph/graph.ts";
import { print } from "../../../../compiler/graph/print.ts";
import { rulesOfGradients, simplify } from "../../../../compiler/graph/simplify.ts";
import { verify } from "../../../../compiler/graph/verify.ts";
import { sampleValues } from "../../ops/sample-values.ts";
import { expectGradient } from "../finite-differences.ts";
import { expectSameMeaning } from "../same-meaning.ts";

const f32 = (g: Builder, name: string, ...shape: number[]) =>
  g.input(name, { shape, dtype: "f32" });

/** The graph after differentiation as text, checked to mean the same. */
function simplified(build: (g: Builder) => Node, observe?: (rule: string) => void): string {
  const g = new Builder();
  const graph = g.finish({ outputs: [{ name: "y", value: build(g) }] });
  const small = simplify(graph, { isDifferentiated: true, ...(observe && { observe }) });
  verify(small);
  expectSameMeaning(small, graph, 12);
  return print(small).replace(/\noutput.*/, "");
}

/** x without its mean over some axes. */
function centred(g: Builder, x: Node, axes: readonly number[]): Node {
  return g.subtract(x, g.spread(g.mean(x, axes), x.shape, axes));
}

/** (x - mean) / deviation over some axes, times a scale over the last one. */
function normalised(g: Builder, x: Node, scale: Node, axes: readonly number[]): Node {
  const d = centred(g, x, axes);
  const variance = g.mean(g.multiply(d, d), axes);
  const y = g.multiply(d, g.spread(g.rsqrt(g.plus(variance, 1e-3)), x.shape, axes));
  return g.multiply(y, g.broadcast(scale, x.shape, [x.shape.length - 1]));
}

describe("factors that are constant along a sum", () => {
  test("stand outside of it", () => {
    expect(
      simplified((g) => {
        const [a, b, c] = [f32(g, "a", 2, 3), f32(g, "b", 2, 3), f32(g, "c", 3)];
        return g.sum(g.multiply(g.multiply(a, g.spread(c, [2, 3], [0])), b), [0]);
      }),
    ).toMatchInlineSnapshot(`
      "%0 = input {name: a}  f32[2, 3]
      %1 = input {name: b}  f32[2, 3]
      %2 = input {name: c}  f32[3]
      %3 = multiply %0 %1  f32[2, 3]
      %4 = sum %3 {axes: [0]}  f32[3]
      %5 = multiply %4 %2  f32[3]"
    `);
  });

  test("leave equal sums, whatever the factors and their order were", () => {
    const text = simplified((g) => {
      const [a, b, c] = [f32(g, "a", 2, 3), f32(g, "b", 2, 3), f32(g, "c", 3)];
      const spread = g.spread(c, [2, 3], [0]);
      const first = g.sum(g.multiply(g.multiply(a, spread), b), [0]);
      return g.plus(first, g.sum(g.multiply(b, g.multiply(a, 3)), [0]));
    });
    expect(text.match(/= sum/g)).toHaveLength(1);
  });

  test("stay beside a single factor, whose product may be an operand that is packed anyway", () => {
    const text = simplified((g) =>
      g.sum(g.multiply(f32(g, "a", 2, 3), g.spread(f32(g, "c", 3), [2, 3], [0])), [0]),
    );
    expect(text).toMatch(/multiply[^]*sum/);
  });

  test("stay inside where they vary along one of the axes", () => {
    const text = simplified((g) => {
      const [a, b, c] = [f32(g, "a", 2, 3), f32(g, "b", 2, 3), f32(g, "c", 3)];
      return g.sum(g.multiply(g.multiply(a, g.spread(c, [2, 3], [0])), b), [1]);
    });
    expect(text.match(/multiply/g)).toHaveLength(2);
  });
});

describe("what is centred along a sum", () => {
  test("is dropped, with factors that are constant along it", () => {
    expect(
      simplified((g) => {
        const [x, dY, k] = [f32(g, "x", 4, 3), f32(g, "dY", 4, 3), f32(g, "k", 3)];
        const pull = g.multiply(g.spread(k, [4, 3], [0]), centred(g, x, [0]));
        return g.sum(g.subtract(g.plus(g.multiply(dY, 2), pull), pull), [0]);
      }),
    ).toMatchInlineSnapshot(`
      "%0 = input {name: dY}  f32[4, 3]
      %1 = sum %0 {axes: [0]}  f32[3]
      %2 = constant {value: 2}  f32[3]
      %3 = multiply %1 %2  f32[3]"
    `);
  });

  test("leaves nothing where nothing else is added", () => {
    expect(simplified((g) => g.sum(centred(g, f32(g, "x", 4, 3), [1]), [1]))).toMatchInlineSnapshot(
      `"%0 = constant {value: 0}  f32[4]"`,
    );
  });

  test("keeps the sign of what is left", () => {
    const text = simplified((g) => {
      const [x, a, b] = [f32(g, "x", 4, 3), f32(g, "a", 4, 3), f32(g, "b", 4, 3)];
      return g.sum(g.subtract(g.subtract(centred(g, x, [1]), a), g.exp(b)), [1]);
    });
    expect(text.match(/= sum/g)).toHaveLength(1);
  });

  test("stays where it is centred over other axes, about something else, or squared", () => {
    const kept = (build: (g: Builder, x: Node) => Node) =>
      expect(simplified((g) => build(g, f32(g, "x", 4, 3)))).toMatch(/subtract[^]*sum/);
    kept((g, x) => g.sum(centred(g, x, [0]), [1]));
    kept((g, x) => g.sum(g.subtract(x, g.spread(g.mean(f32(g, "z", 4, 3), [1]), [4, 3], [1])), [1])); // prettier-ignore
    kept((g, x) => g.sum(g.subtract(x, g.spread(g.sum(x, [1]), [4, 3], [1])), [1]));
    kept((g, x) => g.sum(g.multiply(centred(g, x, [1]), centred(g, x, [1])), [1]));
  });
});

describe("the gradient of a normalisation", () => {
  const cases = {
    "over the batch": { shape: [5, 2, 3], axes: [0, 1] },
    "over the last axis": { shape: [2, 3, 7], axes: [2] },
    "over groups": { shape: [2, 5, 2, 3], axes: [1, 3] },
  };
  for (const [name, { shape, axes }] of Object.entries(cases))
    test(`${name} is right`, () => {
      const types = [shape, shape.slice(-1)].map((each) => ({
        shape: each,
        dtype: "f32" as const,
      }));
      const values = types.map((type, i) => sampleValues({ ...type, range: [-1, 1] }, i + 3));
      // A mean far from zero, and a result that is used in other ways beside.
      const far = values[0]!.map((value) => value + 3);
      expectGradient(
        types,
        [far, values[1]!],
        (g, [x, scale]) => g.plus(g.tanh(normalised(g, x!, scale!, axes)), g.multiply(x!, 0.5)),
        { isSimplified: true },
      );
    });

  test("over the batch takes two sums after the forward pass's two", () => {
    const text = simplified((g) => {
      const [x, scale] = [f32(g, "x", 5, 3), f32(g, "scale", 3)];
      const y = normalised(g, x, scale, [0]);
      const [dX, dScale] = differentiate(g, g.sum(g.tanh(y)), [x, scale]);
      return g.plus(dX!, g.spread(dScale!, x.shape, [0]));
    });
    expect(text.match(/= sum/g)).toHaveLength(4);
  });
});

test("every rule for gradients fires here", () => {
  const fired = new Set<string>();
  simplified(
    (g) => {
      const [x, scale] = [f32(g, "x", 5, 3), f32(g, "scale", 3)];
      return differentiate(g, g.sum(g.tanh(normalised(g, g.stop(x), scale, [0]))), [scale])[0]!;
    },
    (rule) => fired.add(rule),
  );
  simplified(
    (g) => {
      const [x, scale] = [f32(g, "x", 5, 3), f32(g, "scale", 3)];
      return differentiate(g, g.sum(g.tanh(normalised(g, x, scale, [0]))), [x])[0]!;
    },
    (rule) => fired.add(rule),
  );
  expect(rulesOfGradients.map(({ name }) => name).filter((name) => !fired.has(name))).toEqual([]);
});
