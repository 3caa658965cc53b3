import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import type { Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import type { StoredImage } from "../../../../runtime/data/dataset.ts";
import { catalog } from "../../../../runtime/data/catalog.ts";
import { openLoader } from "../../../../runtime/data/loader.ts";
import { nodeHost } from "../../../../runtime/host/node.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { open, view } from "../example-view.ts";

const defaults = { split: "all", channels: 3, broken: "stop" };

function plain(colour: { r: number; g: number; b: number }, width = 4, height = 3): Sharp {
  return sharp({ create: { width, height, channels: 3, background: colour } });
}

/** Two cats, red, and four dogs, blue. */
async function pets(): Promise<string> {
  const path = temporaryFolder();
  for (const [kind, count] of [
    ["dog", 4],
    ["cat", 2],
  ] as const) {
    mkdirSync(`${path}/${kind}`);
    const colour = kind === "cat" ? { r: 200, g: 0, b: 0 } : { r: 0, g: 0, b: 200 };
    for (let i = 0; i < count; i++) await plain(colour).png().toFile(`${path}/${kind}/${i}.png`);
  }
  return path;
}

describe("a folder of images by class", () => {
  test("has its classes sorted by name, and every slice has them in proportion", async () => {
    const set = await open("folder", { ...defaults, path: await pets() });
    expect(set.classes).toEqual(["cat", "dog"]);
    const examples = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => set.example(i)));
    expect(examples.map(({ fields }) => fields.label)).toEqual([1, 0, 1, 1, 0, 1]);
    const image = examples[1]!.fields.image as StoredImage;
    expect([image.rows, image.cols, image.channels]).toEqual([3, 4, 3]);
    expect([...image.bytes.subarray(0, 3)]).toEqual([200, 0, 0]);
  });

  test("may have a folder a split", async () => {
    const path = await pets();
    const set = await open("folder", {
      ...defaults,
      path: path.slice(0, path.lastIndexOf("/")),
      split: path.slice(path.lastIndexOf("/") + 1) + "[:50%]",
    });
    expect(set.size).toBe(3);
  });

  test("tells the compiler what can be known without decoding", async () => {
    expect(catalog(nodeHost).look!("folder", { ...defaults, path: await pets() })).toMatchObject({
      classes: ["cat", "dog"],
      size: 6,
      fields: [
        { name: "image", axes: [{ extent: null }, { extent: null }, { extent: 3 }] },
        { name: "label" },
      ],
    });
  });

  test("that is missing, empty or flat says so", async () => {
    const path = temporaryFolder();
    await expect(open("folder", { ...defaults, path: "no/such" })).rejects.toThrow(
      "there is no folder no/such",
    );
    await expect(open("folder", { ...defaults, path })).rejects.toThrow(
      "no images in the class folders",
    );
    mkdirSync(`${path}/a`);
    mkdirSync(`${path}/b`);
    await plain({ r: 1, g: 1, b: 1 }).png().toFile(`${path}/a/1.png`);
    await expect(open("folder", { ...defaults, path })).rejects.toThrow(`${path}/b has no images`);
  });
});

describe("an odd image is converted, and noted", () => {
  async function decoded(write: (file: string) => Promise<unknown>, name = "x.png", channels = 3) {
    const path = temporaryFolder();
    mkdirSync(`${path}/a`);
    await write(`${path}/a/${name}`);
    const set = await open("folder", { ...defaults, channels, path });
    const { fields, notes } = await set.example(0);
    const image = fields.image as StoredImage;
    return {
      size: [image.rows, image.cols, image.channels],
      first: [...image.bytes.subarray(0, image.channels)],
      notes,
    };
  }
  const red = plain({ r: 200, g: 0, b: 0 });

  test("grey is spread over three channels", async () => {
    const grey = sharp(Buffer.alloc(12, 77), { raw: { width: 4, height: 3, channels: 1 } });
    expect(await decoded((file) => grey.toColourspace("b-w").png().toFile(file))).toEqual({
      size: [3, 4, 3],
      first: [77, 77, 77],
      notes: ["grey"],
    });
  });

  test("colour is folded into one channel where grey is asked for", async () => {
    const { size, first, notes } = await decoded(
      (file) => red.clone().png().toFile(file),
      "x.png",
      1,
    );
    expect(size).toEqual([3, 4, 1]);
    expect(first[0]).toBeGreaterThan(30);
    expect(first[0]).toBeLessThan(120);
    expect(notes).toEqual(["colour"]);
  });

  test("CMYK becomes sRGB", async () => {
    const { first, notes } = await decoded(
      (file) => red.clone().toColourspace("cmyk").jpeg({ quality: 100 }).toFile(file),
      "x.jpg",
    );
    expect(first[0]! - first[2]!).toBeGreaterThan(100);
    expect(notes).toEqual(["cmyk"]);
  });

  test("16 bits become 8", async () => {
    const deep = await decoded((file) => red.clone().toColourspace("rgb16").png().toFile(file));
    expect(deep).toEqual({ size: [3, 4, 3], first: [200, 0, 0], notes: ["16-bit"] });
  });

  test("transparency is dropped", async () => {
    const clear = sharp({
      create: { width: 4, height: 3, channels: 4, background: { r: 10, g: 20, b: 30, alpha: 0.5 } },
    });
    expect(await decoded((file) => clear.png().toFile(file))).toMatchObject({
      first: [10, 20, 30],
      notes: ["transparent"],
    });
  });

  test("a photograph is turned as its tag says", async () => {
    const turned = await decoded(
      (file) => red.clone().withMetadata({ orientation: 6 }).jpeg().toFile(file),
      "x.jpg",
    );
    expect(turned).toMatchObject({ size: [4, 3, 3], notes: ["turned"] });
  });
});

describe("a broken image", () => {
  async function petsWithBroken(): Promise<string> {
    const path = await pets();
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 256));
    await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toFile(`${path}/whole.jpg`);
    const bytes = readFileSync(`${path}/whole.jpg`);
    writeFileSync(`${path}/cat/cut.jpg`, bytes.subarray(0, bytes.length / 2));
    writeFileSync(`${path}/dog/text.png`, "not an image");
    return path;
  }
  const small = view("image", [["resize", { size: [2, 2], filter: "bilinear", antialias: true }]]);

  test.each([0, 1])("stops the loader and is named, with %i threads", async (workers) => {
    const dataset = await open("folder", { ...defaults, path: await petsWithBroken() });
    const loader = openLoader(
      { dataset, views: [small], batch: 8, seed: 0, mode: "evaluate", workers },
      nodeHost,
    );
    await expect(loader.next()).rejects.toMatchObject({
      code: "broken-image",
      message: expect.stringMatching(/cannot read the image .*(cut\.jpg|text\.png)/),
      hint: expect.stringContaining("broken = skip"),
    });
    await loader.close();
  });

  test("is left out and counted where the author says so", async () => {
    const dataset = await open("folder", {
      ...defaults,
      path: await petsWithBroken(),
      broken: "skip",
    });
    expect(dataset.size).toBe(6);
    const loader = openLoader(
      { dataset, views: [small], batch: 6, seed: 0, mode: "evaluate", workers: 0 },
      nodeHost,
    );
    expect((await loader.next()).count).toBe(6);
    expect(loader.notes()).toEqual({ broken: 2 });
    await loader.close();
  });
});
