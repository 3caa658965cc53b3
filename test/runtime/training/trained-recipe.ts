// Recipe text -> compiled for a device, and a request to train it in a folder: what the tests of training share.
import { readdirSync, readFileSync } from "node:fs";
import { renderDiagnostics } from "../../../grammar/diagnostic.ts";
import { compileRecipe } from "../../../compiler/compile.ts";
import type { CompiledRecipe } from "../../../compiler/compiled.ts";
import type { CompileSettings } from "../../../compiler/compile-settings.ts";
import { loadLibrary } from "../../../compiler/model/load-library.ts";
import { catalog } from "../../../runtime/data/catalog.ts";
import { openChosenDevice } from "../../../runtime/device/chosen-device.ts";
import type { ChosenDevice, DeviceWish } from "../../../runtime/device/chosen-device.ts";
import { nodeHost } from "../../../runtime/host/node.ts";
import type { TrainingEvent } from "../../../runtime/training/events.ts";
import type { TrainingRequest } from "../../../runtime/training/training-request.ts";

/** Digits through one hidden layer with dropout, in seconds: 16 steps an epoch, slots, and draws in every step. */
export const smallRecipe = `
recipe small(length: duration = 3 epochs, rate: real = 5e-3) {
  net model = {
    [batch, rows, cols, channels] -> [batch, (rows cols channels) as features]
      |> fc1: Linear(16) |> gelu |> dropout(0.1)
      |> fc2: Linear(10)
  }
  data train = mnist(split = "train[:512]")
  data test  = mnist(split = "test[:100]")
  view image = train.image |> random_crop(28, padding = 1) |> scale(0..1)
  view clean = test.image |> scale(0..1)

  let logits = model(image)
  loss       = cross_entropy(logits, train.label)

  batch     = 32
  optimizer = AdamW(betas = (0.9, 0.999), decay = 0.05)
  lr        = cosine(rate to 0, warmup = 1 epochs)
  clip      = 1.0
  seed      = 0

  metric   train_top1 = top1(logits, train.label)
  evaluate accuracy   = top1(model(clean), test.label) every 1 epochs
}
`;

const file = "recipe.vit";

export function compileText(
  text: string,
  { name: target, limits, threads = 1 }: Pick<ChosenDevice, "name" | "limits"> & { readonly threads?: number }, // prettier-ignore
  settings: Pick<CompileSettings, "without" | "recompute"> = {},
): CompiledRecipe {
  const loaded = loadLibrary(
    { read: (name) => (name === file ? text : undefined), shipped: shipped() },
    file,
  );
  const { compiled, diagnostics } = compileRecipe(
    loaded.library,
    { file, catalog: catalog(nodeHost) },
    { target, limits, threads, ...settings },
  );
  if (compiled) return compiled;
  throw new Error(
    renderDiagnostics([...loaded.diagnostics, ...diagnostics], loaded.library.sources),
  );
}

function shipped(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const folder of ["specs/", "specs/std/"])
    for (const entry of readdirSync(folder))
      if (entry.endsWith(".vit")) texts.set(folder + entry, readFileSync(folder + entry, "utf8"));
  return texts;
}

export interface Recorded {
  readonly request: TrainingRequest;
  readonly events: TrainingEvent[];
}

/** A request for the text in a folder, and the events that it will give. */
export async function requestFor(
  text: string,
  folder: string,
  wish: DeviceWish,
  more: Partial<TrainingRequest> = {},
): Promise<Recorded> {
  const device = await openChosenDevice(wish);
  const events: TrainingEvent[] = [];
  const request: TrainingRequest = {
    compiled: compileText(text, device),
    device,
    folder,
    spec: text,
    source: { file, files: { [file]: text } },
    versions: { vitrail: "test", node: process.version },
    host: nodeHost,
    workers: 0,
    onEvent: (event) => void events.push(event),
    ...more,
  };
  return { request, events };
}
