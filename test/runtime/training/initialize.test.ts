// First values of parts: by seed, path and place alone, in double, rounded once.
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Compiled, ResidentPart } from "../../../compiler/compiled.ts";
import type { Initializer } from "../../../compiler/graph/graph.ts";
import { writeSafetensors } from "../../../runtime/checkpoint/safetensors.ts";
import { storeFloat32 } from "../../../runtime/checkpoint/stored-values.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { initialValues } from "../../../runtime/training/initialize.ts";
import { temporaryFolder } from "../temporary-folder.ts";

function part(
  kind: string,
  settings: Initializer["settings"] = {},
  more: Partial<ResidentPart> = {},
): ResidentPart {
  return {
    path: "head.weight",
    role: "parameter",
    shape: [100, 200],
    dtype: "f32",
    initializer: { kind, settings },
    trainable: true,
    resident: "parameters.0",
    offset: 0,
    ...more,
  };
}

function values(wanted: ResidentPart, seed = 0, others: readonly ResidentPart[] = []) {
  const compiled: Compiled = {
    layout: { residents: [], parts: [wanted, ...others] },
    graphs: [],
    stages: [],
    recognised: [],
  };
  return initialValues(compiled, wanted, seed, nodeFiles);
}

function moments(numbers: Float64Array) {
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  return { mean, std: Math.sqrt(variance), most: numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0) }; // prettier-ignore
}

describe("distributions", () => {
  test("zeros, ones and a constant", () => {
    expect(new Set(values(part("zeros")))).toEqual(new Set([0]));
    expect(new Set(values(part("ones")))).toEqual(new Set([1]));
    expect(new Set(values(part("constant", { value: 0.1 })))).toEqual(new Set([Math.fround(0.1)]));
  });

  test("normal has its mean and deviation", () => {
    const { mean, std, most } = moments(values(part("normal", { mean: 3, std: 0.5 })));
    expect(mean).toBeCloseTo(3, 1);
    expect(std).toBeCloseTo(0.5, 1);
    expect(most).toBeGreaterThan(3 + 3 * 0.5);
  });

  test("truncated stays within two deviations, and is narrower for it", () => {
    const { mean, std, most } = moments(values(part("truncated", { mean: 0, std: 0.02 })));
    expect(mean).toBeCloseTo(0, 3);
    expect(most).toBeLessThanOrEqual(Math.fround(0.04));
    expect(std / 0.02).toBeCloseTo(0.88, 2); // of a normal cut off at two deviations: 0.8796
  });

  test("uniform fills its range evenly", () => {
    const { mean, std, most } = moments(values(part("uniform", { low: -2, high: 2 })));
    expect(mean).toBeCloseTo(0, 1);
    expect(std).toBeCloseTo(4 / Math.sqrt(12), 1);
    expect(most).toBeLessThan(2);
  });

  test("one that no host knows is refused", () => {
    expect(() => values(part("cauchy"))).toThrow("`head.weight` starts from `cauchy`, which no host knows"); // prettier-ignore
  });
});

describe("bits", () => {
  const normal = { mean: 0, std: 1 };

  test("are single precision, and the same each time", () => {
    const first = values(part("normal", normal));
    expect(first).toEqual(Float64Array.from(first, Math.fround));
    expect(values(part("normal", normal))).toEqual(first);
    expect([...first.subarray(0, 3)]).toMatchInlineSnapshot(`
      [
        -0.4199278652667999,
        -2.0008184909820557,
        -0.2584359049797058,
      ]
    `);
  });

  test("depend on seed and path, and on nothing else", () => {
    const first = values(part("normal", normal));
    expect(values(part("normal", normal), 1)).not.toEqual(first);
    expect(values(part("normal", normal, { path: "head.bias" }))).not.toEqual(first);
    const elsewhere = part("normal", normal, { resident: "parameters.7", offset: 512 });
    expect(values(elsewhere, 0, [part("zeros", {}, { path: "new" })])).toEqual(first);
  });

  test("of a seed beyond 32 bits differ from those of its lower half", () => {
    expect(values(part("normal", normal), 2 ** 32 + 1)).not.toEqual(values(part("normal", normal), 1)); // prettier-ignore
  });
});

describe("a part that starts as another", () => {
  test("has its values, through copies of copies", () => {
    const source = part("normal", { mean: 0, std: 1 });
    const twin = part("copy", { path: "head.weight" }, { path: "twin.weight", role: "twin" });
    const second = part("copy", { path: "twin.weight" }, { path: "second.weight", role: "twin" });
    expect(values(second, 5, [source, twin])).toEqual(values(source, 5));
  });

  test("cannot be its own", () => {
    expect(() => values(part("copy", { path: "head.weight" }))).toThrow(/a copy of itself/);
  });
});

describe("a part that starts from a file", () => {
  function file(shape: readonly number[]): string {
    const path = `${temporaryFolder()}/w.safetensors`;
    const writer = nodeFiles.create(path);
    writeSafetensors(writer, new Map([["w", storeFloat32(Float32Array.of(1, 2, 3, 4), shape)]]));
    writer.close();
    return path;
  }

  test("takes the file's only tensor", () => {
    const small = part("file", { name: file([2, 2]) }, { shape: [2, 2] });
    expect([...values(small)]).toEqual([1, 2, 3, 4]);
  });

  test("says what does not fit", () => {
    const name = file([4]);
    expect(() => values(part("file", { name }, { shape: [2, 2] }))).toThrow(
      `\`head.weight\` is [2, 2], but in ${name} it is [4]`,
    );
    expect(() => values(part("file", { name: "nowhere" }))).toThrow(/which is not there/);
    writeFileSync(`${name}.txt`, "no tensors");
    expect(() => values(part("file", { name: `${name}.txt` }))).toThrow(/safetensors/);
  });
});
