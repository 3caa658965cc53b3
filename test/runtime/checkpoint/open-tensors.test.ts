// Files that PyTorch and NumPy wrote (`fixtures/make.py`), and what is wrong with others, each said in words.
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openTensors } from "../../../runtime/checkpoint/open-tensors.ts";
import { asNumbers } from "../../../runtime/checkpoint/stored-values.ts";
import { isWorldError } from "../../../runtime/errors.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const fixtures = "test/runtime/checkpoint/fixtures/";
const open = (name: string, within?: string) => openTensors(nodeFiles, fixtures + name, within);

function read(file: ReturnType<typeof open>, name: string) {
  const tensor = file.read(name);
  return { shape: tensor.shape, values: Array.from(asNumbers(tensor)) };
}

/** Message and hint of the error. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isWorldError(error)) return `${error.code}: ${error.message} (${error.hint})`;
    throw error;
  }
  return "no error";
}

describe("PyTorch's own files", () => {
  test("parameters, views and every type of number", () => {
    const file = open("plain.pth");
    expect([...file.tensors.keys()]).toEqual([
      "weight", "transposed", "slice", "half", "brain", "double", "count", "byte",
    ]); // prettier-ignore
    expect(read(file, "weight").values).toEqual(Array.from({ length: 24 }, (_, i) => i));
    expect(read(file, "transposed")).toMatchObject({ shape: [6, 4] });
    expect(read(file, "transposed").values.slice(0, 5)).toEqual([0, 6, 12, 18, 1]);
    expect(read(file, "slice")).toEqual({ shape: [2, 3], values: [8, 9, 10, 14, 15, 16] });
    expect(read(file, "half").values).toEqual([0.5, -2]);
    expect(read(file, "brain").values).toEqual([0.5, -2]);
    expect(read(file, "double").values).toEqual([1 / 3]);
    expect(read(file, "count")).toEqual({ shape: [], values: [7] });
    expect(read(file, "byte").values).toEqual([1, 255]);
    expect(file.within).toBeUndefined();
  });

  test("weights in the only dictionary of tensors are found there, and that is said", () => {
    expect(open("wrapped.pth").within).toBe("model");
    expect(read(open("wrapped.pth"), "count").values).toEqual([7]);
  });

  test("of two sets of weights none is chosen", () => {
    expect(refusal(() => open("two.pth"))).toBe(
      `unlike-checkpoint: ${fixtures}two.pth holds several sets of weights: model, ema (say which: --within model)`,
    );
    expect(read(open("two.pth", "ema"), "count").values).toEqual([7]);
    expect(refusal(() => open("two.pth", "emma"))).toContain("has no `emma`");
  });

  test("a pickle that asks for code is refused by its name, and nothing is run", () => {
    expect(refusal(() => open("code.pth"))).toContain("asks to run `posix.system`");
  });

  test("a file from before 1.6 is told how to be saved again", () => {
    expect(refusal(() => open("legacy.pth"))).toContain("a file of PyTorch before 1.6");
  });

  test.each([100, 900, 1500, 3000])("cut short after %i bytes", (length) => {
    const path = `${temporaryFolder()}/cut.pth`;
    writeFileSync(path, readFileSync(`${fixtures}plain.pth`).subarray(0, length));
    expect(refusal(() => openTensors(nodeFiles, path))).toContain("is cut short");
  });
});

describe("NumPy's files", () => {
  test("arrays as they are, deflated, in Fortran's order, and raw pairs of bytes as bfloat16", () => {
    expect(read(open("plain.npz"), "a/b")).toEqual({ shape: [2, 3], values: [0, 1, 2, 3, 4, 5] });
    expect(read(open("plain.npz"), "c")).toEqual({ shape: [], values: [2.5] });
    expect(read(open("packed.npz"), "a")).toEqual({ shape: [2, 3], values: [0, 1, 2, 3, 4, 5] });
    expect(read(open("packed.npz"), "raw")).toEqual({ shape: [2], values: [0.5, -2] });
  });

  test("names below a beginning", () => {
    expect([...open("plain.npz", "a").tensors.keys()]).toEqual(["b"]);
    expect(read(open("plain.npz", "a"), "b").shape).toEqual([2, 3]);
    expect(refusal(() => open("plain.npz", "params"))).toContain("no names that begin with params");
  });

  test("objects are refused", () => {
    expect(refusal(() => open("objects.npz"))).toContain("no plain numbers");
  });

  test("damaged numbers are found by their checksum", () => {
    const bytes = readFileSync(`${fixtures}packed.npz`);
    bytes[60]! ^= 0xff;
    const path = `${temporaryFolder()}/damaged.npz`;
    writeFileSync(path, bytes);
    expect(refusal(() => openTensors(nodeFiles, path).read("a"))).not.toBe("no error");
  });
});

test("what is no file of tensors is said to be none", () => {
  expect(refusal(() => open("make.py"))).toContain("it is no safetensors file");
  expect(refusal(() => open("nothing.pth"))).toContain("there is no");
});
