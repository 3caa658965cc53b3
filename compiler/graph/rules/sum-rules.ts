// Sums in gradients: what is constant along a sum stands outside of it, and what is centred adds up to nothing.
// These are identities of real numbers, not of floats: they change rounding (towards fewer roundings), so they are
// applied once, after differentiation. Then the sums that a normalisation's gradient needs are two of the same walk:
// sum dY and sum dY * (x - mean), whatever scale, inverse deviation or dropped mean stood inside.
import { numbers } from "../../ops/attributes.ts";
import { isFloat } from "../../ops/elementwise.ts";
import type { Notation } from "../../ops/notation.ts";
import { otherAxes, pick, sameShape } from "../../ops/shape.ts";
import type { Node } from "../graph.ts";
import { matchCentred } from "../match-centred.ts";
import { constantValue, type Rule } from "./rule.ts";

/** How far a product is looked into, and how many terms of a sum are. */
const mostDepth = 4;
const mostTerms = 16;

/** A sum's operand and the axes it runs over, with the axes it keeps. */
interface Along {
  readonly axes: readonly number[];
  readonly kept: readonly number[];
  readonly shape: readonly number[];
}

interface Term {
  readonly node: Node;
  readonly isNegative: boolean;
}

export const sumRules: readonly Rule[] = [
  {
    // One varying factor alone stays: its sum may be made for nothing while a product packs that very operand.
    name: "factors that are constant along a sum of products stand outside of it",
    ops: ["sum"],
    apply(g, node) {
      const along = alongOf(node);
      const { varying } = factorsOf(node.inputs[0]!, along);
      return varying.length < 2 ? undefined : takenOut(g, node.inputs[0]!, along);
    },
  },
  {
    name: "what is centred along a sum adds nothing to it",
    ops: ["sum"],
    apply(g, node) {
      const along = alongOf(node);
      const left = withoutCentred(node.inputs[0]!, along);
      if (left === undefined) return undefined;
      const [only] = left;
      if (only === undefined) return g.full(0, node);
      if (left.length > 1) return g.sum(total(g, left), along.axes);
      const sum = takenOut(g, only.node, along) ?? g.sum(only.node, along.axes);
      return only.isNegative ? g.negate(sum) : sum;
    },
  },
];

function alongOf(sum: Node): Along {
  const { shape } = sum.inputs[0]!;
  const axes = numbers(sum.attributes, "axes").toSorted((a, b) => a - b);
  return { axes, kept: otherAxes(shape.length, axes), shape };
}

/** The sum of a product with its constant factors outside; undefined where it has none. */
function takenOut(g: Notation, product: Node, along: Along): Node | undefined {
  const { varying, constant } = factorsOf(product, along);
  if (constant.length === 0 || varying.length === 0) return undefined;
  // In the order of their making, so that products of the same factors are the same.
  const inside = varying
    .toSorted((a, b) => a.id - b.id)
    .reduce((made, factor) => g.multiply(made, factor));
  const sum = g.sum(inside, along.axes);
  return constant.reduce((made, factor) => g.multiply(made, beside(g, factor, along)), sum);
}

interface Factors {
  readonly varying: readonly Node[];
  readonly constant: readonly Node[];
}

/** What is multiplied. A product of which every factor varies is one of the varying factors. */
function factorsOf(node: Node, along: Along, depth = mostDepth): Factors {
  if (isConstantAlong(node, along)) return { varying: [], constant: [node] };
  if (node.op !== "multiply" || !isFloat(node.dtype) || depth === 0)
    return { varying: [node], constant: [] };
  const parts = node.inputs.map((input) => factorsOf(input, along, depth - 1));
  const constant = parts.flatMap((part) => part.constant);
  if (constant.length === 0) return { varying: [node], constant };
  return { varying: parts.flatMap((part) => part.varying), constant };
}

/**
 * What is added up, through additions, subtractions and negations, without what is centred; undefined where nothing is,
 * or where it is too much to look at.
 */
function withoutCentred(node: Node, along: Along): readonly Term[] | undefined {
  const left: Term[] = [];
  const open: Term[] = [{ node, isNegative: false }];
  let isDropped = false;
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > mostTerms) return undefined;
    const term = open.pop()!;
    if (isCentred(term.node, along)) isDropped = true;
    else {
      const inner = innerTerms(term);
      if (inner === undefined) left.push(term);
      else open.push(...inner.toReversed());
    }
  }
  return isDropped ? left : undefined;
}

function innerTerms({ node, isNegative }: Term): readonly Term[] | undefined {
  const [a, b] = node.inputs;
  switch (node.op) {
    case "add":
      return [
        { node: a!, isNegative },
        { node: b!, isNegative },
      ];
    case "subtract":
      return [
        { node: a!, isNegative },
        { node: b!, isNegative: !isNegative },
      ];
    case "negate":
      return [{ node: a!, isNegative: !isNegative }];
    default:
      return undefined;
  }
}

function total(g: Notation, terms: readonly Term[]): Node {
  const [first, ...rest] = terms;
  const start = first!.isNegative ? g.negate(first!.node) : first!.node;
  return rest.reduce(
    (made, { node, isNegative }) => (isNegative ? g.subtract(made, node) : g.plus(made, node)),
    start,
  );
}

function isConstantAlong(node: Node, { axes }: Along): boolean {
  if (constantValue(node) !== undefined) return true;
  if (node.op !== "broadcast") return false;
  const own = numbers(node.attributes, "axes");
  return !axes.some((axis) => own.includes(axis));
}

/** A factor that is constant along a sum, in the shape of the sum. */
function beside(g: Notation, factor: Node, { kept, shape }: Along): Node {
  const narrow = { shape: pick(shape, kept), dtype: factor.dtype };
  const value = constantValue(factor);
  if (value !== undefined) return g.full(value, narrow);
  const own = numbers(factor.attributes, "axes");
  return g.broadcast(factor.inputs[0]!, narrow.shape, own.map((axis) => kept.indexOf(axis))); // prettier-ignore
}

/** Whether a term is `(x - mean of x along the sum)` times factors that are constant along it. */
function isCentred(term: Node, along: Along): boolean {
  if (!isFloat(term.dtype)) return false;
  const { varying } = factorsOf(term, along);
  const centred = varying.length === 1 ? matchCentred(varying[0]!) : undefined;
  return centred !== undefined && sameShape(centred.axes, along.axes);
}
