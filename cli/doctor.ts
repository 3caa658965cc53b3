// `vit doctor`: what this machine offers, what `vit train` would choose, and why.
import { createWasmDevice } from "../runtime/device/wasm.ts";
import { lookForAdapter, preferred } from "../runtime/device/choose-device.ts";
import type { AdapterReport } from "../runtime/device/choose-device.ts";
import { WASM_LIMITS } from "../compiler/program/limits.ts";
import { exit } from "./exit-codes.ts";
import { bytes, count } from "./figures.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";
import { packageVersion } from "../runtime/host/node-specs.ts";

export async function doctor(options: { readonly json?: boolean }): Promise<number> {
  const adapter = await lookForAdapter();
  const wasm = await createWasmDevice();
  const { threads, relaxed } = wasm;
  await wasm.close();
  const chosen = preferred(adapter);
  const versions = { vitrail: packageVersion(), node: process.version, v8: process.versions.v8 };
  const machine = `${process.platform}-${process.arch}`;
  if (options.json) {
    sayJson({
      versions,
      machine,
      webgpu: adapterJson(adapter),
      wasm: { threads, fusedMultiplyAdd: relaxed },
      chosen,
    });
    return exit.fine;
  }
  const paint = colors();
  const rows = [
    [
      paint.bold("vitrail"),
      `${versions.vitrail} on Node ${versions.node} (V8 ${versions.v8}), ${machine}`,
    ],
    [paint.bold("webgpu"), ...webgpuText(adapter)],
    [
      paint.bold("wasm"),
      `${threads} ${threads === 1 ? "thread" : "threads"}, SIMD with ${relaxed ? "fused multiply-add" : "multiply and add apart"}, at most ${bytes(WASM_LIMITS.totalBytes)}`,
    ],
    [paint.bold("interpret"), "float64, plain: the reference that the others are held against"],
    [paint.bold("chosen"), `${paint.green(chosen.name)}: ${chosen.reason}`],
  ];
  say(table(rows).join("\n"));
  if (adapter.kind === "found") say(`\n${adapterLines(adapter).join("\n")}`);
  else
    say(
      `\n${paint.green("hint:")} for a GPU, ${adapter.hint.replace(/^use --device wasm, or /, "")}`,
    );
  return exit.fine;
}

function webgpuText(adapter: AdapterReport): string[] {
  if (adapter.kind === "none") return [`not here: ${adapter.message}`];
  const { description, vendor, architecture, isSoftware } = adapter.info;
  const about = [vendor, architecture].filter((word) => word !== "").join(", ");
  return [`${description}${about === "" ? "" : ` (${about})`}${isSoftware ? ", in software" : ""}`];
}

function adapterLines({
  info,
  limits,
}: Extract<AdapterReport, { readonly kind: "found" }>): string[] {
  const paint = colors();
  return [
    paint.dim("limits of the adapter"),
    ...table([
      ["  storage buffers in a stage", count(limits.storageBuffers)],
      ["  one binding", bytes(limits.bindingBytes)],
      ["  one buffer", bytes(limits.bufferBytes)],
      ["  memory of a workgroup", bytes(limits.workgroupBytes)],
      ["  invocations of a workgroup", count(limits.workgroupInvocations)],
      ["  workgroups in a dimension", count(limits.workgroupsPerDimension)],
      ["  tiles for", { discrete: "a GPU with memory of its own", integrated: "a GPU beside a CPU", software: "a CPU" }[limits.gpuClass ?? "discrete"]], // prettier-ignore
      ["  sums of rows", limits.subgroupSize === undefined ? "in memory of a workgroup: no subgroups" : `by exchange within ${limits.subgroupSize} invocations, if a probe proves it`], // prettier-ignore
      ["  f16 between kernels", limits.hasF16 ? "16 bits" : "rounded, in 32 bits: no shader-f16"],
    ]),
    paint.dim("features"),
    `  ${info.features.join(", ")}`,
  ];
}

function adapterJson(adapter: AdapterReport) {
  if (adapter.kind === "none") return { found: false, reason: adapter.message, hint: adapter.hint };
  const { totalBytes: _, ...limits } = adapter.limits;
  return { found: true, ...adapter.info, limits };
}
