// Modules and parameters of a model -> the rows of `vit summary`: a tree in which equal neighbours of a repetition are one row.
import type { Parameter } from "../graph/graph.ts";
import { elementCount } from "../graph/graph.ts";
import type { Module } from "../graph/lowered.ts";
import { isIndex, moduleTree } from "./module-tree.ts";
import type { ModuleNode } from "./module-tree.ts";

export interface SummaryRow {
  /** 0 for the model itself. */
  readonly depth: number;
  /** `attn`, `0..11`, or the name of a parameter that the module above owns. */
  readonly label: string;
  readonly path: string;
  readonly block: string;
  /** Of all that the row stands for. */
  readonly parameters: number;
  readonly macs: number;
  /** Of a parameter its shape. */
  readonly output: string;
  /** Modules that the row stands for: more than one where equal layers are folded. */
  readonly count: number;
  readonly kind: "module" | "parameter";
}

export interface SummaryOptions {
  /** Every layer on a row of its own. */
  readonly unfolded?: boolean;
}

export function summaryRows(
  modules: readonly Module[],
  parameters: readonly Parameter[],
  { unfolded = false }: SummaryOptions = {},
): SummaryRow[] {
  const rowsOf = (group: readonly ModuleNode[], depth: number): SummaryRow[] => {
    const node = group[0]!;
    const { path, module } = node;
    const own: SummaryRow[] = node.children.length === 0 ? [] : ownRows(node, depth + 1);
    const below = folded(node.children, unfolded).flatMap((each) => rowsOf(each, depth + 1));
    if (module === undefined) return [...own, ...below];
    const total = (figure: "parameters" | "macs") =>
      group.reduce((sum, each) => sum + (each.module?.[figure] ?? 0), 0);
    const row: SummaryRow = {
      depth,
      label: labelOf(group),
      path,
      block: module.block,
      parameters: total("parameters"),
      macs: total("macs"),
      output: module.output,
      count: group.length,
      kind: "module",
    };
    return [row, ...own, ...below];
  };
  const tree = moduleTree(modules, parameters);
  return tree.module === undefined
    ? tree.children.flatMap((child) => rowsOf([child], 0))
    : rowsOf([tree], 0);
}

/** What a module with parts owns itself, such as a position table. */
function ownRows({ parameters }: ModuleNode, depth: number): SummaryRow[] {
  return parameters.map(({ name, parameter }) => ({
    depth,
    label: name,
    path: parameter.path,
    block: "",
    parameters: elementCount(parameter.shape),
    macs: 0,
    output: `[${parameter.shape.join(", ")}]`,
    count: 1,
    kind: "parameter",
  }));
}

/** Runs of neighbours in a repetition that are equal in everything. */
function folded(nodes: readonly ModuleNode[], unfolded: boolean): ModuleNode[][] {
  const groups: ModuleNode[][] = [];
  for (const node of nodes) {
    const last = groups.at(-1)?.at(-1);
    const isAlike =
      !unfolded &&
      last !== undefined &&
      isIndex(node.label) &&
      last.signature === node.signature &&
      last.module?.output === node.module?.output &&
      last.module?.macs === node.module?.macs;
    if (isAlike) groups.at(-1)!.push(node);
    else groups.push([node]);
  }
  return groups;
}

function labelOf(group: readonly ModuleNode[]): string {
  const first = group[0]!.label;
  return group.length === 1 ? first : `${first}..${group.at(-1)!.label}`;
}
