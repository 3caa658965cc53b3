// Imports point one way, so that each part can be read, tested and replaced without those after it:
//   grammar <- compiler <- runtime <- cli, and inside the compiler model <- ops <- graph <- kernels <- targets <- program.
// Types may be imported from anywhere inside a part: they are gone when it runs.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;

interface Import {
  readonly file: string;
  readonly of: string;
  readonly isType: boolean;
}

const files = ["grammar", "compiler", "runtime", "cli"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(folder, name),
    ),
  )
  .filter((name) => name.endsWith(".ts"));

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8");
  const statement =
    /^\s*(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm;
  return [...text.matchAll(statement)].map(([, type, source, lazy, bare]) => {
    const of = source ?? lazy ?? bare ?? "";
    return {
      file,
      of: of.startsWith(".") ? normalize(join(dirname(file), of)) : of,
      isType: type !== undefined,
    };
  });
});

/** `compiler/graph/lower/axis.ts` stands in part `compiler` and, inside it, in stage `graph`. */
const partOf = (file: string) => file.split("/")[0]!;
const stageOf = (file: string) => (file.split("/").length > 2 ? file.split("/")[1]! : "compile.ts");

const parts = ["grammar", "compiler", "runtime", "cli"];

/** What each stage of the compiler may run of the others. `program` holds what a program is, and the planner. */
const stages: Readonly<Record<string, readonly string[]>> = {
  model: [],
  names: ["model"],
  ops: ["model"],
  graph: ["model", "names", "ops"],
  kernels: ["ops", "graph"],
  wasm: ["ops", "graph", "kernels"],
  wgsl: ["ops", "graph", "kernels"],
  program: ["ops", "graph", "kernels"],
  diff: ["model", "ops", "graph"],
};

/** Plain data about devices, which code generators and the runtime share with the planner. */
const shared = [
  "compiler/program/limits.ts",
  "compiler/program/target.ts",
  "compiler/program/program.ts",
];

const shown = (found: readonly Import[]) => found.map(({ file, of }) => `${file} imports ${of}`);

test("there is something to look at", () => {
  expect(files.length).toBeGreaterThan(100);
  expect(imports.length).toBeGreaterThan(500);
});

describe("between the parts", () => {
  test("grammar <- compiler <- runtime <- cli", () => {
    const wrong = imports.filter(
      ({ file, of }) => parts.indexOf(partOf(of)) > parts.indexOf(partOf(file)),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test("nothing imports the front doors of the package", () => {
    expect(shown(imports.filter(({ of }) => of === "index.ts"))).toEqual([]);
  });
});

test("inside the compiler, model <- ops <- graph <- kernels <- wasm, wgsl and program <- compile.ts", () => {
  const wrong = imports.filter(({ file, of, isType }) => {
    if (isType || partOf(file) !== "compiler" || partOf(of) !== "compiler") return false;
    const [from, to] = [stageOf(file), stageOf(of)];
    if (from === to || from === "compile.ts" || shared.includes(of)) return false;
    return !(stages[from] ?? []).includes(to);
  });
  expect(shown(wrong)).toEqual([]);
});

describe("the compiler is pure", () => {
  const pure = (file: string) => ["grammar", "compiler"].includes(partOf(file));

  test("it asks nothing of Node, and no package but the parser's", () => {
    const outside = imports.filter(({ file, of }) => pure(file) && !of.endsWith(".ts"));
    expect(shown(outside.filter(({ of }) => of !== "chevrotain"))).toEqual([]);
  });

  test("no clock, no chance, no environment", () => {
    const impure = /\b(Date\.now|new Date|performance\.|Math\.random|process\.|globalThis|fetch\()/;
    const found = files.filter(pure).flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .flatMap((line, i) =>
          impure.test(line.replace(/\/\/.*|^\s*\*.*/, ""))
            ? [`${file}:${i + 1} ${line.trim()}`]
            : [],
        ),
    );
    expect(found).toEqual([]);
  });
});

test("in the runtime, Node is asked by its host, by devices and by nothing else", () => {
  const isHost = (file: string) =>
    file.startsWith("runtime/host/") || file.startsWith("runtime/device/");
  const wrong = imports.filter(
    ({ file, of }) => partOf(file) === "runtime" && !isHost(file) && of.startsWith("node:"),
  );
  expect(shown(wrong)).toEqual([]);
});

test("files that are imported exist", () => {
  const missing = imports.filter(
    ({ of }) => of.endsWith(".ts") && !of.startsWith("node:") && !files.includes(relative(".", of)),
  );
  expect(shown(missing).filter((text) => !text.endsWith(".d.ts"))).toEqual([]);
});
