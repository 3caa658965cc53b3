// Recipes, each as it is and with its layers computed again -> the table of docs/memory.md.
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../compiler/program/limits.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { compileFigures } from "../runtime/spec/compile-figures.ts";
import type { CompileFigures } from "../runtime/spec/compile-figures.ts";
import { compileRecipeSpec } from "../runtime/spec/compile-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";

export interface MeasuredRecipe {
  readonly target: string;
  readonly batch?: number;
}

export const measuredRecipes: readonly MeasuredRecipe[] = [
  { target: "examples/digits.vit" },
  { target: "examples/names.vit" },
  { target: "examples/resnet.vit" },
  { target: "examples/byol.vit" },
  { target: "bench/models.vit:vit_tiny_imagenet", batch: 8 },
  { target: "bench/models.vit:vit_tiny_imagenet", batch: 32 },
  { target: "bench/models.vit:vit_base", batch: 8 },
  { target: "bench/models.vit:vit_base", batch: 32 },
  { target: "test/guard.vit:resnet50", batch: 8 },
  { target: "test/guard.vit:mixer_small", batch: 8 },
];

export interface MemoryRow {
  readonly recipe: string;
  readonly batch: number;
  /** `kept`, or `9 layers again`. */
  readonly how: string;
  readonly figures: Pick<CompileFigures, "memory" | "holding" | "flops">;
}

/** A recipe without layers has one row. One thread of wasm, whose memory is not counted against its limit. */
export function measure({ target, batch }: MeasuredRecipe): MemoryRow[] {
  const rows = (["none", "layers"] as const).map((how): MemoryRow => {
    const spec = compileRecipeSpec(
      parseTarget(target),
      { files: specFiles(), catalog: catalog(nodeHost), ...(batch === undefined ? {} : { batch }) },
      {
        target: "wasm",
        limits: { ...WASM_LIMITS, totalBytes: DEFAULT_WEBGPU_LIMITS.totalBytes },
        recompute: how === "none" ? "none" : { kind: "layers" },
      },
    );
    const { plan } = spec.compiled;
    const count = plan.recomputed?.layers.length ?? 0;
    return {
      recipe: target,
      batch: plan.batch,
      how: count === 0 ? "kept" : `${count} layers again`,
      figures: compileFigures(spec, 1)!,
    };
  });
  return rows[1]!.how === "kept" ? rows.slice(0, 1) : rows;
}

const heads = ["recipe", "batch", "layers", "in all", "least", "ratio", "parameters", "optimizer", "gradients", "saved", "on their way", "rest", "work"]; // prettier-ignore

/** As Markdown. Sizes in MiB; `work` is what a step computes, against the recipe as it is. */
export function memoryTable(rows: readonly MemoryRow[]): string {
  const mib = (size: number) => (size / 2 ** 20).toFixed(1);
  const cells = rows.map(({ recipe, batch, how, figures }) => {
    const { memory, holding, flops } = figures;
    const { parameters, optimizer, gradients, saved, temporary, workspace, unused } = holding.byKind; // prettier-ignore
    const kept = rows.find((row) => row.recipe === recipe && row.batch === batch)!.figures.flops;
    return [
      `\`${recipe}\``,
      String(batch),
      how,
      mib(memory.total),
      mib(memory.lowerBound),
      (memory.total / memory.lowerBound).toFixed(4),
      ...[parameters, optimizer, gradients, saved, temporary, workspace + unused].map(mib),
      `${(flops / kept).toFixed(2)}x`,
    ];
  });
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const rule = heads.map((_, i) => (i === 0 || i === 2 ? "---" : "---:"));
  return [heads, rule, ...cells].map(line).join("\n");
}
