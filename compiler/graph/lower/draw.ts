// `draw name shape ~ distribution`: a random tensor, drawn anew by every application. Bits come from a counter (stream,
// seed, step, element), so that a resumed run draws the same. What the usual algorithms reject and draw again is drawn
// four times here, and the first that fits is taken: a graph has no loops.
import type { TensorDraw } from "../../../grammar/syntax.ts";
import type { Node } from "../graph.ts";
import { hostApply, hostNumber } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import { sizesOf } from "./axis.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { distributions, evaluateDistribution } from "./initializer.ts";
import type { Scope } from "./scope.ts";
import { axesOfShape } from "./shape.ts";
import { poison, tensor, type DistributionValue, type Value } from "./value.ts";

const tries = 4;

export function drawTensor(e: Evaluator, statement: TensorDraw, scope: Scope): Value {
  const axes = statement.shape === undefined ? [] : axesOfShape(e, statement.shape, scope, "drawn");
  const distribution = evaluateDistribution(e, statement.distribution, scope, true);
  if (axes === undefined || distribution === undefined) return poison;
  const at = e.at(statement.distribution.span, scope);
  if (distributions[distribution.name]?.use === "initial") {
    const names = Object.keys(distributions).filter(
      (name) => distributions[name]!.use !== "initial",
    );
    return e.fail(errors.notADraw(distribution.name, names, at), scope);
  }
  const problem = outsideItsRange(distribution, axes.length);
  if (problem !== undefined) return e.fail(errors.drawRange(problem, at), scope);
  const stream = e.streamName(scope.place, statement.name.text);
  const node = e.guarded(scope, at, () => new Draw(e, stream, sizesOf(axes)).of(distribution));
  return node === undefined ? poison : tensor(node, axes);
}

function outsideItsRange(distribution: DistributionValue, rank: number): string | undefined {
  const { name, settings, byStep } = distribution;
  const number = (setting: string) => Number(settings[setting]);
  if (name === "beta" && Object.keys(byStep).length > 0)
    return "the two numbers of `beta` are the same at every step";
  if (name === "bernoulli" && !byStep["p"] && !(number("p") >= 0 && number("p") <= 1)) {
    return `\`bernoulli\` takes a probability between 0 and 1, but this is ${number("p")}`;
  }
  if (name === "beta" && !(number("a") > 0 && number("b") > 0)) {
    return `\`beta\` takes two numbers above 0, but these are ${number("a")} and ${number("b")}`;
  }
  if (name === "permutation" && rank === 0)
    return "`permutation` needs an axis to order: draw order [tokens] ~ permutation";
  return undefined;
}

/** One stream of chance and the shape it fills. */
class Draw {
  private readonly e: Evaluator;
  private readonly stream: string;
  private readonly shape: readonly number[];

  constructor(e: Evaluator, stream: string, shape: readonly number[]) {
    this.e = e;
    this.stream = stream;
    this.shape = shape;
  }

  of({ name, settings, byStep }: DistributionValue): Node {
    const g = this.e.builder;
    const number = (setting: string) => Number(settings[setting]);
    const expression = (setting: string) => byStep[setting] ?? hostNumber(number(setting));
    const value = (setting: string) => this.scalar(expression(setting));
    switch (name) {
      case "bernoulli":
        return this.bernoulli(expression("p"));
      case "uniform": {
        const length = this.scalar(hostApply("subtract", expression("high"), expression("low")));
        return g.plus(g.multiply(this.uniform(""), length), value("low"));
      }
      case "normal":
        return g.plus(g.multiply(this.normal(""), value("std")), value("mean"));
      case "truncated":
        return g.plus(g.multiply(this.truncated(), value("std")), value("mean"));
      case "permutation": {
        const bits = g.cast(g.binary("shift_right", this.bits(""), 8), "f32");
        return g.argsort(bits, this.shape.length - 1);
      }
      case "beta":
        return this.beta(number("a"), number("b"));
      default:
        throw new Error(`no draw is called ${name}`);
    }
  }

  /** A known number, or the scalar that the host writes at each step. */
  private scalar(expression: HostExpression): Node | number {
    return expression.kind === "number" ? expression.value : this.e.scalarOfStep(expression);
  }

  private bits(part: string): Node {
    const [seed, step] = this.counters();
    return this.e.builder.randomBits(this.stream + part, this.shape, seed, step);
  }

  private uniform(part: string): Node {
    const [seed, step] = this.counters();
    return this.e.builder.uniform(this.stream + part, this.shape, seed, step);
  }

  private normal(part: string): Node {
    const [seed, step] = this.counters();
    return this.e.builder.normal(this.stream + part, this.shape, seed, step);
  }

  /** What every draw of a graph is keyed by: scalars handed in for each run. */
  private counters(): [Node, Node] {
    const scalar = { shape: [], dtype: "u32" } as const;
    return [this.e.builder.input("seed", scalar), this.e.builder.input("step", scalar)];
  }

  /** The upper 24 bits against a threshold: the same on every target. */
  private bernoulli(p: HostExpression): Node {
    const g = this.e.builder;
    // Whole and at most 2 ** 24, so that single precision has it exactly.
    const threshold = this.scalar(
      hostApply("round", hostApply("multiply", p, hostNumber(2 ** 24))),
    );
    const bound = typeof threshold === "number" ? threshold : g.cast(threshold, "u32");
    return g.less(g.binary("shift_right", this.bits(""), 8), bound);
  }

  /** Within two standard deviations: 1 in 230,000 misses all tries and is cut. */
  private truncated(): Node {
    const g = this.e.builder;
    let kept = g.maximum(g.minimum(this.normal(`#${tries - 1}`), 2), -2);
    for (let i = tries - 2; i >= 0; i--) {
      const x = this.normal(`#${i}`);
      kept = g.select(g.lessEqual(g.absolute(x), 2), x, kept);
    }
    return kept;
  }

  /** G(a) / (G(a) + G(b)) of two gammas, in logarithms, so that small a and b do not vanish. */
  private beta(a: number, b: number): Node {
    const g = this.e.builder;
    return g.sigmoid(g.subtract(this.logGamma(a, "#a"), this.logGamma(b, "#b")));
  }

  /** The logarithm of a gamma variate by Marsaglia and Tsang (2000), of a + 1 for the sake of a < 1. */
  private logGamma(a: number, part: string): Node {
    const g = this.e.builder;
    const d = a + 1 - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    let kept: Node = g.full(Math.log(d), { shape: this.shape, dtype: "f32" });
    for (let i = tries - 1; i >= 0; i--) {
      const x = this.normal(`${part}${i}`);
      const base = g.plus(g.multiply(x, c), 1);
      const logV = g.multiply(g.log(g.maximum(base, 1e-6)), 3);
      const half = g.multiply(g.multiply(x, x), 0.5);
      const bound = g.plus(half, g.multiply(g.subtract(g.plus(logV, 1), g.exp(logV)), d));
      const u = g.subtract(1, this.uniform(`${part}${i}#accept`));
      const accepted = g.and(g.greater(base, 1e-6), g.less(g.log(u), bound));
      kept = g.select(accepted, g.plus(logV, Math.log(d)), kept);
    }
    const u = g.subtract(1, this.uniform(`${part}#boost`));
    return g.plus(kept, g.multiply(g.log(u), 1 / a));
  }
}
