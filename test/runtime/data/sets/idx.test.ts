import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { catalog } from "../../../../runtime/data/catalog.ts";
import { nodeHost } from "../../../../runtime/host/node.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { open } from "../example-view.ts";

/** An IDX file of bytes 0, 1, 2, ... */
function idxFile(...extents: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * extents.length);
  header[2] = 8;
  header[3] = extents.length;
  extents.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  const length = extents.reduce((product, extent) => product * extent, 1);
  return Buffer.concat([header, Buffer.from(Array.from({ length }, (_, i) => i % 256))]);
}

let path: string;
beforeEach(() => {
  path = temporaryFolder();
  writeFileSync(`${path}/train-images-idx3-ubyte`, idxFile(5, 2, 3));
  writeFileSync(`${path}/train-labels-idx1-ubyte`, idxFile(5));
  writeFileSync(`${path}/t10k-images-idx3-ubyte.gz`, gzipSync(idxFile(4, 2, 3)));
  writeFileSync(`${path}/t10k-labels-idx1-ubyte.gz`, gzipSync(idxFile(4)));
});

describe("IDX files", () => {
  test("are read plain and gzipped", async () => {
    const train = await open("idx", { path, split: "train" });
    expect(train.size).toBe(5);
    expect(train.classes).toEqual(["0", "1", "2", "3", "4"]);
    expect((await train.example(1)).fields).toMatchObject({
      label: 1,
      image: { rows: 2, cols: 3, channels: 1, bytes: Uint8Array.of(6, 7, 8, 9, 10, 11) },
    });
    const test_ = await open("idx", { path, split: "test[2:]" });
    expect(test_.size).toBe(2);
    expect((await test_.example(0)).fields.label).toBe(2);
  });

  test("tell the compiler their shapes", () => {
    const facts = catalog(nodeHost).look!("idx", { path, split: "train[:3]" });
    expect(facts).toMatchObject({ size: 3, classes: ["0", "1", "2", "3", "4"] });
    expect(
      typeof facts === "string" ? [] : facts.fields[0]!.axes.map((axis) => axis.extent),
    ).toEqual([2, 3, 1]);
  });

  test("that are cut short are refused by name", async () => {
    writeFileSync(`${path}/train-images-idx3-ubyte`, idxFile(5, 2, 3).subarray(0, 40));
    await expect(open("idx", { path, split: "train" })).rejects.toThrow(
      /train-images-idx3-ubyte has 24 bytes of data, but \[5, 2, 3\] needs 30/,
    );
    writeFileSync(`${path}/t10k-images-idx3-ubyte.gz`, gzipSync(idxFile(4, 2, 3)).subarray(0, 20));
    await expect(open("idx", { path, split: "test" })).rejects.toThrow(
      /cannot unpack .*t10k-images/,
    );
  });

  test("that are missing are asked for by name", async () => {
    await expect(open("idx", { path: temporaryFolder(), split: "train" })).rejects.toThrow(
      "no images of the split train",
    );
    await expect(open("idx", { path: "no/such", split: "train" })).rejects.toThrow(
      "there is no folder no/such",
    );
    expect(catalog(nodeHost).look!("idx", { path: "no/such", split: "train" })).toContain(
      "there is no folder no/such",
    );
  });

  test("with other labels than images are refused", async () => {
    writeFileSync(`${path}/train-labels-idx1-ubyte`, idxFile(4));
    await expect(open("idx", { path, split: "train" })).rejects.toThrow(
      "has 4 labels for 5 images",
    );
  });
});
