// What can be computed while compiling: constants through views and elementwise ops.
// Nothing is folded into infinity or NaN: shaders may assume that there are none.
import { op as opByName } from "../../ops/registry.ts";
import { scalarMeaning } from "../../ops/scalar-meaning.ts";
import type { Node } from "../graph.ts";
import { constantValue, type Rule } from "./rule.ts";

const elementwise = ["add", "subtract", "multiply", "divide", "minimum", "maximum", "power", "modulo", "atan2", "negate", "absolute", "sign", "floor", "ceil", "round", "sqrt", "rsqrt", "reciprocal", "exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "erf", "sigmoid", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not", "select", "cast", "is_finite", "bit_and", "bit_or", "bit_xor", "shift_left", "shift_right"]; // prettier-ignore

function allValues(node: Node): number[] | undefined {
  const values = node.inputs.map(constantValue);
  return values.every((value) => value !== undefined) ? values : undefined;
}

export const constantRules: readonly Rule[] = [
  {
    name: "an elementwise op of constants is a constant",
    ops: elementwise,
    apply(g, node) {
      const op = opByName(node.op);
      const values = allValues(node);
      if (op.kind !== "elementwise" || values === undefined) return undefined;
      const meaning = scalarMeaning(op.instruction, node.dtype, node.inputs[0]!.dtype);
      const [a = 0, b = 0, c = 0] = values;
      const value = meaning(a, b, c);
      return Number.isFinite(value) ? g.full(value, node) : undefined;
    },
  },
  {
    name: "a view of a constant is a constant",
    ops: ["reshape", "permute", "slice", "broadcast", "flip", "roll", "stop", "max", "min"],
    apply(g, node) {
      const value = constantValue(node.inputs[0]!);
      return value === undefined ? undefined : g.full(value, node);
    },
  },
];
