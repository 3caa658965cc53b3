// A library: the entry file and what it imports, with names resolved in order.
import { expect, test } from "vitest";
import { findName } from "../../../compiler/model/library.ts";
import { loadLibrary, normalise } from "../../../compiler/model/load-library.ts";

const load = (
  files: Readonly<Record<string, string>>,
  shipped: Readonly<Record<string, string>> = {},
) =>
  loadLibrary(
    { read: (name) => files[name], shipped: new Map(Object.entries(shipped)) },
    "specs/main.vit",
  );

const block = (name: string) => `block ${name}(x: [.., width]) -> [.., width] { x }`;

test("a name is the file's own, else imported, else the standard library's", () => {
  const { library, diagnostics } = load(
    { "specs/main.vit": `use other.{Shared}\n${block("Own")}`, "specs/other.vit": block("Shared") },
    { "specs/std/blocks.vit": `${block("Own")}\n${block("Shared")}\n${block("Standard")}` },
  );
  expect(diagnostics).toEqual([]);
  const main = library.files.get("specs/main.vit")!;
  const fileOf = (name: string) => findName(library, main, name)?.file.name;
  expect(["Own", "Shared", "Standard", "Nothing"].map(fileOf)).toEqual([
    "specs/main.vit", "specs/other.vit", "specs/std/blocks.vit", undefined,
  ]); // prettier-ignore
});

test("the standard library is parsed once for all, and anew where its text is another", () => {
  const declared = (text: string) => {
    const { library } = load({ "specs/main.vit": block("Own") }, { "specs/std/one.vit": text });
    return library.files.get("specs/std/one.vit")!.syntax;
  };
  const first = declared(block("One"));
  expect(declared(block("One"))).toBe(first);
  expect(declared(block("Two")).declarations).toMatchObject([{ name: { text: "Two" } }]);
});

test("a path in quotes starts at the file that says it", () => {
  const { diagnostics } = load({
    "specs/main.vit":
      'use "../papers/net".{Net}\nmodel M(x: [batch, width = 2]) -> [batch, width] { x |> net: Net }',
    "papers/net.vit": block("Net"),
  });
  expect(diagnostics).toEqual([]);
});

test.each([
  ["by its name", "use vit.{Shared}", []],
  ["by a name in quotes, where it has a hyphen", 'use "moco-v3".{Shared}', []],
  ["but not by a path", 'use "./vit".{Shared}', ["missing-file"]],
])("a shipped spec is found from anywhere %s", (_, text, codes) => {
  const { diagnostics } = loadLibrary(
    {
      read: (name) => (name === "mine.vit" ? text : undefined),
      shipped: new Map(["vit", "moco-v3"].map((name) => [`specs/${name}.vit`, block("Shared")])),
    },
    "mine.vit",
  );
  expect(diagnostics.map(({ code }) => code)).toEqual(codes);
});

test("mistakes of every file are reported, each with its file", () => {
  const { diagnostics } = load({
    "specs/main.vit": `use other.{Missing}\n${block("A")}\n${block("A")}`,
    "specs/other.vit": `${block("B")}\n${block("B")}`,
  });
  expect(diagnostics.map(({ code, span }) => [code, span.file])).toEqual([
    ["duplicate-name", "specs/main.vit"],
    ["duplicate-name", "specs/other.vit"],
    ["missing-export", "specs/main.vit"],
  ]);
});

test("broken text still gives a library", () => {
  const { library, diagnostics } = load({
    "specs/main.vit": `block Bad(x: [.., width]) -> [.., width] { x |> |> }\n\n${block("Good")}`,
  });
  expect(diagnostics.length).toBeGreaterThan(0);
  expect(library.files.get("specs/main.vit")!.declarations.has("Good")).toBe(true);
});

test("paths lose their dots", () => {
  expect(normalise("specs/./std/../vit.vit")).toBe("specs/vit.vit");
  expect(normalise("../vit.vit")).toBe("../vit.vit");
});
