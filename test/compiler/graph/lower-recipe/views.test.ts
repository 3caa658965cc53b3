// A view is resolved against the catalog: which operations, with which settings, and the shape of what comes out.
import { describe, expect, test } from "vitest";
import { knownAxes } from "../../../../compiler/graph/lower-recipe/views.ts";
import { openRecipe } from "./recipe-text.ts";

const head = `data train = mnist(split = "train")
  data real = imagenet(split = "train")`;

/** The view `image`: its operations on one line each, and its shape. */
function view(clauses: string, declarations = ""): string {
  const { context, said } = openRecipe(
    `${declarations}\nrecipe r(deep: int = 0) {\n  ${head}\n  ${clauses}\n}`,
  );
  const typed = context.view("image");
  if (!typed || typed === "unknown") return said();
  const axes = knownAxes(typed, context.scope(context.effective.file), { start: 0, end: 0 });
  if (!axes) return said();
  const { operations, shared, dataset, field } = typed.view;
  return [
    shared ? `from ${shared.name}` : `from ${dataset}.${field}`,
    ...operations.map(({ name, settings }) => `${name} ${JSON.stringify(settings)}`),
    `[${axes.map(({ name, extent }) => `${name} = ${extent}`).join(", ")}]`,
  ].join("\n");
}

describe("views", () => {
  test("operations have complete settings, and sizes follow them", () => {
    expect(view("view image = train.image |> random_crop(28, padding = 1) |> scale(0..1)"))
      .toMatchInlineSnapshot(`
      "from train.image
      random_crop {"size":28,"padding":1}
      scale {"to":[0,1]}
      [rows = 28, cols = 28, channels = 1]"
    `);
  });

  test("a field read as it is has its own axes", () => {
    expect(view("view image = train.name")).toBe("from train.name\n[letters = 8]");
  });

  test("a view that starts from a view shares its draws", () => {
    const text =
      "view crop = real.image |> random_resized_crop(area = 5%..100%)\n  view image = crop |> resize(240)";
    expect(view(text)).toContain("from crop\nresize");
    expect(view(text)).toContain("[rows = 240, cols = 240, channels = 3]");
  });

  test("a function over images is written out in place", () => {
    const augment = `function augment(x: image, blur: prob, size: int = 20) -> image {
      x |> random_crop(size) |> gaussian_blur(blur, sigma = 0.1..2.0) |> scale(0..1)
    }`;
    expect(view("view image = train.image |> augment(blur = 10%)", augment)).toMatchInlineSnapshot(`
      "from train.image
      random_crop {"size":20,"padding":0}
      gaussian_blur {"chance":0.1,"sigma":[0.1,2]}
      scale {"to":[0,1]}
      [rows = 20, cols = 20, channels = 1]"
    `);
  });

  test("a stage with `when` is there or not, by settings", () => {
    expect(
      view("view image = train.image |> flip(50%) when deep > 0 |> scale(0..1)"),
    ).not.toContain("flip");
    expect(view("view image = train.image |> flip(50%) when deep == 0 |> scale(0..1)")).toContain(
      "flip",
    );
  });

  test("pictures of different sizes need one before they can be a batch", () => {
    expect(view("view image = real.image |> flip(50%)")).toMatchInlineSnapshot(`
      "error[open-extent]: \`rows\` and \`cols\` of \`image\` differ from example to example
        test.vit:1:1
          1 | 
            | ^
         hint: give all one size: \`resize((224, 224))\`, or \`resize(256) |> center_crop(224)\`"
    `);
  });

  test("a misspelt operation, setting or field is recognised", () => {
    expect(view("view image = train.image |> random_corp(28)")).toContain(
      "did you mean `random_crop`?",
    );
    expect(view("view image = train.image |> random_crop(28, paddin = 1)")).toContain(
      "did you mean `padding`?",
    );
    expect(view("view image = train.imag |> scale(0..1)")).toContain("did you mean `image`?");
  });

  test("a percentage without its sign is recognised", () => {
    expect(view("view image = train.image |> flip(50)")).toMatchInlineSnapshot(`
      "error[wrong-setting]: \`chance\` of \`flip\` takes a probability, from 0 (0%) to 1 (100%), but this is 50
        test.vit:5:36
          5 |   view image = train.image |> flip(50)
            |                                    ^^
         hint: \`50%\`"
    `);
  });

  test("an operation that needs a known range stands before `normalize`", () => {
    expect(view("view image = train.image |> normalize(mean = 0.1, std = 0.3) |> scale(0..1)"))
      .toMatchInlineSnapshot(`
      "error[wrong-view]: \`scale\` needs values of a known range, which \`normalize\` has taken away
        test.vit:5:67
          5 |   view image = train.image |> normalize(mean = 0.1, std = 0.3) |> scale(0..1)
            |                                                                   ^^^^^^^^^^^
         hint: put \`scale\` before \`normalize\`"
    `);
  });

  test("a label is no image", () => {
    expect(view("view image = train.label |> scale(0..1)")).toContain(
      "`scale` works on an image, but this is a label",
    );
  });

  test("a view that gives a record is read by its parts, which share its draws", () => {
    const text = `let set = spread_permutations(4, of = 4, by = mean)
  view puzzle = train.image |> cut(2, patch = 12) |> shuffle_by(set)
  view image = puzzle.patches |> scale(0..1)`;
    expect(view(text)).toMatchInlineSnapshot(`
      "from puzzle
      scale {"to":[0,1]}
      [cells = 4, rows = 12, cols = 12, channels = 1]"
    `);
    expect(view(text.replace("|> scale(0..1)", "|> flip(50%)"))).toContain("cells = 4");
    expect(view(text.replace("patches", "patch"))).toContain("it has `patches` and `which`");
    expect(view(text.replace("puzzle.patches", "puzzle"))).toContain("this is a record");
    expect(view(text.replace("of = 4", "of = 9"))).toContain("orders of the 4 cells");
    expect(view(text.replace("patch = 12", "patch = 15"))).toContain("no room for patches of 15");
  });

  test("colour needs colours", () => {
    expect(view("view image = train.image |> to_lab")).toContain("needs red, green and blue");
  });

  test("a mask starts from nothing", () => {
    const text = "view image = block_mask([rows = 14, cols = 7 * 2], count = 78, least = 15)";
    expect(view(text)).toMatchInlineSnapshot(`
      "from null.null
      block_mask {"shape":[["rows",14],["cols",14]],"count":78,"least":15,"aspect":[0.3,3.3333333333333335]}
      [rows = 14, cols = 14]"
    `);
    expect(view(text.replace("cols = 7 * 2", "7"))).toContain("named axes in brackets");
    expect(view(text.replace(", cols = 7 * 2", ""))).toContain("draws on a grid");
    expect(view("view image = train.image |> block_mask([rows = 2, cols = 2], count = 1)")).toContain("works on nothing"); // prettier-ignore
  });

  test("clips: one window for picture, sound and words, then each on its own", () => {
    const text = (rest: string) => `data clips = howto100m()
  view clip = clips |> random_window(frames = 32, rate = 10) |> has(text)
  view image = clip.${rest}`;
    const ends = (rest: string) => view(text(rest)).split("\n").at(-1);
    expect(ends("video |> random_crop(224) |> scale(-1..1)")).toBe("[time = 32, rows = 224, cols = 224, channels = 3]"); // prettier-ignore
    expect(ends("audio |> resample(48_000) |> noise(0.01)")).toBe("[samples = 153600, channels = 1]"); // prettier-ignore
    expect(ends("text |> nearest(4) |> word_ids(16)")).toBe("[candidates = 4, words = 16]");
    expect(ends("has_text")).toBe("[]");
    expect(view(text("audio"))).toContain("then `resample(48_000)`");
    expect(view(text("text |> nearest(4)"))).toContain("end it with `nearest(4) |> word_ids(16)`");
    expect(view(text("video |> to_lab"))).toContain("works on an image, but this is a video");
    expect(view("view image = train |> random_window(frames = 2, rate = 1)")).toContain("there is none"); // prettier-ignore
  });
});
