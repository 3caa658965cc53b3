// The flat list of modules of a model or recipe -> a tree, each node with the parameters of its own and a signature.
// Two parts with one signature do the same with parameters of the same shapes, whatever their paths.
import type { Parameter } from "../graph/graph.ts";
import type { Module } from "../graph/lowered.ts";

export interface ModuleNode {
  /** The last part of the path; an index in a repetition. */
  readonly label: string;
  readonly path: string;
  /** Absent at the top of a recipe, which has several nets. */
  readonly module: Module | undefined;
  readonly parameters: readonly OwnParameter[];
  readonly children: readonly ModuleNode[];
  /** Of everything in and below it, its own label apart. */
  readonly signature: string;
}

export interface OwnParameter {
  readonly name: string;
  readonly parameter: Parameter;
}

export function moduleTree(
  modules: readonly Module[],
  parameters: readonly Parameter[],
): ModuleNode {
  const paths = new Set(modules.map(({ path }) => path));
  const owned = groupBy(parameters, ({ path }) => nearestAbove(path, paths));
  const inside = groupBy(
    modules.filter(({ path }) => path !== ""),
    ({ path }) => nearestAbove(path, paths),
  );
  const nodeAt = (path: string, above: string, module: Module | undefined): ModuleNode => {
    const own = (owned.get(path) ?? []).map((parameter) => ({
      name: labelUnder(parameter.path, path),
      parameter,
    }));
    const children = (inside.get(path) ?? []).map((child) => nodeAt(child.path, path, child));
    const node = { label: labelUnder(path, above), path, module, parameters: own, children };
    return { ...node, signature: signatureOf(node) };
  };
  return nodeAt(
    "",
    "",
    modules.find(({ path }) => path === ""),
  );
}

function signatureOf({ module, parameters, children }: Omit<ModuleNode, "signature">): string {
  const settings = (module?.settings ?? []).map(({ name, value }) => `${name}=${value}`);
  const own = parameters.map(({ name, parameter }) => `${name}[${parameter.shape.join(",")}]`);
  const below = children.map(({ label, signature }) => `${label}:${signature}`);
  return `${module?.block ?? ""}(${[...settings, ...own, ...below].join(";")})`;
}

/** The path of the module that a path lies in; empty at the top. */
function nearestAbove(path: string, modules: ReadonlySet<string>): string {
  for (let at = above(path); at !== ""; at = above(at)) if (modules.has(at)) return at;
  return "";
}

function above(path: string): string {
  return path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
}

function labelUnder(path: string, owner: string): string {
  return owner === "" ? path : path.slice(owner.length + 1);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

export function isIndex(label: string): boolean {
  return /^\d+$/.test(label);
}
