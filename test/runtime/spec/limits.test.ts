// Every spec in `test/cases/bad/limits` is too much for the device that its first line describes, and says which limit,
// what needs how much, where that stands and what would help, in full: the text beside it. The rest of a device's limits
// is what every WebGPU adapter has, or WebAssembly.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { renderDiagnostics } from "../../../grammar/diagnostic.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../../../compiler/program/limits.ts";
import type { Limits } from "../../../compiler/program/limits.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import { compileSpec, LimitTrouble } from "../../../runtime/spec/compile-spec.ts";
import { specFiles } from "../../../runtime/host/node-specs.ts";

vi.setConfig({ testTimeout: 60_000 });

const folder = "test/cases/bad/limits/";
const cases = readdirSync(folder).filter((name) => name.endsWith(".vit"));

test.each(cases)("%s", async (name) => {
  const file = `limits/${name}`;
  const text = readFileSync(folder + name, "utf8");
  const { target, ...given } = headerOf(text);
  const limits = { ...(target === "wasm" ? WASM_LIMITS : DEFAULT_WEBGPU_LIMITS), ...given };
  const shipped = specFiles();
  const files = {
    ...shipped,
    read: (wanted: string) => (wanted === file ? text : shipped.read(wanted)),
  };
  const trouble = troubleOf(() =>
    compileSpec({ file }, { files, catalog: catalog() }, { target, limits, verify: true }),
  );
  const said = renderDiagnostics([trouble.diagnostic], trouble.sources);
  await expect(`${said}\n`).toMatchFileSnapshot(
    `../../../${folder}${name.replace(".vit", ".txt")}`,
  );
});

test("each limit of a device has a case", () => {
  const said = cases.map((name) => readFileSync(folder + name.replace(".vit", ".txt"), "utf8")).join(); // prettier-ignore
  const limits = ["bindingBytes", "bufferBytes", "storageBuffers", "workgroupBytes", "workgroupsPerDimension", "totalBytes"]; // prettier-ignore
  for (const limit of limits) expect(said).toContain(`(${limit})`);
});

function headerOf(text: string): Partial<Limits> & { readonly target: "wasm" | "webgpu" } {
  const header = /^\/\/ limits: (.*)$/m.exec(text);
  if (!header) throw new Error("the first line describes the device: // limits: { … }");
  return JSON.parse(header[1]!) as ReturnType<typeof headerOf>;
}

function troubleOf(compile: () => unknown): LimitTrouble {
  try {
    compile();
  } catch (error) {
    if (error instanceof LimitTrouble) return error;
    throw error;
  }
  throw new Error("the program fits the device");
}
