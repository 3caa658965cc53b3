// Training compiles no entry to predict; that changes nothing of the others.
import { expect, test } from "vitest";
import { catalog } from "../../runtime/data/catalog.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileRecipeSpec } from "../../runtime/spec/compile-spec.ts";

function compile(prediction: boolean) {
  const options = { files: specFiles(), catalog: catalog(nodeHost) };
  const settings = { target: "webgpu", prediction } as const;
  return compileRecipeSpec({ file: "examples/digits.vit" }, options, settings).compiled;
}

test("without the entry that predicts, the step, its arrays and the plan are the same", () => {
  const [whole, training] = [compile(true), compile(false)];
  const names = ({ program }: typeof whole) => program!.entries.map(({ name }) => name);
  expect(names(whole)).toEqual([...names(training), "predict"]);
  expect(training.layout).toEqual(whole.layout);
  expect(training.plan).toEqual(whole.plan);
  expect(training.program!.residents).toEqual(whole.program!.residents);
  const codesOf = ({ program }: typeof whole) =>
    program!.entries[0]!.steps.map((step) =>
      step.kind === "dispatch" ? [step.label, program!.codes[step.code]] : step,
    );
  expect(codesOf(training)).toEqual(codesOf(whole));
});
