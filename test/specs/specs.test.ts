// Every spec that comes with Vitrail: it checks without a word, in seconds, and lists the models and variants that the
// table beside this file names. A new file of specs/ is found by itself; `npx vitest run test/specs -u` writes the table.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { checkFile, whatIsOpen } from "../../compiler/graph/check-file.ts";
import { variantsOf } from "../../compiler/model/library.ts";
import { loadLibrary } from "../../compiler/model/load-library.ts";
import { renderDiagnostics } from "../../grammar/diagnostic.ts";

const root = new URL("../../", import.meta.url);
const namesIn = (folder: string) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".vit"))
    .map((name) => folder + name);
const specs = namesIn("specs/");
const names = namesIn("specs/names/");
const shipped = new Map(
  [...namesIn("specs/std/"), ...names, ...specs].map((name) => [
    name,
    readFileSync(new URL(name, root), "utf8"),
  ]),
);
const load = (name: string) => loadLibrary({ read: () => undefined, shipped }, name);

// The machine that runs this may be shared: what is asked for is the time of the processor, not of the clock.
vi.setConfig({ testTimeout: 120_000 });
const secondsAtMost = 10;

test.each([...specs, ...names, "specs/std/names.vit"])(
  "%s checks without a word, in seconds",
  (name) => {
    const before = process.cpuUsage();
    const { library, diagnostics } = load(name);
    const found = [...diagnostics, ...checkFile(library, name)];
    const { user, system } = process.cpuUsage(before);
    expect(renderDiagnostics(found, library.sources)).toBe("");
    expect((user + system) / 1e6).toBeLessThan(secondsAtMost);
  },
);

const models = specs.flatMap((name) => {
  const file = load(name).library.files.get(name)!;
  return file.syntax.declarations.flatMap((declaration) => {
    if (declaration.kind !== "model") return [];
    const variants = variantsOf({ declaration, file })?.rows.map((row) => row.name.value) ?? [];
    return [{ file: name.slice("specs/".length), declaration, variants }];
  });
});

test("the models and their variants", async () => {
  const rows = models.map(({ file, declaration, variants }) => [file, declaration.name.text, variants.join(" ")]); // prettier-ignore
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([file, model, variants]) =>
    `${file!.padEnd(widths[0]!)}  ${model!.padEnd(widths[1]!)}  ${variants}`.trimEnd(),
  );
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("models.txt");
});

test("every variant has a number of parameters that it is expected to have", () => {
  const expected = new Set(
    [...shipped.values()].flatMap((text) =>
      [...text.matchAll(/^expect (\w+)(?:\("([^"]+)"\))? \{[^}]*parameters = /gm)].map(
        ([, name, variant]) => `${name}@${variant ?? ""}`,
      ),
    ),
  );
  const uncounted = models.flatMap(({ declaration, variants }) => {
    const isOpen = variants.length === 0 && whatIsOpen(declaration).length > 0;
    const all = variants.length > 0 || isOpen ? variants : [""];
    return all
      .map((variant) => `${declaration.name.text}@${variant}`)
      .filter((model) => !expected.has(model));
  });
  expect(uncounted).toEqual([]);
});
