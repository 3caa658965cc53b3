// Exact identities of elementwise ops: neutral elements, powers, signs, choices, and work lifted out of broadcasts.
import { numbers } from "../../ops/attributes.ts";
import { isFloat } from "../../ops/elementwise.ts";
import { op as opByName } from "../../ops/registry.ts";
import { elementCount, sameShape } from "../../ops/shape.ts";
import type { Node } from "../graph.ts";
import { constantValue, isConstant, type Rule } from "./rule.ts";

const binary = ["add", "subtract", "multiply", "divide", "minimum", "maximum", "power", "modulo", "atan2", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or"]; // prettier-ignore
const unary = ["negate", "absolute", "sign", "sqrt", "rsqrt", "reciprocal", "exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "erf", "sigmoid", "not", "cast", "is_finite"]; // prettier-ignore

function isPowerOfTwo(value: number): boolean {
  return value !== 0 && Number.isFinite(value) && Number.isInteger(Math.log2(Math.abs(value)));
}

/** Powers that are products or roots. WGSL's `pow` has no value for a negative base, these have. */
function powerAs(
  exponent: number,
): ((g: Parameters<Rule["apply"]>[0], x: Node) => Node) | undefined {
  switch (exponent) {
    case 1:
      return (_g, x) => x;
    case 2:
      return (g, x) => g.multiply(x, x);
    case 3:
      return (g, x) => g.multiply(g.multiply(x, x), x);
    case -1:
      return (g, x) => g.reciprocal(x);
    case 0.5:
      return (g, x) => g.sqrt(x);
    case -0.5:
      return (g, x) => g.rsqrt(x);
    default:
      return undefined;
  }
}

/** All inputs as seen before one and the same broadcast; constants fit anywhere. */
function beforeBroadcast(
  node: Node,
): { readonly inner: readonly (Node | number)[]; readonly of: Node } | undefined {
  const of = node.inputs.find((input) => input.op === "broadcast");
  if (of === undefined) return undefined;
  const axes = numbers(of.attributes, "axes");
  const inner: (Node | number)[] = [];
  for (const input of node.inputs) {
    const isSame = input.op === "broadcast" && sameShape(numbers(input.attributes, "axes"), axes);
    const value = isSame ? input.inputs[0]! : constantValue(input);
    if (value === undefined) return undefined;
    inner.push(value);
  }
  return { inner, of };
}

export const arithmeticRules: readonly Rule[] = [
  {
    name: "x + 0, x - 0, x * 1, x / 1 are x",
    ops: ["add", "subtract", "multiply", "divide"],
    apply(_g, node) {
      const [a, b] = [node.inputs[0]!, node.inputs[1]!];
      const neutral = node.op === "add" || node.op === "subtract" ? 0 : 1;
      if (isConstant(b, neutral)) return a;
      const commutes = node.op === "add" || node.op === "multiply";
      return commutes && isConstant(a, neutral) ? b : undefined;
    },
  },
  {
    name: "x * -1 is -x",
    ops: ["multiply"],
    apply(g, node) {
      const [a, b] = [node.inputs[0]!, node.inputs[1]!];
      if (isConstant(b, -1)) return g.negate(a);
      return isConstant(a, -1) ? g.negate(b) : undefined;
    },
  },
  {
    name: "dividing by a power of two is multiplying by its inverse",
    ops: ["divide"],
    apply(g, node) {
      const by = constantValue(node.inputs[1]!);
      if (by === undefined || !isPowerOfTwo(by) || !isFloat(node.dtype)) return undefined;
      return g.multiply(node.inputs[0]!, 1 / by);
    },
  },
  {
    name: "-(-x) is x",
    ops: ["negate", "not"],
    apply: (_g, node) => (node.inputs[0]!.op === node.op ? node.inputs[0]!.inputs[0] : undefined),
  },
  {
    name: "a + (-b) is a - b, a - (-b) is a + b",
    ops: ["add", "subtract"],
    apply(g, node) {
      const [a, b] = [node.inputs[0]!, node.inputs[1]!];
      if (b.op === "negate")
        return node.op === "add" ? g.subtract(a, b.inputs[0]!) : g.plus(a, b.inputs[0]!);
      return node.op === "add" && a.op === "negate" ? g.subtract(b, a.inputs[0]!) : undefined;
    },
  },
  {
    name: "a constant factor takes the sign of the other",
    ops: ["multiply", "divide"],
    apply(g, node) {
      const [a, b] = [node.inputs[0]!, node.inputs[1]!];
      const [byA, byB] = [constantValue(a), constantValue(b)];
      if (a.op === "negate" && byB !== undefined)
        return g.add(node.op, [a.inputs[0]!, g.full(-byB, b)]);
      return b.op === "negate" && byA !== undefined
        ? g.add(node.op, [g.full(-byA, a), b.inputs[0]!])
        : undefined;
    },
  },
  {
    name: "a sum of negatives is the negative of the sum",
    ops: ["sum"],
    apply(g, node) {
      const x = node.inputs[0]!;
      return x.op === "negate"
        ? g.negate(g.sum(x.inputs[0]!, numbers(node.attributes, "axes")))
        : undefined;
    },
  },
  {
    name: "small powers are products and roots",
    ops: ["power"],
    apply(g, node) {
      const exponent = constantValue(node.inputs[1]!);
      return exponent === undefined ? undefined : powerAs(exponent)?.(g, node.inputs[0]!);
    },
  },
  {
    name: "a choice by a constant, or between equals, is made",
    ops: ["select"],
    apply(_g, node) {
      const [condition, a, b] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
      if (a === b) return a;
      const value = constantValue(condition);
      if (value === undefined) return undefined;
      return value !== 0 ? a : b;
    },
  },
  {
    name: "a choice by not c is the other choice by c",
    ops: ["select"],
    apply(g, node) {
      const [condition, a, b] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
      return condition.op === "not" ? g.select(condition.inputs[0]!, b, a) : undefined;
    },
  },
  {
    name: "and, or with a constant",
    ops: ["and", "or"],
    apply(g, node) {
      const [a, b] = [node.inputs[0]!, node.inputs[1]!];
      const [value, other] =
        constantValue(b) !== undefined ? [constantValue(b), a] : [constantValue(a), b];
      if (value === undefined) return undefined;
      const decides = node.op === "and" ? value === 0 : value !== 0;
      return decides ? g.full(value === 0 ? 0 : 1, node) : other;
    },
  },
  {
    // uniform < p compares u32 bits with a threshold: no conversion, and equal on every target.
    name: "a uniform number against a constant compares its bits",
    ops: ["less", "greater_equal"],
    apply(g, node) {
      const [u, limit] = [node.inputs[0]!, constantValue(node.inputs[1]!)];
      if (limit === undefined || u.op !== "multiply" || !isConstant(u.inputs[1]!, 2 ** -24))
        return undefined;
      const cast = u.inputs[0]!;
      const bits = cast.inputs[0];
      const isUniform =
        cast.op === "cast" && bits?.op === "shift_right" && isConstant(bits.inputs[1]!, 8);
      if (!isUniform || limit < 0 || limit > 1) return undefined;
      return g.add(node.op, [bits, g.full(Math.ceil(limit * 2 ** 24), bits)]);
    },
  },
  {
    name: "what is the same all along a broadcast is computed before it",
    ops: [...binary, ...unary, "select"],
    apply(g, node) {
      const before = beforeBroadcast(node);
      if (before === undefined || opByName(node.op).kind !== "elementwise") return undefined;
      const { inner, of } = before;
      const narrow = of.inputs[0]!.shape;
      if (elementCount(narrow) >= elementCount(node.shape)) return undefined;
      const inputs = inner.map((operand, place) =>
        typeof operand === "number"
          ? g.constant(operand, { shape: narrow, dtype: node.inputs[place]!.dtype })
          : operand,
      );
      const value = g.add(node.op, inputs, node.attributes);
      return g.broadcast(value, node.shape, numbers(of.attributes, "axes"));
    },
  },
];
