// At full size: what our maps call the tensors of a model, and of what shape, is what the public library does. That is all
// a checkpoint needs to fit. Compared is a digest of all names and shapes; nothing is allocated.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalog } from "../../runtime/data/catalog.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { namesOfSpec } from "../../runtime/spec/names-of-spec.ts";
import { openSpec } from "../../runtime/spec/open-spec.ts";
import { SpecError } from "../../runtime/spec/spec-error.ts";
import { parseTarget } from "../../runtime/spec/spec-target.ts";
import { oracleFolder } from "./fixture.ts";

interface PublicModel {
  readonly spec: string;
  readonly as: string;
  readonly model: string;
  readonly tensors: number;
  readonly sha256: string;
}

const { models } = JSON.parse(readFileSync(join(oracleFolder, "public-names.json"), "utf8")) as {
  readonly models: readonly PublicModel[];
};

describe.each(models)("$spec as $as's $model", ({ spec, as, tensors, sha256 }) => {
  test("has the same tensors", () => {
    const options = { files: specFiles(), catalog: catalog(nodeHost) };
    const opened = openSpec(parseTarget(spec), options);
    if (opened.kind === "wrong") throw new SpecError(opened);
    const { theirs, alone } = namesOfSpec(opened, as);
    const lines = theirs.map(({ name, shape }) => `${name} [${shape.join(", ")}]\n`);
    lines.sort((a, b) => (a < b ? -1 : 1));
    expect(lines.length).toBe(tensors);
    expect(createHash("sha256").update(lines.join("")).digest("hex")).toBe(sha256);
    expect(alone).toEqual([]);
  });
});
