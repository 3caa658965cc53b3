// Schedules are `.vit` functions of the standard library, evaluated on the host at each step.
import { describe, expect, test } from "vitest";
import { evaluateHost, printHost } from "../../../../compiler/graph/host-expression.ts";
import { toHost } from "../../../../compiler/graph/lower-recipe/setting-scope.ts";
import { evaluateSetting } from "../../../../compiler/graph/lower-recipe/settings.ts";
import { openRecipe } from "./recipe-text.ts";

const batch = 100;
const stepsPerEpoch = 10;
const steps = 200;

/** The learning rate at some steps of a run of 200 steps, 10 an epoch. */
function rates(schedule: string, at: readonly number[], settings = ""): number[] {
  const { context, said } = openRecipe(`recipe r(${settings}) { lr = ${schedule} }`);
  context.clock = { batch, stepsPerEpoch };
  const { clause, file } = context.field("lr")!;
  const scope = context.scope(file, new Map(), true);
  const host = toHost(evaluateSetting(clause.value, scope), scope, clause.value.span);
  if (!host) throw new Error(said());
  return at.map((step) =>
    evaluateHost(host, {
      step,
      epoch: step / stepsPerEpoch,
      steps,
      steps_per_epoch: stepsPerEpoch,
    }),
  );
}

function refusal(schedule: string): string {
  const { context, said } = openRecipe(`recipe r() { lr = ${schedule} }`);
  context.clock = { batch, stepsPerEpoch };
  const { clause, file } = context.field("lr")!;
  evaluateSetting(clause.value, context.scope(file, new Map(), true));
  return said();
}

describe("schedules", () => {
  test("constant stays, after a warm-up if asked", () => {
    expect(rates("constant(0.1)", [0, 100])).toEqual([0.1, 0.1]);
    expect(rates("constant(1, warmup = 10 steps)", [0, 5, 10])).toEqual([0, 0.5, 1]);
  });

  test("linear goes straight from the end of the warm-up to the end of the run", () => {
    expect(rates("linear(1 to 0, warmup = 10 epochs)", [0, 50, 100, 150, 200])).toEqual([
      0, 0.5, 1, 0.5, 0,
    ]);
  });

  test("cosine starts from its peak after the warm-up and ends at its end", () => {
    const [first, half, peak, middle, last] = rates(
      "cosine(2 to 0, warmup = 100 steps, from = 1)",
      [0, 50, 100, 150, 200],
    );
    expect([first, half, peak]).toEqual([1, 1.5, 2]);
    expect(middle).toBeCloseTo(1, 12);
    expect(last).toBeCloseTo(0, 12);
  });

  test("cosine by epoch, not shifted, is timm's", () => {
    const [inside, next] = rates(
      "cosine(1 to 0, warmup = 5 epochs, by = epoch, shifted = false)",
      [59, 60],
    );
    expect(inside).toBeCloseTo((1 + Math.cos((Math.PI * 5) / 20)) / 2, 12);
    expect(next).toBeCloseTo((1 + Math.cos((Math.PI * 6) / 20)) / 2, 12);
  });

  test("rsqrt warms up, falls like 1 / sqrt and cools down to 0", () => {
    const [warm, peak, later, last] = rates(
      "rsqrt(1, warmup = 10 steps, cooldown = 20 steps, timescale = 10 steps)",
      [5, 10, 40, 200],
    );
    expect([warm, peak, later, last]).toEqual([0.5, 1, 0.5, 0]);
  });

  test("steps takes listed values, or falls by a factor at each place", () => {
    const listed = "steps([0.1, 0.01, 1e-3], at = [3 epochs, 60 steps])";
    expect(rates(listed, [0, 29, 30, 59, 60])).toEqual([0.1, 0.1, 0.01, 0.01, 1e-3]);
    const [, once, twice] = rates(
      "steps(0.5, at = [10 steps, 20 steps], factor = 0.1)",
      [0, 10, 20],
    );
    expect(once).toBeCloseTo(0.05, 15);
    expect(twice).toBeCloseTo(0.005, 15);
  });

  test("a course may be written out", () => {
    expect(rates("1e-3 * min(1, step / 10)", [0, 5, 100])).toEqual([0, 5e-4, 1e-3]);
  });

  test("a setting with the field's name stands on the right for the setting", () => {
    expect(rates("cosine(lr to 0)", [0], "lr: real = 0.25")).toEqual([0.25]);
  });

  test("a duration without a unit is refused with what to write", () => {
    expect(refusal("cosine(1 to 0, warmup = 10)")).toMatchInlineSnapshot(`
      "error[wrong-setting]: \`warmup\` of \`cosine\` takes a duration, but this is 10
        test.vit:1:43
          1 | recipe r() { lr = cosine(1 to 0, warmup = 10) }
            |                                           ^^
         hint: say of what: \`warmup = 10 epochs\`, \`10 steps\` or \`10 samples\`"
    `);
  });

  test("a misspelt setting is recognised", () => {
    expect(refusal("cosine(1 to 0, warmpu = 10 steps)")).toContain("hint: did you mean `warmup`?");
  });

  test("a course that does not depend on the step prints as a number", () => {
    const { context } = openRecipe("recipe r() { lr = 0.2 * 512 / 256 }");
    const { clause, file } = context.field("lr")!;
    const scope = context.scope(file);
    expect(printHost(toHost(evaluateSetting(clause.value, scope), scope, clause.span)!)).toBe(
      "0.4",
    );
  });
});
