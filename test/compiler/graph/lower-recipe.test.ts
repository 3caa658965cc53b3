// From the text of a recipe to what a training step is built from.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderDiagnostics } from "../../../grammar/diagnostic.ts";
import { evaluateHost } from "../../../compiler/graph/host-expression.ts";
import { elementCount } from "../../../compiler/graph/graph.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { listRecipes, lowerRecipe } from "../../../compiler/graph/lower-recipe.ts";
import type { RecipeRequest, RecipeResult } from "../../../compiler/graph/lower-recipe.ts";
import type { LoweredRecipe } from "../../../compiler/graph/lowered.ts";
import { loadLibrary } from "../../../compiler/model/load-library.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import { libraryOf, shipped } from "./lower-recipe/recipe-text.ts";

const common = `
  data train = mnist(split = "train")
  data test  = mnist(split = "test")
  view image = train.image |> scale(0..1)
  view clean = test.image  |> scale(0..1)
  batch     = 50
  length    = 2 epochs
  optimizer = AdamW(decay = 0.1)
  lr        = 0.01`;

const nets = `
block Head(out: int)(image: [batch, rows, cols, channels]) -> [batch, classes] {
  image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as classes] |> fc: Linear(out)
}
block Deep(depth: int)(image: [batch, rows, cols, channels]) -> [batch, classes] {
  image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as classes]
    |> stem: Linear(16)
    |> layers: repeat depth as i { fc: Linear(16) |> bn: BatchNorm }
    |> head: Linear(10)
}
`;

function result(text: string, request: Partial<RecipeRequest> = {}): RecipeResult {
  return lowerRecipe(libraryOf(nets + text), { file: "test.vit", catalog: catalog(), ...request });
}

/** A recipe of the clauses and of what every recipe needs. */
function lower(
  clauses: string,
  request: Partial<RecipeRequest> = {},
  head = "recipe r",
): LoweredRecipe {
  return sound(result(`${head} {${common}\n${clauses}\n}`, request));
}

function sound({ recipe, diagnostics }: RecipeResult): LoweredRecipe {
  if (!recipe) throw new Error(renderDiagnostics(diagnostics, new Map()));
  return recipe;
}

const paths = (list: readonly { readonly path: string }[]): string[] =>
  list.map(({ path }) => path);

describe("the dataflow of a recipe", () => {
  test("has the batch first in its inputs, and only the views that it reads", () => {
    const recipe = lower("net model = Head(10)\n loss = cross_entropy(model(image), train.label)");
    const { inputs } = recipe.builder.finish({ outputs: recipe.losses });
    expect(inputs).toEqual([
      { name: "image", shape: [50, 28, 28, 1], dtype: "f32" },
      { name: "train.label", shape: [50], dtype: "i32" },
    ]);
    expect(recipe.views.map(({ input, view }) => [input, view.dataset, view.field])).toEqual([
      ["image", "train", "image"],
      ["train.label", "train", "label"],
    ]);
  });

  test("gives the cross-entropy of guessing where the head starts from zeros", () => {
    const recipe = lower(
      "net model = Head(10)\n init Linear.weight ~ zeros\n loss = cross_entropy(model(image), train.label)",
    );
    const graph = recipe.builder.finish({ outputs: recipe.losses });
    const arrays = new Map(
      recipe.parameters.map(({ path, shape }) => [path, new Float64Array(elementCount(shape))]),
    );
    const inputs = new Map([
      ["image", new Float64Array(50 * 784).fill(0.5)],
      ["train.label", Float64Array.from({ length: 50 }, (_, i) => i % 10)],
    ]);
    expect(interpret(graph, inputs, arrays).outputs.get("loss")![0]).toBeCloseTo(Math.log(10), 12);
  });

  test("does not compute what nothing reads", () => {
    const recipe = lower(
      "net model = Head(10)\n net other = Head(5)\n let unread = other(image)\n loss = cross_entropy(model(image), train.label)",
    );
    expect(paths(recipe.parameters)).toEqual(["model.fc.weight", "model.fc.bias"]);
  });

  test("adds up losses; a watched one trains only what `stop` leaves open", () => {
    const recipe = lower(`net model = Deep(1)
      net probe = Linear(10)
      let o = model(image)
      loss = mean(o ^ 2)
      loss watched = cross_entropy(probe(stop(o)), train.label)`);
    expect(recipe.losses.map(({ name, watched }) => [name, watched])).toEqual([
      ["loss", false],
      ["watched", true],
    ]);
    expect(recipe.parameters.every((parameter) => parameter.trainable)).toBe(true);
    const watchedOnly = lower(`net model = Deep(1)
      net probe = Linear(10)
      loss watched = cross_entropy(probe(stop(model(image))), train.label)`);
    expect(paths(watchedOnly.parameters.filter(({ trainable }) => trainable))).toEqual([
      "probe.weight",
      "probe.bias",
    ]);
  });

  test("a frozen net neither learns nor renews its statistics", () => {
    const recipe = lower(`net model = Head(10)
      net teacher = Deep(1)
      freeze teacher
      loss = kl(teacher(image), model(image))`);
    const teacher = recipe.parameters.filter(({ path }) => path.startsWith("teacher"));
    expect(teacher.length).toBeGreaterThan(0);
    expect(teacher.some(({ trainable }) => trainable)).toBe(false);
    expect(recipe.stateUpdates).toEqual([]);
  });

  test("batch statistics are renewed once for each application, in order", () => {
    const recipe = lower(
      "net model = Deep(1)\n loss = mean(model(image) ^ 2) + mean(model(image[batch = 25..]) ^ 2)",
    );
    expect(paths(recipe.stateUpdates).sort()).toEqual([
      "model.layers.0.bn.running_mean",
      "model.layers.0.bn.running_var",
    ]);
  });
});

describe("a twin", () => {
  const byol = (settings: string): LoweredRecipe =>
    lower(`net online = Deep(1)
      twin target = ema(online, ${settings})
      loss = squared_error(online(image), target(image))`);

  test("has states of its own that follow the parameters, and statistics of its own", () => {
    const recipe = byol("decay = 0.9");
    const [twin] = recipe.twins;
    expect(twin!.follows).toContainEqual({
      state: "target.head.weight",
      parameter: "online.head.weight",
    });
    expect(twin!.follows).toHaveLength(recipe.parameters.length);
    expect(paths(recipe.states)).toContain("target.layers.0.bn.running_mean");
    const copy = recipe.states.find(({ path }) => path === "target.head.weight")!;
    expect(copy.initializer.kind).toBe("copy");
  });

  test("carries no gradient: all that learns is the net that it follows", () => {
    expect(
      byol("decay = 0.9").parameters.every(
        ({ path, trainable }) => trainable && path.startsWith("online"),
      ),
    ).toBe(true);
  });

  test("has a decay that may be a course", () => {
    const [twin] = byol("decay = cosine(0.9 to 1), update = before_forward").twins;
    const at = (step: number) =>
      evaluateHost(twin!.decay, { step, epoch: step / 170, steps: 340, steps_per_epoch: 170 });
    expect([at(0), at(340)]).toEqual([0.9, 1]);
    expect(twin!.update).toBe("before_forward");
  });

  test("is in training form unless it says otherwise", () => {
    const updates = (recipe: LoweredRecipe) =>
      paths(recipe.stateUpdates).filter((path) => path.startsWith("target"));
    expect(updates(byol("decay = 0.9"))).toHaveLength(2);
    expect(updates(byol("decay = 0.9, training = false"))).toHaveLength(0);
  });

  test("has statistics that follow where no step renews them", () => {
    expect(byol("decay = 0.9").twins[0]!.statistics).toEqual([]);
    expect(byol("decay = 0.9, training = false").twins[0]!.statistics).toContainEqual({
      state: "target.layers.0.bn.running_mean",
      of: "online.layers.0.bn.running_mean",
    });
  });
});

describe("groups of parameters", () => {
  const model = "net model = Deep(3)\n loss = cross_entropy(model(image), train.label)\n";
  const group = (recipe: LoweredRecipe, path: string) => {
    const found = recipe.groups.find((candidate) => candidate.paths.includes(path))!;
    const rate = found.lr.kind === "number" ? found.lr.value : Number.NaN;
    return { decay: found.optimizer.settings.find(({ name }) => name === "decay")!.value, rate };
  };

  test("are one where nothing is excepted", () => {
    expect(lower(model).groups).toHaveLength(1);
  });

  test("differ by rank, by block and by path; the later wins", () => {
    const recipe = lower(`${model} except rank < 2 { decay = 0 }
      except block == BatchNorm { decay = 0.3 }
      except path in (model.head, model.stem) and not rank < 2 { decay = 0.4, lr = lr / 2 }`);
    expect(group(recipe, "model.layers.0.fc.weight")).toEqual({ decay: "0.1", rate: 0.01 });
    expect(group(recipe, "model.layers.0.fc.bias")).toEqual({ decay: "0", rate: 0.01 });
    expect(group(recipe, "model.layers.0.bn.scale")).toEqual({ decay: "0.3", rate: 0.01 });
    expect(group(recipe, "model.head.weight")).toEqual({ decay: "0.4", rate: 0.005 });
  });

  test("may have a rate that falls from layer to layer", () => {
    const recipe = lower(`${model} except path in model.layers as i { lr = lr * 0.5 ^ (2 - i) }`);
    const rates = [0, 1, 2].map((i) => group(recipe, `model.layers.${i}.fc.weight`).rate);
    expect(rates).toEqual([0.0025, 0.005, 0.01]);
    expect(group(recipe, "model.head.weight").rate).toBe(0.01);
  });

  test("leave out what is frozen", () => {
    const recipe = lower(`${model} freeze model.stem`);
    expect(
      recipe.groups.flatMap((each) => each.paths).some((path) => path.startsWith("model.stem")),
    ).toBe(false);
  });
});

describe("lengths", () => {
  test("are counted by the size of the data and the batch", () => {
    const recipe = lower("net model = Head(10)\n loss = cross_entropy(model(image), train.label)");
    expect([recipe.steps, recipe.stepsPerEpoch]).toEqual([340, 170]);
  });

  test.each([
    ["30 steps", 30],
    ["1_000 samples", 20],
    ["0.5 epochs", 85],
    ["if size(train) < 10_000 then 12 steps else 34 steps", 12],
  ])("%s", (length, steps) => {
    const text = `recipe r {${common.replace("2 epochs", length)}\n net model = Head(10)\n loss = cross_entropy(model(image), train.label)\n}`;
    expect(sound(result(text)).steps).toBe(steps);
  });
});

describe("evaluations", () => {
  const model = "net model = Deep(1)\n loss = cross_entropy(model(image), train.label)\n";

  test("are graphs in evaluation form over the same parameters", () => {
    const recipe = lower(`${model} evaluate top1 = top1(model(clean), test.label) every 1 epochs`);
    const [evaluation] = recipe.evaluations;
    expect(evaluation!.everySteps).toBe(170);
    expect(
      paths(evaluation!.graph.parameters).every((path) => paths(recipe.parameters).includes(path)),
    ).toBe(true);
    expect(paths(evaluation!.graph.states)).toContain("model.layers.0.bn.running_mean");
    expect(evaluation!.graph.updates).toEqual([]);
    expect(evaluation!.graph.inputs.map(({ name }) => name)).toContain("weights");
  });

  test("may give several figures", () => {
    const recipe = lower(`${model} let final = model(clean)
      evaluate figures = { right = top1(final, test.label), near = topk(final, test.label, 3) } every 10 steps`);
    const [evaluation] = recipe.evaluations;
    expect(evaluation!.graph.outputs.map(({ name }) => name)).toEqual([
      "figures.right",
      "figures.near",
    ]);
  });

  test("nearest neighbours look at the features of a part, on views of one shape", () => {
    const recipe = lower(`net model = { encoder: Head(32) |> head: Linear(10) }
      loss = cross_entropy(model(image), train.label)
      evaluate near = nearest_neighbours(model.encoder, fit = (image, train.label), test = (clean, test.label), k = 5) every 1 epochs`);
    const [evaluation] = recipe.evaluations;
    if (evaluation?.kind !== "protocol") throw new Error("no protocol");
    expect(evaluation.settings).toEqual({ k: 5 });
    expect(evaluation.graph.outputs.map(({ name, value }) => [name, value.shape])).toEqual([
      ["features", [50, 32]],
    ]);
    expect(evaluation.fit.views.map(({ input, view }) => [input, view.name])).toEqual([
      ["clean", "image"],
    ]);
    expect(paths(evaluation.graph.parameters)).toEqual([
      "model.encoder.fc.weight",
      "model.encoder.fc.bias",
    ]);
  });

  test("a net that learns predicts, not the teacher that is read first", () => {
    const distilled = `
      net  teacher = Head(7)
      net  student = Head(10)
      freeze teacher
      let said = teacher(image)
      loss = mean(said) * cross_entropy(student(image), train.label)
      evaluate known   = mean(teacher(clean)) every 1 epochs`;
    const shapes = (recipe: LoweredRecipe) => recipe.predict!.graph.outputs.map(({ value }) => value.shape); // prettier-ignore
    expect(shapes(lower(distilled))).toEqual([[50, 10]]);
    const evaluated = `${distilled}\n evaluate top1 = top1(student(clean), test.label) every 1 epochs`;
    expect(shapes(lower(evaluated))).toEqual([[50, 10]]);
    expect(paths(lower(evaluated).predict!.graph.parameters)).toEqual([
      "student.fc.weight",
      "student.fc.bias",
    ]);
  });

  test("the net that is evaluated predicts", () => {
    const recipe = lower(`${model} evaluate top1 = top1(model(clean), test.label) every 1 epochs`);
    expect(recipe.predict!.views.map(({ input }) => input)).toEqual(["clean"]);
    expect(recipe.predict!.graph.outputs.map(({ value }) => value.shape)).toEqual([[50, 10]]);
    expect(recipe.predict!.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  test("a net that is given other settings predicts on the view before it was mixed", () => {
    const recipe = lower(`
      net model = Head
      let mixed = reverse(image, batch)
      loss = cross_entropy(model(out = 10)(mixed), train.label)`);
    expect(recipe.predict!.views.map(({ input }) => input)).toEqual(["image"]);
    expect(recipe.predict!.graph.outputs.map(({ value }) => value.shape)).toEqual([[50, 10]]);
  });

  test("nothing does where the net cannot take a view as it is, and that is no mistake", () => {
    const recipe = lower(`
      net model = Linear(10)
      let flat  = image |> [batch, rows, cols, channels] -> [batch, (rows cols channels) as pixels]
      loss = cross_entropy(model(flat), train.label)`);
    expect(recipe.predict).toBeUndefined();
    expect(paths(recipe.parameters)).toEqual(["model.weight", "model.bias"]);
  });
});

describe("splitting a batch", () => {
  const contrast = "let v = model(image)\n loss = info_nce(v, v, 0.1)";

  test("is fine where the loss is a mean over examples", () => {
    const recipe = lower(
      "net model = Head(10)\n accumulate = 5\n loss = cross_entropy(model(image), train.label)",
    );
    expect([recipe.accumulate, recipe.mixesExamples]).toEqual([5, undefined]);
    // The graph is that of one part.
    const { inputs } = recipe.builder.finish({ outputs: recipe.losses });
    expect(inputs.map(({ shape }) => shape[0])).toEqual([10, 10]);
    expect([recipe.batch, recipe.stepsPerEpoch]).toEqual([50, 170]);
  });

  test("is refused where the loss compares examples", () => {
    expect(lower(`net model = Head(10)\n ${contrast}`).mixesExamples).toContain(
      "compares the examples",
    );
    const { recipe, diagnostics } = result(
      `recipe r {${common}\n net model = Head(10)\n ${contrast}\n accumulate = 5\n}`,
    );
    expect(recipe).toBeUndefined();
    expect(diagnostics.map(({ code }) => code)).toEqual(["mixes-examples"]);
  });

  test("is said where only batch statistics are split", () => {
    const text = `recipe r {${common}\n net model = Deep(1)\n loss = cross_entropy(model(image), train.label)\n accumulate = 5\n}`;
    const { recipe, diagnostics } = result(text);
    expect(recipe!.mixesExamples).toContain("`model.layers.0.bn` takes statistics over the batch");
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([
      ["warning", "split-statistics"],
    ]);
  });
});

describe("recipes from recipes", () => {
  const parent = `recipe base(length: duration = 4 epochs, width: int = 10) {${common.replace(/length.*\n/, "\n")}
      net model = Head(width)
      loss = cross_entropy(model(image), train.label)
      clip = 1.0
      except rank < 2 { decay = 0 }
    }\n`;
  const child = (text: string, request: Partial<RecipeRequest> = {}) =>
    sound(result(parent + text, { recipe: "child", ...request }));

  test("take over every clause, and replace one whole by its word and name", () => {
    const recipe = child(
      "recipe child from base(length = 20 steps) { batch = 100  loss = mean(model(image)) }",
    );
    expect([recipe.batch, recipe.steps, recipe.clip]).toEqual([100, 20, 1]);
    expect(recipe.views.map(({ input }) => input)).toEqual(["image"]);
    expect(recipe.groups).toHaveLength(2);
  });

  test("take a clause away with `none`", () => {
    expect(child("recipe child from base { clip = none }").clip).toBeUndefined();
    const loading = `recipe loading from base { load model from "a.safetensors" }`;
    const loadsOf = (from: string) =>
      child(`${loading} recipe child from loading { load model from ${from} }`).loads;
    expect(loadsOf(`"b.safetensors"`).map(({ file }) => file)).toEqual(["b.safetensors"]);
    expect(loadsOf("none")).toEqual([]);
  });

  test("may be given settings of their parents from outside", () => {
    const recipe = child("recipe child from base { clip = 2.0 }", {
      settings: { width: "12", length: "7 steps" },
    });
    expect([recipe.steps, recipe.clip]).toEqual([7, 2]);
    expect(recipe.parameters[0]!.shape).toEqual([784, 12]);
    expect(recipe.settings).toEqual([
      { name: "length", value: "7 steps" },
      { name: "width", value: "12" },
    ]);
  });

  test("have variants as models have", () => {
    const text = `${parent} variants base (length, width) { "short" (10 steps, 10)  "wide" (20 steps, 16) }`;
    const recipe = sound(result(text, { recipe: "base", variant: "wide" }));
    expect([recipe.steps, recipe.parameters[0]!.shape[1]]).toEqual([20, 16]);
    expect(listRecipes(libraryOf(nets + text), "test.vit")).toEqual([
      {
        name: "base",
        file: "test.vit",
        variants: ["short", "wide"],
        settings: ["length", "width"],
        isClosed: true,
      },
    ]);
  });

  test("a misspelt setting from outside is recognised", () => {
    const { diagnostics } = result(parent, { settings: { lenght: "3 epochs" } });
    expect(diagnostics[0]!.hints).toEqual(["did you mean `length`?"]);
  });
});

describe("expectations", () => {
  const model = "net model = Head(10)\n loss = cross_entropy(model(image), train.label)\n";

  test("count the nets anew", () => {
    expect(
      lower(`${model} expect model { parameters = 7_850, trainable = 7_850 }`).parameters,
    ).toHaveLength(2);
    const { diagnostics } = result(
      `recipe r {${common}\n${model} expect model { parameters = 7_840 }\n}`,
    );
    expect(diagnostics[0]).toMatchObject({
      code: "unexpected-figure",
      hints: ["parameters = 7_850"],
    });
  });

  test("may be claims on settings", () => {
    expect(result(`recipe r {${common}\n${model} expect batch == 64\n}`).diagnostics[0]!.code).toBe(
      "requirement",
    );
  });
});

describe("the examples", () => {
  test.each(["digits", "resnet", "names", "byol"])("%s.vit lowers without a word", (name) => {
    const file = `examples/${name}.vit`;
    const { library, diagnostics } = loadLibrary(
      {
        read: (path) =>
          path === file || path.startsWith("examples/") ? readIfThere(path) : undefined,
        shipped: shipped(),
      },
      file,
    );
    const lowered = lowerRecipe(library, { file, catalog: catalog() });
    expect(renderDiagnostics([...diagnostics, ...lowered.diagnostics], library.sources)).toBe("");
    expect(lowered.recipe!.parameters.length).toBeGreaterThan(20);
  });

  test("byol.vit without its predictor has no parameters of one", () => {
    const file = "examples/byol.vit";
    const { library } = loadLibrary({ read: readIfThere, shipped: shipped() }, file);
    const lowered = lowerRecipe(library, {
      file,
      catalog: catalog(),
      settings: { predictor: "false" },
    });
    expect(lowered.recipe!.parameters.some(({ path }) => path.startsWith("predict."))).toBe(false);
  });
});

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
