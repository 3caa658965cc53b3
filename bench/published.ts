// The compiler as it is published, for what is timed: built from the sources by `npm run build`. tsx, which runs the
// sources themselves, names every function again each time that one is made: about a fifth of a compilation's time.
import { execFileSync } from "node:child_process";
import type * as Catalog from "../runtime/data/catalog.ts";
import type * as Node from "../runtime/host/node.ts";
import type * as NodeSpecs from "../runtime/host/node-specs.ts";
import type * as CompileSpec from "../runtime/spec/compile-spec.ts";

export interface PublishedCompiler {
  readonly compileSpec: typeof CompileSpec.compileSpec;
  /** With the shipped files read anew. */
  readonly options: () => Parameters<typeof CompileSpec.compileSpec>[1];
}

export function build(): void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}

/** What was built last. */
export async function publishedCompiler(): Promise<PublishedCompiler> {
  const built = (file: string) => import(new URL(`../dist/${file}.js`, import.meta.url).href);
  const { compileSpec }: typeof CompileSpec = await built("runtime/spec/compile-spec");
  const { catalog }: typeof Catalog = await built("runtime/data/catalog");
  const { nodeHost }: typeof Node = await built("runtime/host/node");
  const { specFiles }: typeof NodeSpecs = await built("runtime/host/node-specs");
  const options = () => ({ files: specFiles(), catalog: catalog(nodeHost), settings: {} });
  return { compileSpec, options };
}
