// `vit compile FILE:NAME@VARIANT`: what a training step or a forward pass costs, before anything runs;
// `--show STAGE` prints the value that crosses a boundary of the compiler.
import type { EntryGraph } from "../compiler/compiled.ts";
import type { Stage } from "../compiler/compile-settings.ts";
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
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit, UsageError } from "./exit-codes.ts";
import { bytes, count, short } from "./figures.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface CompileOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly batch?: number;
  readonly threads?: number;
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
  if (choice.name === "interpret") {
    throw new UsageError("the interpreter runs graphs as they are: nothing is compiled for it", [
      "use --device wasm or --device webgpu",
    ]);
  }
  const parts: string[] = [];
  const limits = choice.name === "webgpu" ? await webgpuLimits() : {};
  const spec = compileSpec(
    parseTarget(text),
    {
      files: specFiles(),
      catalog: catalog(nodeHost),
      settings: options.set ?? {},
      ...(options.batch === undefined ? {} : { batch: options.batch }),
    },
    {
      target: choice.name,
      ...limits,
      clock: nodeHost.now,
      verify: options.verify ?? false,
      show: (stage, { entry, graph, kernels }) => {
        if (stage !== options.show) return;
        if (graph) parts.push(titled(entry, print(graph)));
        if (kernels) parts.push(titled(entry, printKernels(kernels.kernels)));
      },
    },
  );
  if (options.show === "program") parts.push(programText(spec.compiled.program!));
  if (options.show !== undefined) say(parts.join("\n\n"));
  else sayFigures(spec, compileFigures(spec, options.threads ?? (await threadsHere()))!, options);
  return exit.fine;
}

/** Of the adapter that is here, else those that every adapter has. */
async function webgpuLimits(): Promise<{ readonly limits?: Limits }> {
  const adapter = await lookForAdapter();
  return adapter.kind === "found" ? { limits: adapter.limits } : {};
}

async function threadsHere(): Promise<number> {
  const device = await openChosenDevice({ want: "wasm" });
  await device.close();
  return Number(/(\d+) thread/.exec(device.description)?.[1] ?? 1);
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

function sayFigures(spec: CompiledSpec, figures: CompileFigures, { json }: CompileOptions): void {
  if (json) return sayJson(figures);
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
    ["", `${bytes(memory.parameters)} parameters, ${bytes(memory.optimizer)} optimizer and state`],
    ["", `${bytes(memory.activations)} activations, ${bytes(memory.workspace)} workspace`],
    ...(figures.halfBits === 32
      ? [["", "halves are rounded, but take 32 bits each on this device"]]
      : []),
    ["compiled in", `${count(figures.compileMs)} ms`],
  ];
  say(table(rows.map(([name, text]) => [paint.dim(name!), text!])).join("\n"));
}
