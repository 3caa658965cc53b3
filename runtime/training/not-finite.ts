// A step whose loss or gradient was not finite -> the error that names the first module that broke.
// The step is run again by the interpreter on the same batch and the same parameters (it left them as they were), each
// value rounded to single precision, so that what overflows there overflows here. The culprit is a node that is not
// finite though all it reads is, and from which a trail of such nodes leads to the loss; infinities that a mask throws
// away are on no such trail.
import type { Node, TensorGraph } from "../../compiler/graph/graph.ts";
import { isHalf } from "../../compiler/ops/half.ts";
import { createInterpreter } from "../device/interpret.ts";
import type { LoadedCompilation } from "../device/loaded-compilation.ts";
import { WorldError } from "../errors.ts";
import type { EntryRun } from "./training-step.ts";

export interface BrokenStep {
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** The entries that were run, in order, with all their inputs. */
  readonly runs: readonly EntryRun[];
  /** Steps that were taken after it before this was seen: those that were sound have renewed the parameters. */
  readonly stepsSince: number;
  /** The folder of the newest checkpoint, if there is one. */
  readonly checkpoint: string | null;
}

export async function explainNotFinite(
  loaded: LoadedCompilation,
  broken: BrokenStep,
): Promise<WorldError> {
  const culprit = await findCulprit(loaded, broken);
  const { step, loss, gradientNorm, stepsSince } = broken;
  const what = Number.isFinite(loss)
    ? `the gradient's norm is ${gradientNorm} (the loss is ${loss})`
    : `the loss is ${loss}`;
  const where = culprit
    ? `the first that broke is ${describe(culprit)}`
    : stepsSince > 0
      ? `with the parameters as they are ${stepsSince} steps later all its values are finite`
      : "the interpreter finds all values finite in this step, so that only this device breaks there";
  const left = broken.checkpoint
    ? `the checkpoint ${broken.checkpoint} is intact`
    : "there is no checkpoint yet";
  return new WorldError(
    "not-finite",
    `in step ${step} ${what}; ${where}; ${left}`,
    culprit ? advice(culprit) : adviceWithoutCulprit(stepsSince),
  );
}

function adviceWithoutCulprit(stepsSince: number): string {
  return stepsSince > 0
    ? "go on from the last checkpoint with --metrics-every 1, which names the first that breaks"
    : "try --device wasm, and tell us what the device is";
}

interface Culprit {
  readonly node: Node;
  /** The path of a resident part that was broken before the step began. */
  readonly part?: string;
}

async function findCulprit(
  loaded: LoadedCompilation,
  broken: BrokenStep,
): Promise<Culprit | undefined> {
  const finite = new Map<Node, boolean>();
  const oracle = createInterpreter(loaded.compiled, {
    observe: (node, values) => finite.set(node, roundAndCheck(node, values)),
  });
  const brokenParts: string[] = [];
  for (const { path, role } of loaded.compiled.layout.parts) {
    if (role === "accumulator") continue; // holds what the broken step has added up; its runs begin from zero
    const values = await loaded.readPart(path);
    if (!values.every(Number.isFinite)) brokenParts.push(path);
    oracle.writePart(path, values);
  }
  for (const { entry, inputs } of broken.runs) {
    finite.clear();
    oracle.run(entry, inputs);
    const graph = loaded.compiled.graphs.find(({ name }) => name === entry)!.graph;
    const node = firstOnTrail(graph, finite);
    if (!node) continue;
    const [part] = node.op === "resident" ? brokenParts : [];
    return part === undefined ? { node } : { node, part };
  }
  return undefined;
}

/** Rounds as a device would store, in place; true where all is finite. */
function roundAndCheck(node: Node, values: Float64Array): boolean {
  let isFinite = true;
  for (let i = 0; i < values.length; i++) {
    const value = node.dtype === "f32" ? Math.fround(values[i]!) : values[i]!;
    values[i] = value;
    isFinite &&= Number.isFinite(value);
  }
  return isFinite;
}

/** The first broken node on a trail of broken nodes that ends in an output or an update. */
function firstOnTrail(graph: TensorGraph, finite: ReadonlyMap<Node, boolean>): Node | undefined {
  const isBroken = (node: Node): boolean => finite.get(node) === false;
  const roots = graph.outputs.map(({ value }) => value).filter(isBroken);
  // an accumulate entry has no metrics: what it breaks are the sums
  if (roots.length === 0) roots.push(...graph.updates.map(({ value }) => value).filter(isBroken));
  const seen = new Set<Node>();
  const open = [...roots];
  let first: Node | undefined;
  while (open.length > 0) {
    const node = open.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    const before = node.inputs.filter(isBroken);
    if (before.length > 0) open.push(...before);
    else if (first === undefined || node.id < first.id) first = node;
  }
  return first;
}

function describe({ node, part }: Culprit): string {
  if (part !== undefined) return `\`${part}\`, which was not finite before the step`;
  if (node.op === "input") return `the input \`${String(node.attributes["name"])}\``;
  const { path, role, file } = node.origin;
  const place = path === "" ? "the recipe itself" : `\`${path}\``;
  const within = role === undefined ? "" : ` in its ${role}`;
  return `\`${node.op}\` of ${place}${within}${file === undefined ? "" : ` (${file})`}`;
}

function advice({ node, part }: Culprit): string {
  if (part !== undefined) return "start again, or from an earlier checkpoint";
  if (isHalf(node.dtype)) return "it is too large for a half (65,504): normalise it, lower the learning rate, or set `precision = f32`"; // prettier-ignore
  if (node.op === "input") return "look at the data and at the operations of its view";
  if (["log", "sqrt", "rsqrt", "divide", "reciprocal"].includes(node.op))
    return "add a small number to what it takes (an eps), or lower the learning rate";
  return "lower the learning rate, lengthen its warm-up, or set `clip = 1.0`; then run again";
}
