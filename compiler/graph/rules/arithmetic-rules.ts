// Exact identities of elementwise ops: neutral elements, and signs, which meet and vanish or move to a constant.
import { numbers } from "../../ops/attributes.ts";
import { isFloat } from "../../ops/elementwise.ts";
import { constantValue, isConstant, type Rule } from "./rule.ts";

function isPowerOfTwo(value: number): boolean {
  return value !== 0 && Number.isFinite(value) && Number.isInteger(Math.log2(Math.abs(value)));
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
];
