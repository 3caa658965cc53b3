// Recipes with chance on (dropout, dropped paths and tokens): one step from fresh weights has the same bits when it is
// run again, and others under another seed.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Target } from "./compare.ts";
import { closeDevices } from "./devices.ts";
import { drawnRecipes, drawnSteps } from "./drawn.ts";
import { oracleFolder } from "./fixture.ts";

afterAll(closeDevices);

const files = readdirSync(join(oracleFolder, "specs")).filter((file) => file.endsWith(".vit"));
const recipes = files
  .sort()
  .flatMap((file) =>
    drawnRecipes(`test/oracle/specs/${file}`).map(
      (spec) => [`${file.replace(".vit", "")}-${spec.name}`, spec] as const,
    ),
  );

describe.each(recipes)("%s", { timeout: 300_000 }, (_name, spec) => {
  test.each<Target>(["wasm", "webgpu"])("has the same bits twice on %s", async (target) => {
    const [once, again, other] = await drawnSteps(spec, target, [0, 0, 1]);
    expect(Number.isFinite(once!.loss)).toBe(true);
    expect(again).toEqual(once);
    expect(other!.parts).not.toEqual(once!.parts); // the loss may be the same: a head starts at zero
  });
});
