// A workload as Vitrail compiles it: a recipe's training step, or a model's forward pass.
import { WASM_LIMITS } from "../../compiler/program/limits.ts";
import type { Limits } from "../../compiler/program/limits.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileSpec } from "../../runtime/spec/compile-spec.ts";
import type { CompiledSpec } from "../../runtime/spec/compile-spec.ts";
import type { Settings } from "../../runtime/spec/open-spec.ts";
import { parseTarget } from "../../runtime/spec/spec-target.ts";
import { channelsOf, classes, type Workload } from "./workloads.ts";

export function compiledWorkload(
  { kind, target, batch, network }: Workload,
  device: "wasm" | "webgpu",
  limits: Limits = WASM_LIMITS,
): CompiledSpec {
  const settings: Settings =
    kind === "train"
      ? { batch: String(batch) }
      : { channels: String(channelsOf(network)), classes: String(classes) };
  const options = { files: specFiles(), catalog: catalog(nodeHost), settings };
  const request = kind === "train" ? options : { ...options, batch };
  return compileSpec(parseTarget(target), request, { target: device, limits });
}
