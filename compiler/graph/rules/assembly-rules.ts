// Parts put together again: the gradients of slices are padded and added up, which is a concat where they meet;
// parts of one array that lie end to end are one part of it, a slice of one part of a concat is that part.
import { number, numbers } from "../../ops/attributes.ts";
import type { Notation } from "../../ops/notation.ts";
import { elementCount, rowMajorStrides } from "../../ops/shape.ts";
import type { Node } from "../graph.ts";
import type { Rule } from "./rule.ts";

/** A value that lies at [start, start + extent) of one axis of zeros. */
interface Part {
  readonly value: Node;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** A pad with zeros along one axis only. */
function partOf(node: Node): Part | undefined {
  if (node.op !== "pad" || node.attributes["value"] !== 0) return undefined;
  if (numbers(node.attributes, "interior").some((count) => count > 0)) return undefined;
  const value = node.inputs[0]!;
  const padded = node.shape.flatMap((extent, axis) => (extent === value.shape[axis] ? [] : [axis]));
  const [axis] = padded;
  if (axis === undefined || padded.length > 1) return undefined;
  const start = numbers(node.attributes, "before")[axis]!;
  return { value, axis, start, end: start + value.shape[axis]! };
}

/** The parts that a tree of additions adds up, if it adds nothing else; undefined past `most` of them. */
function addedParts(node: Node, most = 16): readonly Part[] | undefined {
  if (node.op !== "add") {
    const part = partOf(node);
    return part && [part];
  }
  const left = addedParts(node.inputs[0]!, most - 1);
  const right = left && addedParts(node.inputs[1]!, most - left.length);
  return right && left.length + right.length <= most ? [...left, ...right] : undefined;
}

/** Parts of one axis, in order, each beginning where the one before ends. */
function inRow(parts: readonly Part[]): readonly Part[] | undefined {
  const sorted = parts.toSorted((a, b) => a.start - b.start);
  const meets = sorted.every(
    (part, i) => i === 0 || (part.axis === sorted[0]!.axis && part.start === sorted[i - 1]!.end),
  );
  return meets ? sorted : undefined;
}

function padAxis(g: Notation, x: Node, axis: number, before: number, after: number): Node {
  const at = (count: number) => x.shape.map((_, place) => (place === axis ? count : 0));
  return g.pad(x, at(before), at(after));
}

/** Consecutive elements of an array, in the order in which they lie. */
interface Run {
  readonly of: Node;
  readonly start: number;
}

/** Through reshapes and slices that leave what they take in one piece. */
function runOf(node: Node, start = 0): Run {
  if (node.op === "reshape") return runOf(node.inputs[0]!, start);
  const whole = node.inputs[0]!;
  if (node.op !== "slice" || !isInOnePiece(node)) return { of: node, start };
  const strides = rowMajorStrides(whole.shape);
  const first = numbers(node.attributes, "starts").map((at, axis) => at * strides[axis]!);
  return runOf(whole, start + first.reduce((sum, each) => sum + each, 0));
}

/** One element along the axes before the first that it cuts to more, and all of those behind it. */
function isInOnePiece(slice: Node): boolean {
  if (numbers(slice.attributes, "steps").some((step) => step !== 1)) return false;
  const first = slice.shape.findIndex((extent) => extent !== 1);
  return slice.shape.every((extent, axis) => axis <= first || extent === slice.inputs[0]!.shape[axis]); // prettier-ignore
}

export const assemblyRules: readonly Rule[] = [
  {
    name: "padded parts that meet add up to their concat",
    ops: ["add"],
    apply(g, node) {
      const parts = addedParts(node);
      const row = parts && inRow(parts);
      if (row === undefined) return undefined;
      const [first, last] = [row[0]!, row.at(-1)!];
      const joined = g.concat(row.map((part) => part.value), first.axis); // prettier-ignore
      return padAxis(g, joined, first.axis, first.start, node.shape[first.axis]! - last.end);
    },
  },
  {
    name: "a concat of concats is one concat",
    ops: ["concat"],
    apply(g, node) {
      const axis = number(node.attributes, "axis");
      const isInner = (input: Node) =>
        input.op === "concat" && number(input.attributes, "axis") === axis;
      if (!node.inputs.some(isInner)) return undefined;
      return g.concat(node.inputs.flatMap((input) => (isInner(input) ? input.inputs : [input])), axis); // prettier-ignore
    },
  },
  {
    // Weights that are stacked, and the parts of a stack's gradient on their way into the flat gradient.
    name: "parts of an array that lie end to end are one part",
    ops: ["concat"],
    apply(g, node) {
      const axis = number(node.attributes, "axis");
      if (elementCount(node.shape.slice(0, axis)) !== 1) return undefined;
      const runs: { first: Run; extent: number; size: number; readonly only: Node }[] = [];
      for (const input of node.inputs) {
        const [run, size] = [runOf(input), elementCount(input.shape)];
        const last = runs.at(-1);
        if (last?.first.of === run.of && last.first.start + last.size === run.start) {
          last.extent += input.shape[axis]!;
          last.size += size;
        } else runs.push({ first: run, extent: input.shape[axis]!, size, only: input });
      }
      if (runs.length === node.inputs.length) return undefined;
      const pieces = runs.map(({ first: { of, start }, extent, size, only }) => {
        if (size === elementCount(only.shape)) return only;
        const flat = g.slice(g.reshape(of, [elementCount(of.shape)]), [start], [size]);
        return g.reshape(flat, node.shape.with(axis, extent));
      });
      return g.concat(pieces, axis);
    },
  },
  {
    name: "a slice inside one part of a concat is a slice of that part",
    ops: ["slice"],
    apply(g, node) {
      const joined = node.inputs[0]!;
      if (joined.op !== "concat") return undefined;
      const axis = number(joined.attributes, "axis");
      const [starts, steps] = [
        numbers(node.attributes, "starts"),
        numbers(node.attributes, "steps"),
      ];
      const last = starts[axis]! + steps[axis]! * (node.shape[axis]! - 1);
      let from = 0;
      for (const part of joined.inputs) {
        const end = from + part.shape[axis]!;
        if (starts[axis]! >= from && last < end)
          return g.slice(part, starts.with(axis, starts[axis]! - from), node.shape, steps);
        from = end;
      }
      return undefined;
    },
  },
];
