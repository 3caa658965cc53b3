// A case's recipe on a target -> how far its losses, gradients, parameters, statistics and twins are from the
// reference's. One compilation serves all: its optimizer keeps the gradients of the step.
import type { TrainingPlan } from "../../compiler/compiled.ts";
import { catalog } from "../../runtime/data/catalog.ts";
import type { BatchArray } from "../../runtime/data/fill-batch.ts";
import type { InputBatches } from "../../runtime/data/recipe-data.ts";
import type { LoadedCompilation } from "../../runtime/device/loaded-compilation.ts";
import { nodeHost } from "../../runtime/host/node.ts";
import { compileRecipeSpec } from "../../runtime/spec/compile-spec.ts";
import { parseTarget } from "../../runtime/spec/spec-target.ts";
import { initialize } from "../../runtime/training/initialize.ts";
import { runTrainingStep } from "../../runtime/training/training-step.ts";
import type { StepResult } from "../../runtime/training/training-step.ts";
import { norm, numberDifference, tensorDifferences, tolerances, wholeNorm } from "./compare.ts";
import type { Difference, Target } from "./compare.ts";
import { deviceOf } from "./devices.ts";
import { generatedInputs } from "./fixture.ts";
import type { Fixture, MeasuredByName, StepFixture, TrainingFixture } from "./fixture.ts";
import { filesKeepingGradients } from "./kept-gradients.ts";
import { bringIn, giveBack, placeNets, twinPath } from "./nets.ts";
import type { PlacedNet, TheirValues } from "./nets.ts";

export interface TrainingDifferences {
  /** The loss and every gradient of the first step. */
  readonly gradients: readonly Difference[];
  /** Losses, and what each step has changed since the start: parameters, statistics, twins. */
  readonly steps: readonly Difference[];
}

export async function trainingDifferences(
  fixture: Fixture,
  training: TrainingFixture,
  target: Target,
): Promise<TrainingDifferences> {
  const { loaded, plan, batches, nets } = await startOf(fixture, training, target);
  try {
    const movers = moversOf(nets, training);
    const starts: TheirValues[] = [];
    for (const { net, at } of movers) starts.push(await giveBack(loaded, net, at));
    const gradients: Difference[] = [];
    const steps: Difference[] = [];
    for (const [step, expected] of training.steps.entries()) {
      const result = await runTrainingStep(loaded, plan, batches, step);
      const losses = lossDifferences(result, expected, step);
      steps.push(...losses);
      if (step === 0) {
        const ours = await keptGradients(loaded, nets, result.gradientNorm);
        gradients.push(...losses, ...gradientDifferences(ours, nets, training, target));
      }
      for (const [i, { net, at, name, theirs }] of movers.entries()) {
        const start = starts[i]!;
        const change = subtract(await giveBack(loaded, net, at), start);
        const floor = (of: string): number => rounding[target] * norm(start.get(of) ?? []);
        const what = `step ${step + 1} of ${name}, change`;
        const { training: tolerance } = tolerances[target];
        steps.push(...tensorDifferences(what, change, theirs(expected), tolerance, floor));
      }
    }
    return { gradients, steps };
  } finally {
    loaded.close();
  }
}

// ---- gradients ----

/** By net. What an optimizer is given is clipped: by as much as its norm is less than the whole gradient's. */
async function keptGradients(
  loaded: LoadedCompilation,
  nets: readonly PlacedNet[],
  gradientNorm: number,
): Promise<ReadonlyMap<string, TheirValues>> {
  const prefix = "kept_gradient/";
  const lengths: number[] = [];
  for (const { path } of loaded.compiled.layout.parts)
    if (path.startsWith(prefix)) lengths.push(norm(await loaded.readPart(path)));
  const scale = norm(lengths) / gradientNorm;
  const gradients = new Map<string, TheirValues>();
  for (const net of nets) {
    const kept = await giveBack(loaded, net, (path) => prefix + path);
    const whole = [...kept].map(([name, values]) => [name, values.map((value) => value / scale)] as const); // prettier-ignore
    gradients.set(net.net, new Map(whole));
  }
  return gradients;
}

function gradientDifferences(
  ours: ReadonlyMap<string, TheirValues>,
  nets: readonly PlacedNet[],
  training: TrainingFixture,
  target: Target,
): readonly Difference[] {
  const whole = norm(Object.values(training.gradients).map(wholeNorm));
  const { training: tolerance } = tolerances[target];
  const floor = (): number => 1e-6 * whole;
  return nets.flatMap((net) => {
    const theirs = { ...noGradients(net), ...training.gradients[net.net] };
    return tensorDifferences("gradient", ours.get(net.net)!, theirs, tolerance, floor);
  });
}

/** What the reference leaves alone has no gradient here either. */
function noGradients({ fixture }: PlacedNet): MeasuredByName {
  return Object.fromEntries(fixture.weights.map(({ name }) => [name, [0, 0, 0] as const]));
}

// ---- steps ----

/** What storing a parameter anew rounds off, as a part of it. */
const rounding: Readonly<Record<Target, number>> = {
  interpret: 1e-12,
  wasm: 2 ** -23,
  webgpu: 2 ** -23,
};

/** What changes as steps are taken: a net, or a twin under the names of the net that it follows. */
interface Mover {
  readonly name: string;
  readonly net: PlacedNet;
  readonly at: (path: string) => string;
  readonly theirs: (step: StepFixture) => MeasuredByName;
}

function moversOf(nets: readonly PlacedNet[], training: TrainingFixture): readonly Mover[] {
  const own = nets.map((net): Mover => ({
    name: net.net,
    net,
    at: (path) => path,
    theirs: ({ changes }) => changes[net.net] ?? {},
  }));
  const twins = Object.entries(training.twins).map(([twin, of]): Mover => ({
    name: twin,
    net: nets.find(({ net }) => net === of)!,
    at: (path) => twinPath(twin, of, path),
    theirs: ({ twins: all }) => all[twin] ?? {},
  }));
  return [...own, ...twins];
}

function subtract(now: TheirValues, start: TheirValues): TheirValues {
  return new Map(
    [...now].map(([name, values]) => {
      const before = start.get(name)!;
      return [name, values.map((value, i) => value - before[i]!)];
    }),
  );
}

function lossDifferences(
  { loss, gradientNorm, metrics }: StepResult,
  expected: StepFixture,
  step: number,
): Difference[] {
  const at = `of step ${step + 1}`;
  const named = Object.entries(expected.losses).flatMap(([name, value]) => {
    const ours = metrics[`${name}_loss`];
    return ours === undefined ? [] : [numberDifference(`loss ${name} ${at}`, ours, value)];
  });
  return [
    numberDifference(`loss ${at}`, loss, expected.losses["loss"]!),
    numberDifference(`norm of the gradient ${at}`, gradientNorm, expected.gradient_norm),
    ...named,
  ];
}

// ---- a recipe with the fixture's weights, ready for its first step ----

interface Start {
  readonly loaded: LoadedCompilation;
  readonly plan: TrainingPlan;
  readonly batches: InputBatches;
  readonly nets: readonly PlacedNet[];
}

async function startOf(
  fixture: Fixture,
  training: TrainingFixture,
  target: Target,
): Promise<Start> {
  const device = await deviceOf(target);
  const options = { files: filesKeepingGradients(), catalog: catalog() };
  const spec = parseTarget(training.recipe);
  const { compiled, library } = compileRecipeSpec(spec, options, device.settings);
  const { plan } = compiled;
  const loaded = await device.load(compiled);
  initialize(loaded, plan.seed, nodeHost.files);
  const nets = placeNets(fixture, library, compiled, (net) => net);
  for (const net of nets) bringIn(loaded, net, twinsOf(net.net, training));
  return { loaded, plan, batches: sameBatch(training, plan.batch), nets };
}

function twinsOf(net: string, { twins }: TrainingFixture): string[] {
  return Object.entries(twins).flatMap(([twin, of]) => (of === net ? [twin] : []));
}

/** The fixture's batch at every step. */
function sameBatch(training: TrainingFixture, size: number): InputBatches {
  const inputs = new Map(
    [...generatedInputs(training.inputs)].map(([name, values]): [string, BatchArray] => [
      name,
      values instanceof Uint32Array ? Int32Array.from(values) : values, // as views hand masks over
    ]),
  );
  return {
    size,
    stepsPerPass: 1,
    next: async () => ({ inputs, count: size }),
    notes: () => ({}),
    close: async () => {},
  };
}
