// A case's model on a target -> how far each of its outputs is from the reference's.
import { catalog } from "../../runtime/data/catalog.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import { compileSpec } from "../../runtime/spec/compile-spec.ts";
import { parseTarget } from "../../runtime/spec/spec-target.ts";
import { outputDifference } from "./compare.ts";
import type { Difference, Target } from "./compare.ts";
import { deviceOf } from "./devices.ts";
import { generatedInputs } from "./fixture.ts";
import type { Fixture, ForwardFixture } from "./fixture.ts";
import { bringIn, placeNets } from "./nets.ts";

export async function forwardDifferences(
  fixture: Fixture,
  forward: ForwardFixture,
  target: Target,
): Promise<Difference[]> {
  const batch = Object.values(forward.inputs)[0]!.shape[0]!;
  const options = { files: specFiles(), catalog: catalog(), settings: forward.settings, batch };
  const device = await deviceOf(target);
  const found = compileSpec(parseTarget(forward.spec), options, device.settings);
  if (found.kind !== "model") throw new Error(`${forward.spec} is no model`);
  const { compiled, library } = found;
  const loaded = await device.load(compiled);
  try {
    const nets = { ...fixture, nets: { [forward.net]: fixture.nets[forward.net]! } };
    const modules = compiled.model.modules;
    for (const net of placeNets(nets, library, { ...compiled, modules }, () => ""))
      bringIn(loaded, net);
    loaded.run("forward", generatedInputs(forward.inputs));
    const differences: Difference[] = [];
    for (const [name, { values }] of Object.entries(forward.outputs))
      differences.push(outputDifference(name, await loaded.readOutput("forward", name), values));
    return differences;
  } finally {
    loaded.close();
  }
}
