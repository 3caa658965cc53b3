import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isWorldError } from "../../../runtime/errors.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import {
  dtypeBytes,
  openSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../../runtime/checkpoint/safetensors.ts";
import type {
  Metadata,
  StoredDtype,
  StoredTensor,
  StoredTensors,
} from "../../../runtime/checkpoint/safetensors.ts";
import {
  asFloat32,
  asInt32,
  asNumbers,
  halfToNumber,
  storeFloat32,
  storeInt32,
} from "../../../runtime/checkpoint/stored-values.ts";
import { temporaryFolder } from "../temporary-folder.ts";

function write(path: string, tensors: StoredTensors, metadata?: Metadata): void {
  const writer = nodeFiles.create(path);
  writeSafetensors(writer, tensors, metadata);
  writer.close();
}

/** A file with this header, whatever it says, and so many bytes of data. */
function writeRaw(header: unknown, dataBytes: number): string {
  const path = `${temporaryFolder()}/raw.safetensors`;
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return path;
}

describe("a safetensors file", () => {
  test("gives back what was written, of every type and shape", () => {
    const path = `${temporaryFolder()}/all.safetensors`;
    const tensors = new Map<string, StoredTensor>();
    for (const dtype of Object.keys(dtypeBytes) as StoredDtype[]) {
      const bytes = Uint8Array.from(
        { length: 6 * dtypeBytes[dtype] },
        (_, i) => (i * 37 + 1) % 251,
      );
      tensors.set(`some.${dtype}`, { dtype, shape: [2, 3], bytes });
    }
    tensors.set("scalar", storeFloat32(Float32Array.of(1.5), []));
    tensors.set("empty", storeFloat32(new Float32Array(), [0, 4]));
    write(path, tensors, { format: "vitrail" });
    const read = readSafetensors(nodeFiles, path);
    expect(read.metadata).toEqual({ format: "vitrail" });
    expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { dtype, shape, bytes }] of tensors) {
      const found = read.tensors.get(name)!;
      expect({ dtype: found.dtype, shape: found.shape, bytes: [...found.bytes] }).toEqual({
        dtype,
        shape,
        bytes: [...bytes],
      });
    }
  });

  test("has the bytes that the format's description says", () => {
    const path = `${temporaryFolder()}/a.safetensors`;
    write(path, new Map([["w", storeFloat32(Float32Array.of(1, -2), [2])]]));
    const bytes = readFileSync(path);
    const json = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  ';
    expect(bytes.readBigUInt64LE(0)).toBe(BigInt(json.length));
    expect(bytes.subarray(8, 8 + json.length).toString()).toBe(json);
    expect(bytes.subarray(8 + json.length).toString("hex")).toBe("0000803f000000c0");
  });

  test("is the same for the same tensors in another order, the widest first", () => {
    const folder = temporaryFolder();
    const [a, b] = [
      storeFloat32(Float32Array.of(1), [1]),
      { dtype: "U8", shape: [1], bytes: Uint8Array.of(1) } as const,
    ];
    write(
      `${folder}/1`,
      new Map<string, StoredTensor>([
        ["a", b],
        ["b", a],
      ]),
    );
    write(
      `${folder}/2`,
      new Map<string, StoredTensor>([
        ["b", a],
        ["a", b],
      ]),
    );
    expect(readFileSync(`${folder}/1`)).toEqual(readFileSync(`${folder}/2`));
    expect([...openSafetensors(nodeFiles, `${folder}/1`).tensors.keys()]).toEqual(["b", "a"]);
  });

  test("takes memory that threads share", () => {
    const path = `${temporaryFolder()}/shared.safetensors`;
    const values = new Float32Array(new SharedArrayBuffer(8));
    values.set([3, 4]);
    write(path, new Map([["w", storeFloat32(values, [2])]]));
    expect([...asFloat32(readSafetensors(nodeFiles, path).tensors.get("w")!)]).toEqual([3, 4]);
  });
});

describe("a damaged file is refused, saying how", () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };

  test.each<[string, string, number | object, number]>([
    [
      "a type that is not there",
      'gives w the unknown type "F33"',
      { w: { ...entry, dtype: "F33" } },
      8,
    ],
    [
      "a type named as a property of every object",
      'unknown type "constructor"',
      { w: { ...entry, dtype: "constructor" } },
      8,
    ],
    ["a shape below zero", "gives w the shape [-2]", { w: { ...entry, shape: [-2] } }, 8],
    ["a shape of fractions", "gives w the shape [0.5]", { w: { ...entry, shape: [0.5] } }, 8],
    ["a place of one end", "gives w the place [0]", { w: { ...entry, data_offsets: [0] } }, 8],
    [
      "a place too large for the shape",
      "gives w 12 bytes, but F32 [2] needs 8",
      { w: { ...entry, data_offsets: [0, 12] } },
      12,
    ],
    [
      "an overlap",
      "has an overlap before v",
      { w: entry, v: { ...entry, data_offsets: [4, 12] } },
      12,
    ],
    ["a hole", "has a hole before w", { w: { ...entry, data_offsets: [4, 12] } }, 12],
    ["bytes left over", "has 4 bytes after its last tensor", { w: entry }, 12],
    ["missing data", "is cut short: its tensors need 8 bytes, 5 are there", { w: entry }, 5],
    ["an entry that is nothing", "gives w the unknown type undefined", { w: null }, 0],
    [
      "metadata that are no strings",
      "has metadata that are not strings",
      { __metadata__: { a: 1 } },
      0,
    ],
    ["a list for a header", "has a header that is not a JSON object", [], 0],
  ])("%s", (_, message, header, dataBytes) => {
    expect(() => openSafetensors(nodeFiles, writeRaw(header, dataBytes))).toThrow(message);
  });

  test("a header that is not JSON", () => {
    expect(() => openSafetensors(nodeFiles, writeRaw("{", 0))).toThrow(
      "has a header that is not JSON",
    );
  });

  test("a file of another kind", () => {
    const path = `${temporaryFolder()}/x`;
    writeFileSync(path, "This is a text file, and no safetensors file.");
    expect(() => openSafetensors(nodeFiles, path)).toThrow("it is no safetensors file");
    writeFileSync(path, "abc");
    expect(() => openSafetensors(nodeFiles, path)).toThrow("has only 3 bytes");
  });

  test("cut anywhere at all", () => {
    const path = `${temporaryFolder()}/cut.safetensors`;
    write(
      path,
      new Map([
        ["w", storeFloat32(Float32Array.of(1, 2, 3), [3])],
        ["n", storeInt32(Int32Array.of(7), [1])],
      ]),
    );
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(() => openSafetensors(nodeFiles, path), `${length} bytes`).toThrow(
        /has only|cut short/,
      );
    }
  });

  test("with any bytes changed is read or refused, never a crash of ours", () => {
    const path = `${temporaryFolder()}/changed.safetensors`;
    write(path, new Map([["w", storeFloat32(Float32Array.of(1, 2, 3), [3])]]));
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        writeFileSync(path, changed);
        try {
          readSafetensors(nodeFiles, path);
        } catch (error) {
          expect(isWorldError(error)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a name that is not in it", () => {
    expect(() => openSafetensors(nodeFiles, writeRaw({ w: entry }, 8)).read("v")).toThrow(
      "has no v",
    );
  });
});

describe("stored values as numbers", () => {
  const stored = (dtype: StoredDtype, ...bytes: number[]): StoredTensor => ({
    dtype,
    shape: [bytes.length / dtypeBytes[dtype]],
    bytes: Uint8Array.from(bytes),
  });

  test("half precision, by its special values", () => {
    const cases: readonly (readonly [number, number])[] = [
      [0x3c00, 1], [0xc000, -2], [0x7bff, 65504], [0x0400, 2 ** -14], [0x0001, 2 ** -24], [0x7c00, Infinity], [0x3555, 0.333251953125],
    ]; // prettier-ignore
    for (const [bits, value] of cases) expect(halfToNumber(bits)).toBe(value);
    expect(halfToNumber(0x7e00)).toBeNaN();
  });

  test("every other type", () => {
    expect([...asFloat32(stored("BF16", 0x80, 0x3f, 0x49, 0xc0))]).toEqual([1, -3.140625]);
    expect([...asFloat32(stored("F16", 0x00, 0x3c))]).toEqual([1]);
    expect([...asFloat32(stored("F8_E4M3", 0x38, 0x7e, 0x01))]).toEqual([1, 448, 2 ** -9]);
    expect([...asFloat32(stored("F8_E5M2", 0x3c, 0x7b))]).toEqual([1, 57344]);
    expect([...asInt32(stored("I64", 0xfe, 255, 255, 255, 255, 255, 255, 255))]).toEqual([-2]);
    expect([...asInt32(stored("BOOL", 0, 1))]).toEqual([0, 1]);
    expect(asNumbers(stored("F64", 0, 0, 0, 0, 0, 0, 0xf8, 0x3f))[0]).toBe(1.5);
    expect([...asInt32(stored("I16", 0xff, 0xff))]).toEqual([-1]);
  });

  test("a 64-bit integer beyond a double is refused", () => {
    expect(() => asNumbers(stored("U64", 1, 0, 0, 0, 0, 0, 0x20, 0))).toThrow(
      "too large for a double",
    );
  });
});
