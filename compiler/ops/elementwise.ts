// The elementwise ops, a table: each is a scalar instruction of the same name, a type rule, and its gradient.
// Inputs have one shape (broadcasting is a view). In a gradient, x, a, b are inputs, y is the result, d is dOutput.
import type { DType, Node, TensorType } from "../graph/graph.ts";
import { dtypeOf } from "./attributes.ts";
import { applyElementwise } from "./elementwise-loop.ts";
import type { Notation } from "./notation.ts";
import type { ElementwiseOp, Sample, ScalarInstruction } from "./op.ts";
import { OpError } from "./op.ts";
import { sameShape, showShape } from "./shape.ts";

/** Which element types an op takes, and what it gives. */
type Rule = "float" | "number" | "compare" | "logic" | "bits" | "select" | "cast" | "is_finite";

type Range = readonly [number, number];

interface Entry {
  readonly inputs: number;
  readonly rule: Rule;
  /** Where samples of each input lie: away from kinks and poles. */
  readonly ranges: readonly Range[];
  readonly isSmooth?: boolean;
  readonly gradient?: (at: {
    readonly g: Notation;
    readonly a: Node;
    readonly b: Node;
    readonly c: Node;
    readonly y: Node;
    readonly d: Node;
    readonly wanted: readonly boolean[];
  }) => readonly (Node | undefined)[];
}

const floats: readonly DType[] = ["f32", "f16", "bf16"];
const numbers: readonly DType[] = [...floats, "i32", "u32"];

const wide: Range = [-2, 2];
const positive: Range = [0.3, 2];

const table: { readonly [I in ScalarInstruction]: Entry } = {
  // d(a + b) = da + db
  add: { inputs: 2, rule: "number", ranges: [wide, wide], gradient: ({ d }) => [d, d] },
  // d(a - b) = da - db
  subtract: {
    inputs: 2,
    rule: "number",
    ranges: [wide, wide],
    gradient: ({ g, d, wanted }) => [d, wanted[1] ? g.negate(d) : undefined],
  },
  // d(a b) = b da + a db
  multiply: {
    inputs: 2,
    rule: "number",
    ranges: [wide, wide],
    gradient: ({ g, a, b, d, wanted }) => [
      wanted[0] ? g.multiply(d, b) : undefined,
      wanted[1] ? g.multiply(d, a) : undefined,
    ],
  },
  // d(a / b) = da / b - (a / b) db / b
  divide: {
    inputs: 2,
    rule: "number",
    ranges: [wide, positive],
    gradient: ({ g, b, y, d, wanted }) => {
      const dA = g.divide(d, b);
      return [dA, wanted[1] ? g.negate(g.multiply(dA, y)) : undefined];
    },
  },
  minimum: {
    inputs: 2,
    rule: "number",
    ranges: [wide, wide],
    gradient: ({ g, a, b, d, wanted }) => toWinner(g, g.less(a, b), g.less(b, a), d, wanted),
  },
  maximum: {
    inputs: 2,
    rule: "number",
    ranges: [wide, wide],
    gradient: ({ g, a, b, d, wanted }) => toWinner(g, g.greater(a, b), g.greater(b, a), d, wanted),
  },
  // d(a^b) = b a^(b-1) da + a^b log(a) db; log(a) is taken as 0 where a is not positive
  power: {
    inputs: 2,
    rule: "float",
    ranges: [positive, wide],
    gradient: ({ g, a, b, y, d, wanted }) => [
      wanted[0] ? g.multiply(d, g.multiply(b, g.power(a, g.subtract(b, 1)))) : undefined,
      wanted[1] ? g.multiply(d, g.multiply(y, g.log(g.select(g.greater(a, 0), a, 1)))) : undefined,
    ],
  },
  // a mod b = a - b floor(a / b); floor is flat
  modulo: {
    inputs: 2,
    rule: "number",
    ranges: [
      [0.1, 0.9],
      [1, 2],
    ],
    gradient: ({ g, a, b, d, wanted }) => [
      d,
      wanted[1] ? g.negate(g.multiply(d, g.unary("floor", g.divide(a, b)))) : undefined,
    ],
  },
  // d atan2(a, b) = (b da - a db) / (a^2 + b^2)
  atan2: {
    inputs: 2,
    rule: "float",
    ranges: [positive, positive],
    gradient: ({ g, a, b, d }) => {
      const scaled = g.divide(d, g.plus(g.multiply(a, a), g.multiply(b, b)));
      return [g.multiply(scaled, b), g.negate(g.multiply(scaled, a))];
    },
  },

  negate: { inputs: 1, rule: "number", ranges: [wide], gradient: ({ g, d }) => [g.negate(d)] },
  // d|x| = sign(x) dx
  absolute: {
    inputs: 1,
    rule: "number",
    ranges: [positive],
    gradient: ({ g, a, d }) => [g.multiply(d, g.sign(a))],
  },
  sign: { inputs: 1, rule: "number", ranges: [wide], isSmooth: false },
  floor: { inputs: 1, rule: "float", ranges: [wide], isSmooth: false },
  ceil: { inputs: 1, rule: "float", ranges: [wide], isSmooth: false },
  round: { inputs: 1, rule: "float", ranges: [wide], isSmooth: false },
  // d sqrt(x) = dx / (2 sqrt(x))
  sqrt: {
    inputs: 1,
    rule: "float",
    ranges: [positive],
    gradient: ({ g, y, d }) => [g.divide(g.multiply(d, 0.5), y)],
  },
  // d x^(-1/2) = -1/2 x^(-3/2) dx
  rsqrt: {
    inputs: 1,
    rule: "float",
    ranges: [positive],
    gradient: ({ g, y, d }) => [g.multiply(g.multiply(d, -0.5), g.multiply(y, g.multiply(y, y)))],
  },
  // d(1 / x) = -dx / x^2
  reciprocal: {
    inputs: 1,
    rule: "float",
    ranges: [positive],
    gradient: ({ g, y, d }) => [g.negate(g.multiply(d, g.multiply(y, y)))],
  },
  // d e^x = e^x dx
  exp: { inputs: 1, rule: "float", ranges: [wide], gradient: ({ g, y, d }) => [g.multiply(d, y)] },
  // d log(x) = dx / x
  log: {
    inputs: 1,
    rule: "float",
    ranges: [positive],
    gradient: ({ g, a, d }) => [g.divide(d, a)],
  },
  // d log(1 + x) = dx / (1 + x)
  log1p: {
    inputs: 1,
    rule: "float",
    ranges: [[-0.5, 2]],
    gradient: ({ g, a, d }) => [g.divide(d, g.plus(a, 1))],
  },
  // d(e^x - 1) = e^x dx
  expm1: {
    inputs: 1,
    rule: "float",
    ranges: [wide],
    gradient: ({ g, y, d }) => [g.multiply(d, g.plus(y, 1))],
  },
  // d sin(x) = cos(x) dx
  sin: { inputs: 1, rule: "float", ranges: [wide], gradient: ({ g, a, d }) => [g.multiply(d, g.cos(a))] }, // prettier-ignore
  // d cos(x) = -sin(x) dx
  cos: {
    inputs: 1,
    rule: "float",
    ranges: [wide],
    gradient: ({ g, a, d }) => [g.negate(g.multiply(d, g.sin(a)))],
  },
  // d tanh(x) = (1 - tanh(x)^2) dx
  tanh: {
    inputs: 1,
    rule: "float",
    ranges: [wide],
    gradient: ({ g, y, d }) => [g.multiply(d, g.subtract(1, g.multiply(y, y)))],
  },
  // d erf(x) = 2 / sqrt(pi) e^(-x^2) dx
  erf: {
    inputs: 1,
    rule: "float",
    ranges: [wide],
    gradient: ({ g, a, d }) => [
      g.multiply(d, g.multiply(g.exp(g.negate(g.multiply(a, a))), 2 / Math.sqrt(Math.PI))),
    ],
  },
  // d s(x) = s(x) (1 - s(x)) dx
  sigmoid: {
    inputs: 1,
    rule: "float",
    ranges: [wide],
    gradient: ({ g, y, d }) => [g.multiply(d, g.multiply(y, g.subtract(1, y)))],
  },

  less: { inputs: 2, rule: "compare", ranges: [wide, wide], isSmooth: false },
  less_equal: { inputs: 2, rule: "compare", ranges: [wide, wide], isSmooth: false },
  greater: { inputs: 2, rule: "compare", ranges: [wide, wide], isSmooth: false },
  greater_equal: { inputs: 2, rule: "compare", ranges: [wide, wide], isSmooth: false },
  equal: { inputs: 2, rule: "compare", ranges: [wide, wide], isSmooth: false },
  not_equal: { inputs: 2, rule: "compare", ranges: [wide, wide], isSmooth: false },
  and: { inputs: 2, rule: "logic", ranges: [], isSmooth: false },
  or: { inputs: 2, rule: "logic", ranges: [], isSmooth: false },
  not: { inputs: 1, rule: "logic", ranges: [], isSmooth: false },
  // d(c ? a : b) = c ? da : db
  select: {
    inputs: 3,
    rule: "select",
    ranges: [wide, wide],
    gradient: ({ g, a, d, wanted }) => [
      undefined,
      wanted[1] ? g.select(a, d, 0) : undefined,
      wanted[2] ? g.select(a, 0, d) : undefined,
    ],
  },
  // Between floats the gradient is cast back; an integer has none.
  cast: {
    inputs: 1,
    rule: "cast",
    ranges: [wide],
    gradient: ({ g, a, y, d }) => [
      isFloat(a.dtype) && isFloat(y.dtype) ? g.cast(d, a.dtype) : undefined,
    ],
  },
  is_finite: { inputs: 1, rule: "is_finite", ranges: [wide], isSmooth: false },
  bit_and: { inputs: 2, rule: "bits", ranges: [], isSmooth: false },
  bit_or: { inputs: 2, rule: "bits", ranges: [], isSmooth: false },
  bit_xor: { inputs: 2, rule: "bits", ranges: [], isSmooth: false },
  shift_left: { inputs: 2, rule: "bits", ranges: [], isSmooth: false },
  shift_right: { inputs: 2, rule: "bits", ranges: [], isSmooth: false },
};

export function isFloat(dtype: DType): boolean {
  return floats.includes(dtype);
}

/**
 * Gradient of a minimum or maximum goes to the input that won. A tie is halved where both want one (PyTorch's rule);
 * against a constant it gives nothing, so that max(x, 0) is relu with gradient 0 at 0.
 */
function toWinner(
  g: Notation,
  aWins: Node,
  bWins: Node,
  d: Node,
  wanted: readonly boolean[],
): readonly (Node | undefined)[] {
  if (!wanted[1]) return [g.select(aWins, d, 0), undefined];
  if (!wanted[0]) return [undefined, g.select(bWins, d, 0)];
  const half = g.multiply(d, 0.5);
  return [
    g.select(aWins, d, g.select(bWins, 0, half)),
    g.select(bWins, d, g.select(aWins, 0, half)),
  ];
}

function inferElementwise(
  name: string,
  entry: Entry,
  inputs: readonly TensorType[],
): readonly number[] {
  if (inputs.length !== entry.inputs)
    throw new OpError(`\`${name}\` takes ${entry.inputs} inputs, not ${inputs.length}`);
  const [first, ...others] = inputs;
  for (const other of others)
    if (!sameShape(other.shape, first!.shape))
      throw new OpError(
        `\`${name}\` needs equal shapes, but has ${showShape(first!.shape)} and ${showShape(other.shape)}`,
      );
  return first!.shape;
}

/** The element types that a rule takes. */
const takes: { readonly [R in Rule]: readonly DType[] } = {
  float: floats,
  number: numbers,
  compare: [...numbers, "bool"],
  logic: ["bool"],
  bits: ["u32"],
  select: [...numbers, "bool"],
  cast: [...numbers, "bool"],
  is_finite: floats,
};

function checkTypes(name: string, rule: Rule, inputs: readonly TensorType[]): void {
  const valued = rule === "select" ? inputs.slice(1) : inputs;
  if (rule === "select" && inputs[0]!.dtype !== "bool")
    throw new OpError(`\`select\` chooses by a bool, not by ${inputs[0]!.dtype}`);
  for (const input of valued) {
    if (!takes[rule].includes(input.dtype))
      throw new OpError(`\`${name}\` takes ${takes[rule].join(", ")}, not ${input.dtype}`);
    if (input.dtype !== valued[0]!.dtype)
      throw new OpError(
        `\`${name}\` needs one element type, but has ${valued[0]!.dtype} and ${input.dtype}`,
      );
  }
}

const sampleShapes: readonly (readonly number[])[] = [[], [1], [3, 5], [2, 33], [65]];

function samplesOf(instruction: ScalarInstruction, entry: Entry): Sample[] {
  const bools = { integers: [0, 2] as const, dtype: "bool" as const };
  const bits = { integers: [0, 1000] as const, dtype: "u32" as const };
  const integers = { integers: [-9, 9] as const, dtype: "i32" as const };
  const places = Array.from({ length: entry.inputs }, (_, place) => place);
  const of = (
    shape: readonly number[],
    input: (place: number) => Omit<Sample["inputs"][number], "shape">,
  ): Sample => ({
    inputs: places.map((place) => ({ shape, ...input(place) })),
    attributes: instruction === "cast" ? { dtype: "f32" } : {},
    differentiable: entry.isSmooth ?? true,
  });
  const real = (place: number) => ({ dtype: "f32" as const, range: entry.ranges[place] ?? wide });
  switch (entry.rule) {
    case "logic":
      return sampleShapes.map((shape) => of(shape, () => bools));
    case "bits":
      return sampleShapes.map((shape) => of(shape, () => bits));
    case "select":
      return sampleShapes.map((shape) =>
        of(shape, (place) => (place === 0 ? bools : real(place - 1))),
      );
    case "cast":
      return [
        ...sampleShapes.map((shape) => of(shape, real)),
        { ...of([3, 5], real), attributes: { dtype: "i32" }, differentiable: false },
        { ...of([3, 5], () => integers), differentiable: false },
        { ...of([7], () => bits), differentiable: false },
        { ...of([7], () => bools), attributes: { dtype: "i32" }, differentiable: false },
      ];
    case "number":
    case "compare": {
      const whole =
        instruction === "divide" || instruction === "modulo" ? [] : [of([3, 5], () => integers)];
      return [
        ...sampleShapes.map((shape) => of(shape, real)),
        ...whole.map((sample) => ({ ...sample, differentiable: false })),
      ];
    }
    case "float":
    case "is_finite":
      return sampleShapes.map((shape) => of(shape, real));
  }
}

function elementwise(instruction: ScalarInstruction, entry: Entry): ElementwiseOp {
  const { rule, gradient } = entry;
  return {
    kind: "elementwise",
    name: instruction,
    instruction,
    infer(inputs, attributes) {
      const shape = inferElementwise(instruction, entry, inputs);
      checkTypes(instruction, rule, inputs);
      const isClaim = rule === "compare" || rule === "is_finite" || rule === "logic";
      const dtype = rule === "cast" ? dtypeOf(attributes) : isClaim ? "bool" : inputs.at(-1)!.dtype;
      return { shape, dtype };
    },
    evaluate: (inputs, node) =>
      applyElementwise(instruction, inputs, node.output.dtype, node.inputs[0]!.dtype),
    ...(gradient && {
      gradient: (g, y, d, wanted) => {
        const [a, b = a, c = a] = y.inputs;
        const flows = gradient({ g, a: a!, b: b!, c: c!, y, d, wanted });
        return flows.map((flow, place) => (wanted[place] ? flow : undefined));
      },
    }),
    samples: samplesOf(instruction, entry),
  };
}

export const elementwiseOps: readonly ElementwiseOp[] = (
  Object.entries(table) as [ScalarInstruction, Entry][]
).map(([instruction, entry]) => elementwise(instruction, entry));
