// A recipe by its target, a device, a folder -> a trained model in that folder; and a run's folder -> compiled again.
import type { Files } from "../../compiler/model/load-library.ts";
import { catalog } from "../data/catalog.ts";
import type { ChosenDevice } from "../device/chosen-device.ts";
import type { Host } from "../host/host.ts";
import type { Run, RunSource } from "../training/run-folder.ts";
import type { TrainingRequest } from "../training/training-request.ts";
import { compileRecipeSpec } from "./compile-spec.ts";
import type { CompiledRecipeSpec } from "./compile-spec.ts";
import type { Settings } from "./open-spec.ts";
import type { SpecTarget } from "./spec-target.ts";

/** Where a recipe's run goes unless it is said: `runs/digits`, `runs/vit-B-16`. */
export function runFolder({ name = "run", variant }: SpecTarget): string {
  const suffix = variant === undefined ? "" : `-${variant.replace(/[^\w.-]+/g, "-")}`;
  return `runs/${name}${suffix}`;
}

/** What the training loop is handed of a compiled recipe, so that the run can be redone from its folder alone. */
export function trainingSource(
  { target, library, shown }: CompiledRecipeSpec,
  settings: Settings,
): Pick<TrainingRequest, "spec" | "source"> {
  const source: RunSource = {
    file: target.file,
    recipe: target.name,
    ...(target.variant === undefined ? {} : { variant: target.variant }),
    settings,
    files: Object.fromEntries([...library.sources, ...library.nameFiles().sources]),
  };
  return { spec: `${shown.map(({ text }) => text).join("\n")}\n`, source };
}

/** The run's own spec for a device, from the texts in its folder. @throws SpecError, WorldError */
export function compileRun(
  { source }: Pick<Run, "source">,
  device: Pick<ChosenDevice, "name" | "limits" | "threads">,
  host: Host,
): CompiledRecipeSpec {
  const { file, recipe, variant, settings = {} } = source;
  const target = {
    file,
    ...(recipe === undefined ? {} : { name: recipe }),
    ...(variant === undefined ? {} : { variant }),
  };
  const options = { files: filesOf(source), catalog: catalog(host), settings };
  const { name, limits, threads } = device;
  return compileRecipeSpec(target, options, { target: name, limits, threads });
}

function filesOf({ files }: RunSource): Files {
  const isStandard = (name: string) => name.startsWith("specs/std/");
  return {
    read: (name) => (isStandard(name) ? undefined : files[name]),
    shipped: new Map(Object.entries(files).filter(([name]) => isStandard(name))),
  };
}
