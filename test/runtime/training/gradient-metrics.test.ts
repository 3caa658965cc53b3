// `metric spike = max(abs(gradient(model.layers.0)))`: what a step of plain descent moves, and what it is told of.
import { expect, test, vi } from "vitest";
import { lowerRecipe } from "../../../compiler/graph/lower-recipe.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import { train } from "../../../runtime/training/train.ts";
import { file, libraryOf } from "../../compiler/graph/lower-recipe/recipe-text.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finalState } from "./final-state.ts";
import { requestFor } from "./trained-recipe.ts";

vi.setConfig({ testTimeout: 60_000 });

function recipe(clauses: string): string {
  return `
recipe tiny {
  net  model = {
    [batch, rows, cols, channels] -> [batch, (rows cols channels) as features]
      |> layers: repeat 2 { fc: Linear(12) |> gelu }
      |> head: Linear(10)
  }
  data train = mnist(split = "train[:64]")
  view image = train.image |> scale(0..1)
  loss       = cross_entropy(model(image), train.label)
  batch      = 16
  length     = 4 steps
  optimizer  = Sgd
  lr         = constant(0.5)
  ${clauses}
}`;
}

async function run(text: string, want = "interpret", steps = 2) {
  const folder = temporaryFolder();
  const { request, events } = await requestFor(text, folder, { want, threads: 2 }, { steps });
  await train(request);
  await request.device.close();
  const taken = events.flatMap((event) => (event.event === "step" ? [event] : []));
  return {
    steps: taken,
    inputs: request.compiled.graphs[0]!.graph.inputs,
    state: finalState(folder),
  };
}

const all = "metric norm = sqrt(sum(gradient(model) ^ 2))";

test.each(["interpret", "wasm"])(
  "the gradients of all have the norm of the step, on %s",
  async (want) => {
    const { steps, inputs } = await run(recipe(all), want);
    for (const { metrics, gradient_norm } of steps)
      expect(metrics["norm"]! / gradient_norm).toBeCloseTo(1, 5);
    expect(inputs.some(({ name }) => name.startsWith("gradient"))).toBe(false);
  },
);

test("are those before clipping, and of the part that is asked for", async () => {
  const parts = `
  metric first = sqrt(sum(gradient(model.layers.0) ^ 2))
  metric rest  = sqrt(sum(gradient(model.layers.1) ^ 2) + sum(gradient(model.head) ^ 2))
  metric spike = max(abs(gradient(model.layers.0.fc)))
  clip = 0.01`;
  const { steps } = await run(recipe(parts));
  for (const { metrics, gradient_norm } of steps) {
    const { first, rest, spike } = metrics as Record<string, number>;
    expect(Math.hypot(first!, rest!)).toBeCloseTo(gradient_norm, 6);
    expect(gradient_norm).toBeGreaterThan(0.01);
    expect(spike).toBeLessThan(first!);
    expect(spike).toBeGreaterThan(first! / Math.sqrt(784 * 12 + 12));
  }
});

test("leave what is learned as it was", async () => {
  const [told, silent] = [await run(recipe(all), "wasm"), await run(recipe(""), "wasm")];
  expect(told.state.parameters).toEqual(silent.state.parameters);
});

test("of a split batch are the mean over its parts, like every metric", async () => {
  const text = recipe("metric slope = mean(gradient(model.head))");
  const [split, whole] = [await run(`${text}`.replace("batch      = 16", "batch = 16\n  accumulate = 4")), await run(text)]; // prettier-ignore
  split.steps.forEach(({ metrics }, i) =>
    expect(metrics["slope"]).toBeCloseTo(whole.steps[i]!.metrics["slope"]!, 6),
  );
});

test("read by a `let`, and with a setting that is drawn", async () => {
  const { steps } = await run(
    recipe(`
  draw share from [1, 2]
  let slopes = gradient(model) * share
  metric norm = sqrt(sum(slopes ^ 2))`),
    "wasm",
    4,
  );
  for (const { metrics, gradient_norm, choices } of steps)
    expect(metrics["norm"]! / gradient_norm / Number(choices!["share"])).toBeCloseTo(1, 5);
});

test.each([
  ["freeze model.layers.0\n  metric spike = max(gradient(model.layers.0))", "nothing at `model.layers.0` learns from the loss"], // prettier-ignore
  ["metric spike = max(gradient(model.layer))", "did you mean `model.layers"],
  ["metric spike = max(gradient(image))", "nothing at `image` learns from the loss"],
  ["metric spike = max(gradient(model(image)))", "`gradient` takes a net or a part of one"],
  ["loss again = mean(gradient(model))", "a gradient belongs to a step of training"],
])("%s is refused", (clause, message) => {
  const library = libraryOf(recipe(clause));
  const { recipe: lowered, diagnostics } = lowerRecipe(library, { file, catalog: catalog() });
  expect(lowered).toBeUndefined();
  expect(diagnostics.map(({ message: text, hints }) => [text, ...(hints ?? [])].join(" ")).join("\n")).toContain(message); // prettier-ignore
});
