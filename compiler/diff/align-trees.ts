// Two trees of modules -> which part of one is which of the other.
// By label first; what is left by signature (a rename). Repetitions are aligned as sequences, so that an inserted
// layer is one insertion and not a change of all that follow.
import { isIndex } from "./module-tree.ts";
import type { ModuleNode, OwnParameter } from "./module-tree.ts";

export interface AlignedNode {
  readonly from: ModuleNode;
  readonly to: ModuleNode;
  readonly parameters: Alignment<OwnParameter>;
  readonly children: Alignment<ModuleNode> & { readonly nodes: readonly AlignedNode[] };
}

export interface Alignment<T> {
  readonly pairs: readonly (readonly [T, T])[];
  readonly removed: readonly T[];
  readonly added: readonly T[];
}

export function alignTrees(from: ModuleNode, to: ModuleNode): AlignedNode {
  const children = alignChildren(from.children, to.children);
  return {
    from,
    to,
    parameters: alignByName(from.parameters, to.parameters, nameOf, shapeOf),
    children: { ...children, nodes: children.pairs.map(([a, b]) => alignTrees(a, b)) },
  };
}

const nameOf = ({ name }: OwnParameter): string => name;
const shapeOf = ({ parameter }: OwnParameter): string => parameter.shape.join(" ");
const labelOf = ({ label }: ModuleNode): string => label;
const signatureOf = ({ signature }: ModuleNode): string => signature;

function alignChildren(
  from: readonly ModuleNode[],
  to: readonly ModuleNode[],
): Alignment<ModuleNode> {
  const areNumbered = [...from, ...to].every(({ label }) => isIndex(label));
  return areNumbered
    ? alignSequences(from, to, signatureOf)
    : alignByName(from, to, labelOf, signatureOf);
}

/** Equal names, then equal content of what has no partner yet, in order. */
function alignByName<T>(
  from: readonly T[],
  to: readonly T[],
  name: (item: T) => string,
  content: (item: T) => string,
): Alignment<T> {
  const partners = new Map<T, T>();
  const taken = new Set<T>();
  for (const key of [name, content]) {
    for (const item of from) {
      if (partners.has(item)) continue;
      const partner = to.find((other) => !taken.has(other) && key(other) === key(item));
      if (partner === undefined) continue;
      partners.set(item, partner);
      taken.add(partner);
    }
  }
  return {
    pairs: [...partners],
    removed: from.filter((item) => !partners.has(item)),
    added: to.filter((item) => !taken.has(item)),
  };
}

/** The longest common subsequence of equal content; what lies between two matches is paired in order. */
function alignSequences<T>(
  from: readonly T[],
  to: readonly T[],
  content: (item: T) => string,
): Alignment<T> {
  const pairs: (readonly [T, T])[] = [];
  const removed: T[] = [];
  const added: T[] = [];
  let a = 0;
  let b = 0;
  const between = (endA: number, endB: number): void => {
    while (a < endA && b < endB) pairs.push([from[a++]!, to[b++]!]);
    while (a < endA) removed.push(from[a++]!);
    while (b < endB) added.push(to[b++]!);
  };
  for (const [matchA, matchB] of commonSubsequence(from.map(content), to.map(content))) {
    between(matchA, matchB);
    pairs.push([from[a++]!, to[b++]!]);
  }
  between(from.length, to.length);
  return { pairs, removed, added };
}

/** Index pairs, the earliest possible, so that of equal layers the last ones count as new. */
function commonSubsequence(a: readonly string[], b: readonly string[]): [number, number][] {
  const lengths = [...a, ""].map(() => [...b, ""].map(() => 0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i]![j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const matches: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) matches.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return matches;
}
