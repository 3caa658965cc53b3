// `vit compile FILE:NAME@VARIANT`: what a training step or a forward pass costs, before anything runs;
// `--show STAGE` prints the value that crosses a boundary of the compiler.
import type { EntryGraph } from "../compiler/compiled.ts";
import { limitsOf } from "../compiler/compile-settings.ts";
import type { Stage } from "../compiler/compile-settings.ts";
import type { RecomputeWish } from "../compiler/graph/lowered.ts";
import { layersOf } from "../compiler/graph/recompute.ts";
import { print } from "../compiler/graph/print.ts";
import { printKernels } from "../compiler/kernels/print.ts";
import type { Program } from "../compiler/program/program.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { openChosenDevice } from "../runtime/device/chosen-device.ts";
import { chooseDevice, lookForAdapter } from "../runtime/device/choose-device.ts";
import type { Limits } from "../compiler/program/limits.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { compileFigures } from "../runtime/spec/compile-figures.ts";
import type { CompileFigures } from "../runtime/spec/compile-figures.ts";
import { compileSpec } from "../runtime/spec/compile-spec.ts";
import type { CompiledSpec } from "../runtime/spec/compile-spec.ts";
import { largestBatch } from "../runtime/spec/largest-batch.ts";
import type { BatchSearch, LargestBatch } from "../runtime/spec/largest-batch.ts";
import type { MemoryFigures } from "../runtime/spec/memory-figures.ts";
import type { OpenOptions } from "../runtime/spec/open-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit, UsageError } from "./exit-codes.ts";
import { bytes, bytesOf, count, plural, short } from "./figures.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface CompileOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly batch?: number;
  readonly threads?: number;
  /** A size, or true for what this device has. */
  readonly memory?: string | true;
  readonly recompute?: RecomputeWish | "none";
  readonly show?: Stage;
  readonly verify?: boolean;
  readonly json?: boolean;
}

export const stages: readonly Stage[] = [
  "graph",
  "training",
  "precision",
  "recomputation",
  "kernels",
  "program",
];

export async function compile(text: string, options: CompileOptions): Promise<number> {
  const choice = await chooseDevice(options.device);
  const { name } = choice;
  if (name === "interpret") {
    throw new UsageError("the interpreter runs graphs as they are: nothing is compiled for it", [
      "use --device wasm or --device webgpu",
    ]);
  }
  const memory = typeof options.memory === "string" ? bytesOf(options.memory) : undefined;
  if (typeof options.memory === "string" && memory === undefined)
    throw new UsageError(`\`${options.memory}\` is no size of a memory`, ["write --memory 8GB, or 512MiB"]); // prettier-ignore
  const parts: string[] = [];
  const limits = name === "webgpu" ? await webgpuLimits() : {};
  const threads = options.threads ?? (name === "wasm" ? await threadsHere() : 1);
  const target = parseTarget(text);
  const open = {
    files: specFiles(),
    catalog: catalog(nodeHost),
    settings: options.set ?? {},
    ...(options.batch === undefined ? {} : { batch: options.batch }),
  };
  const { recompute } = options;
  const settings = { target: name, ...limits, threads, ...(recompute ? { recompute } : {}) };
  const spec = compileSpec(target, open, {
    ...settings,
    clock: nodeHost.now,
    verify: options.verify ?? false,
    show: (stage, { entry, graph, kernels }) => {
      if (stage !== options.show) return;
      if (graph) parts.push(titled(entry, print(graph)));
      if (kernels) parts.push(titled(entry, printKernels(kernels.kernels)));
    },
  });
  if (options.show === "program") parts.push(programText(spec.compiled.program!));
  if (options.show !== undefined) {
    say(parts.join("\n\n"));
    return exit.fine;
  }
  const figures = compileFigures(spec, threads)!;
  const fitting = options.memory === undefined ? [] : batchesThatFit(spec, { target, open, settings, memory }); // prettier-ignore
  if (options.json) sayJson({ ...figures, ...(options.memory === undefined ? {} : { fitting }) });
  else sayFigures(spec, figures, fitting);
  return exit.fine;
}

/** The largest batch as the recipe says it, and with all layers computed again. */
function batchesThatFit(
  spec: CompiledSpec,
  { target, open, settings, memory }: Pick<BatchSearch, "target" | "settings"> & { readonly open: OpenOptions; readonly memory: number | undefined }, // prettier-ignore
): readonly FittingBatch[] {
  const plan = spec.kind === "recipe" ? spec.compiled.plan : undefined;
  const unit = plan?.accumulate ?? 1;
  const start = Math.floor((plan?.batch ?? open.batch ?? 1) / unit);
  const most = Math.min(memory ?? Number.POSITIVE_INFINITY, limitsOf(settings).totalBytes);
  const search = { target, options: open, settings, memory: most, unit, start }; // prettier-ignore
  const own: FittingBatch = { ...largestBatch(search), memory: Number.isFinite(most) ? most : null, recompute: plan?.recomputed !== undefined }; // prettier-ignore
  const canRecompute = plan && !plan.recomputed && spec.compiled.graphs.some(({ graph }) => layersOf(graph).length > 0); // prettier-ignore
  if (!canRecompute) return [own];
  const again = largestBatch({
    ...search,
    settings: { ...settings, recompute: { kind: "layers" } },
  });
  return [own, { ...again, memory: own.memory, recompute: true }];
}

interface FittingBatch extends LargestBatch {
  /** Bytes; null where the device does not say how much it has: then only limits of single arrays count. */
  readonly memory: number | null;
  readonly recompute: boolean;
}

/** Of the adapter that is here, else those that every adapter has. */
async function webgpuLimits(): Promise<{ readonly limits?: Limits }> {
  const adapter = await lookForAdapter();
  return adapter.kind === "found" ? { limits: adapter.limits } : {};
}

async function threadsHere(): Promise<number> {
  const device = await openChosenDevice({ want: "wasm" });
  await device.close();
  return device.threads;
}

function titled(entry: EntryGraph["name"], text: string): string {
  return `${colors().bold(`// ${entry}`)}\n${text}`;
}

/** Entries as lists of steps, then the generated code of webgpu. */
function programText({ entries, codes, arenas }: Program): string {
  const paint = colors();
  const arenaRows = arenas.map(({ kind, bytes: size }, i) => [`  arena ${i}`, kind, bytes(size)]);
  const lists = entries.map(({ name, steps }) => {
    const rows = steps.map((step, i) =>
      step.kind === "copy"
        ? [String(i), "copy", "", bytes(step.bytes), ""]
        : step.kind === "host"
          ? [
              String(i),
              step.phase,
              "host",
              bytes(step.bytes),
              `${step.label}  ${paint.dim(step.path)}`,
            ]
          : [
              String(i),
              step.phase,
              codes[step.code]?.name ?? "",
              `${short(step.flops)} flop`,
              `${step.label}  ${paint.dim(step.path)}`,
            ],
    );
    return `${paint.bold(`// ${name}`)}\n${table(rows, { align: ["right", "left", "left", "right"] }).join("\n")}`;
  });
  const shaders = codes.flatMap((code) =>
    code.target === "webgpu" ? [`${paint.bold(`// ${code.name}`)}\n${code.wgsl}`] : [],
  );
  return [table(arenaRows).join("\n"), ...lists, ...shaders].join("\n\n");
}

function sayFigures(
  spec: CompiledSpec,
  figures: CompileFigures,
  fitting: readonly FittingBatch[],
): void {
  const paint = colors();
  const { dispatches, memory } = figures;
  const subject = spec.kind === "recipe" ? "a training step" : "a forward pass";
  const phases = [
    `${dispatches.forward} forward`,
    ...(spec.kind === "recipe"
      ? [`${dispatches.backward} backward`, `${dispatches.update} update`]
      : []),
  ];
  const excess = memory.total / memory.lowerBound - 1;
  const rows = [
    ["target", figures.target],
    ["dispatches", `${paint.bold(String(dispatches.total))} in ${subject}: ${phases.join(", ")}`],
    ["kernels", `${figures.kernels} distinct`],
    [
      "work",
      `${paint.bold(short(figures.flops))} floating point operations, ${bytes(figures.bytes)} read and written`,
    ],
    [
      "memory",
      `${paint.bold(bytes(memory.total))} in all, ${excess < 0.0005 ? "the least that live at once" : `${(excess * 100).toFixed(1)} % above the least`}`,
    ],
    ...memoryRows(spec, figures),
    ...(figures.halfBits === 32
      ? [["", "halves are rounded, but take 32 bits each on this device"]]
      : []),
    ...fitting.map((each, i) => [i === 0 ? "batch" : "", fittingText(each)]),
    ["compiled in", `${count(figures.compileMs)} ms`],
  ];
  say(table(rows.map(([name, text]) => [paint.dim(name!), text!])).join("\n"));
}

const kindNames: Readonly<Record<keyof MemoryFigures["byKind"], string>> = {
  parameters: "parameters",
  optimizer: "optimizer and state",
  gradients: "gradients",
  saved: "saved for the backward pass",
  temporary: "on their way",
  workspace: "batches, tables, the device's own",
  unused: "between them",
};

/** By kind, then where the peak is and the largest arrays that live there. */
function memoryRows(spec: CompiledSpec, { holding, memory }: CompileFigures): string[][] {
  const paint = colors();
  const kinds = Object.entries(kindNames).flatMap(([kind, name]) => {
    const size = holding.byKind[kind as keyof typeof kindNames];
    return size === 0 ? [] : [[bytes(size), `${((size / memory.total) * 100).toFixed(1)} %`, name]];
  });
  const recomputed = spec.kind === "recipe" ? spec.compiled.plan.recomputed : undefined;
  const arrays = holding.largest.map(({ bytes: size, kind, kernel, source }) => [
    bytes(size),
    kindNames[kind],
    kernel,
    paint.dim(source ?? ""),
  ]);
  const indented = (lines: readonly string[], title: string) => lines.map((line, i) => [i === 0 ? title : "", line]); // prettier-ignore
  return [
    ...indented(table(kinds, { align: ["right", "right"] }), ""),
    ...(recomputed ? [["recomputed", `${recomputed.layers.length} of ${plural(recomputed.of, "layer")}`]] : []), // prettier-ignore
    ...(holding.peak ? [["peak", `in ${holding.peak.entry}, at ${holding.peak.kernel}`]] : []),
    ...indented(table(arrays, { align: ["right"] }), ""),
  ];
}

function fittingText({ batch, bytes: size, memory, because, recompute }: FittingBatch): string {
  const how = recompute ? ", with layers computed again" : "";
  const where = memory === null ? "the device" : bytes(memory);
  const needs = size === undefined ? "" : `: ${bytes(size)}`;
  if (batch === 0) return `none fits ${where}${how}${size === undefined ? "" : `: the smallest batch needs ${bytes(size)}`}`; // prettier-ignore
  const why = { memory: "", limit: ", a larger one breaks a limit on single arrays", budget: ", a larger one needs more than `recompute to` allows" }[because]; // prettier-ignore
  return `${colors().bold(count(batch))} at most in ${where}${how}${needs}${why}`;
}
