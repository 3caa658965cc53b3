// An alignment of two trees -> every single difference, in the order of the model, each with what it does to a checkpoint.
import type { Parameter } from "../graph/graph.ts";
import { elementCount } from "../graph/graph.ts";
import type { AlignedNode } from "./align-trees.ts";
import { gridResize } from "./grid-resize.ts";
import type { ModuleNode, OwnParameter } from "./module-tree.ts";

export interface FoundChange {
  readonly kind: "added" | "removed" | "changed";
  readonly path: string;
  /** Of what is added or removed: its block, or the shape of a parameter. */
  readonly what: string;
  /** Elements of what is added or removed. */
  readonly parameters: number;
  /** Of a change: `heads`, or one of `block`, `path`, `shape` and `initializer`. */
  readonly setting?: string;
  readonly from?: string;
  readonly to?: string;
  /** What a checkpoint needs because of it. */
  readonly adaptation?: string;
}

export function gatherChanges(node: AlignedNode): FoundChange[] {
  return [
    ...moduleChanges(node),
    ...node.parameters.pairs.flatMap(([a, b]) => parameterChanges(a, b)),
    ...node.parameters.removed.map((own) => ownChange("removed", own)),
    ...node.parameters.added.map((own) => ownChange("added", own)),
    ...node.children.nodes.flatMap(gatherChanges),
    ...node.children.removed.map((child) => partChange("removed", child)),
    ...node.children.added.map((child) => partChange("added", child)),
  ];
}

const change = { kind: "changed", what: "", parameters: 0 } as const;

function moduleChanges({ from, to }: AlignedNode): FoundChange[] {
  const changes: FoundChange[] = [];
  const { path } = to;
  const isRenamed = from.label !== to.label && !/^\d+$/.test(to.label);
  if (isRenamed) {
    const adaptation = from.module?.parameters === 0 ? {} : { adaptation: "renamed on load" };
    changes.push({
      ...change,
      path: from.path,
      setting: "path",
      from: from.path,
      to: path,
      ...adaptation,
    });
  }
  const blocks = { from: from.module?.block ?? "", to: to.module?.block ?? "" };
  if (blocks.from !== blocks.to) changes.push({ ...change, path, setting: "block", ...blocks });
  const before = new Map(from.module?.settings.map(({ name, value }) => [name, value]));
  const after = new Map(to.module?.settings.map(({ name, value }) => [name, value]));
  for (const setting of new Set([...before.keys(), ...after.keys()])) {
    const values = { from: before.get(setting) ?? "", to: after.get(setting) ?? "" };
    // Another block has other settings: those that it lacks go without saying.
    const isShared = before.has(setting) && after.has(setting);
    if (blocks.from !== blocks.to && !isShared) continue;
    if (values.from !== values.to) changes.push({ ...change, path, setting, ...values });
  }
  return changes;
}

function parameterChanges(a: OwnParameter, b: OwnParameter): FoundChange[] {
  const { path } = b.parameter;
  const changes: FoundChange[] = [];
  if (a.name !== b.name) {
    const names = { from: a.parameter.path, to: path };
    changes.push({
      ...change,
      path: names.from,
      setting: "path",
      ...names,
      adaptation: "renamed on load",
    });
  }
  const shapes = { from: showShape(a.parameter), to: showShape(b.parameter) };
  if (shapes.from !== shapes.to) {
    const sides = gridResize(a.parameter.shape, b.parameter.shape);
    const adaptation =
      sides === undefined
        ? "begins anew"
        : `resized on load (${sides.from} x ${sides.from} to ${sides.to} x ${sides.to})`;
    changes.push({ ...change, path, setting: "shape", ...shapes, adaptation });
  }
  const starts = { from: showStart(a.parameter), to: showStart(b.parameter) };
  const isSameStart =
    JSON.stringify(a.parameter.initializer) === JSON.stringify(b.parameter.initializer);
  if (!isSameStart && shapes.from === shapes.to)
    changes.push({ ...change, path, setting: "initializer", ...starts });
  return changes;
}

function ownChange(kind: "added" | "removed", { parameter }: OwnParameter): FoundChange {
  return {
    kind,
    path: parameter.path,
    what: showShape(parameter),
    parameters: elementCount(parameter.shape),
    adaptation: kind === "added" ? "begins anew" : "dropped from the checkpoint",
  };
}

function partChange(kind: "added" | "removed", { path, module }: ModuleNode): FoundChange {
  const parameters = module?.parameters ?? 0;
  const effect = kind === "added" ? "begins anew" : "dropped from the checkpoint";
  return {
    kind,
    path,
    what: module?.block ?? "",
    parameters,
    ...(parameters > 0 ? { adaptation: effect } : {}),
  };
}

function showShape({ shape }: Parameter): string {
  return `[${shape.join(", ")}]`;
}

function showStart({ initializer: { kind, settings } }: Parameter): string {
  const shown = Object.entries(settings).map(([name, value]) => `${name} = ${shortNumber(value)}`);
  return shown.length === 0 ? kind : `${kind}(${shown.join(", ")})`;
}

function shortNumber(value: number | string | readonly number[]): string {
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}
