// A person's own images: a folder with one folder a class, trained on, then asked about a picture it has not seen.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { openRun, predict, train } from "../index.ts";
import { temporaryFolder } from "./runtime/temporary-folder.ts";

const recipe = (images: string) => `
block Flat(image: [batch, rows, cols, channels]) -> [batch, features] {
  image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as pixels] |> Linear(3)
}

recipe colours() {
  net  model = Flat()
  data train = folder(${JSON.stringify(images)})
  view image = train.image |> resize((8, 8)) |> scale(0..1)
  loss      = cross_entropy(model(image), train.label)
  batch     = 12
  length    = 60 steps
  optimizer = Adam()
  lr        = constant(0.02)
  evaluate top1 = top1(model(image), train.label) every 30 steps
}
`;

/** Mostly one colour, of a size and a shade of its own. */
async function writePicture(path: string, colour: number, shade: number): Promise<void> {
  const rgb = [40, 40, 40].map((value, channel) =>
    channel === colour ? 150 + shade : value + shade / 2,
  );
  const background = { r: rgb[0]!, g: rgb[1]!, b: rgb[2]! };
  const create = {
    width: 9 + (shade % 5),
    height: 8 + (shade % 7),
    channels: 3 as const,
    background,
  };
  await sharp({ create }).png().toFile(path);
}

test(
  "a folder of images by class is trained on, and a PNG predicted",
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const names = ["red", "green", "blue"];
    for (const [colour, name] of names.entries()) {
      mkdirSync(join(folder, "images", name), { recursive: true });
      for (let i = 0; i < 12; i++)
        await writePicture(join(folder, "images", name, `${i}.png`), colour, 5 * i);
    }
    const file = join(folder, "colours.vit");
    writeFileSync(file, recipe(join(folder, "images")));
    const result = await train(file, { device: "wasm", folder: join(folder, "run") });
    expect(result.evaluations).toEqual({ top1: { top1: 1 } });

    const unseen = names.map((name) => join(folder, `unseen-${name}.png`));
    for (const [colour, path] of unseen.entries()) await writePicture(path, colour, 33);
    const predictions = await predict(openRun(join(folder, "run")), unseen, { device: "wasm" });
    const likeliest = predictions.map(({ classes }) => classes[0]!.name);
    expect(likeliest).toEqual(names);
  },
);
