// Random graphs for property tests: a pool of values grows by ops chosen from a seed, on small shapes that often meet.
// Values stay finite: what grows fast is squashed first.
import { Builder } from "../../../compiler/graph/builder.ts";
import type { Node, TensorGraph } from "../../../compiler/graph/graph.ts";
import { sameShape } from "../../../compiler/ops/shape.ts";
import { threefry2x32 } from "../../../compiler/ops/threefry.ts";

class Chance {
  private count = 0;
  private readonly seed: number;
  constructor(seed: number) {
    this.seed = seed;
  }
  /** 0 .. below - 1 */
  whole(below: number): number {
    return threefry2x32([this.seed, 1], [this.count++, 0])[0] % below;
  }
  of<T>(list: readonly T[]): T {
    return list[this.whole(list.length)]!;
  }
}

const shapes = [[3], [1], [2, 3], [3, 1], [2, 1, 3], [1, 1], [4, 3], [2, 3, 2]] as const;
const constants = [0, 1, -1, 2, 0.5, 3] as const;

/** A graph of about `steps` random nodes with two outputs. */
export function randomGraph(seed: number, steps = 24): TensorGraph {
  const chance = new Chance(seed);
  const g = new Builder();
  const pool: Node[] = [0, 1, 2].map((i) =>
    g.input(`x${i}`, { shape: chance.of(shapes), dtype: "f32" }),
  );
  const scalar = { shape: [], dtype: "u32" } as const;
  pool.push(g.uniform("u", [2, 3], g.input("seed", scalar), g.input("step", scalar)));
  for (let step = 0; step < steps; step++) pool.push(grow(g, chance, pool));
  const [first, second] = [pool.at(-1)!, pool.at(-2)!];
  return g.finish({
    outputs: [
      { name: "y", value: g.tanh(first) },
      { name: "z", value: second },
    ],
  });
}

function grow(g: Builder, chance: Chance, pool: readonly Node[]): Node {
  // Mostly the newest values, so that chains of views and signs come about.
  const x =
    chance.whole(3) > 0 ? pool.at(-1 - chance.whole(Math.min(3, pool.length)))! : chance.of(pool);
  const grown = chance.of([unary, binary, view, view, assembled, reduced, chosen])(
    g,
    chance,
    pool,
    x,
  );
  const size = grown.shape.reduce((a, b) => a * b, 1);
  return size > 400 ? g.sum(grown) : grown;
}

type Grow = (g: Builder, chance: Chance, pool: readonly Node[], x: Node) => Node;

const unary: Grow = (g, chance, _pool, x) => {
  const name = chance.of([
    "negate",
    "negate",
    "tanh",
    "sin",
    "stop",
    "power",
    "reciprocal",
    "negate",
  ] as const);
  if (name === "power")
    return g.power(g.plus(g.sigmoid(x), 0.1), chance.of([1, 2, 3, -1, 0.5, -0.5, 1.5]));
  if (name === "reciprocal") return g.reciprocal(g.plus(g.sigmoid(x), 0.5));
  return name === "stop" ? g.stop(x) : g.unary(name, x);
};

/** Another value of the shape, made by broadcasting or filling where there is none. */
function partner(g: Builder, chance: Chance, pool: readonly Node[], x: Node): Node {
  const same = pool.filter((node) => sameShape(node.shape, x.shape));
  if (chance.whole(3) > 0) return chance.of(same);
  if (chance.whole(2) === 0) return g.full(chance.of(constants), x);
  return x.shape.length === 0 ? x : g.spread(g.sum(x, [0]), x.shape, [0]);
}

const binary: Grow = (g, chance, pool, x) => {
  const y = partner(g, chance, pool, x);
  const [a, b] = chance.whole(2) === 0 ? [x, y] : [y, x];
  switch (chance.whole(6)) {
    case 0:
      return g.plus(a, chance.whole(2) === 0 ? b : g.negate(b));
    case 1:
      return g.subtract(a, chance.whole(2) === 0 ? b : g.negate(b));
    case 2:
      return g.multiply(g.tanh(a), g.tanh(b));
    case 3:
      return g.multiply(g.tanh(x), chance.of(constants));
    case 4:
      return g.divide(x, chance.of([1, 2, -1, 4, 3]));
    default:
      return g.plus(x, chance.of(constants));
  }
};

const view: Grow = (g, chance, _pool, x) => {
  const rank = x.shape.length;
  if (rank === 0) return g.broadcast(x, chance.of(shapes), []);
  const axis = chance.whole(rank);
  switch (chance.whole(8)) {
    case 0:
      return g.reshape(
        x,
        chance.of([[...x.shape, 1], [1, ...x.shape], [x.shape.reduce((a, b) => a * b)]]),
      );
    case 1: {
      const turn = Array.from({ length: rank }, (_, i) => (i + axis) % rank);
      const turned = g.permute(x, turn);
      return chance.whole(2) === 0 ? turned : g.permute(turned, turn.toReversed());
    }
    case 2:
      return g.flip(x, [axis]);
    case 3:
      return g.roll(x, axis, chance.of([1, -1, 3, 6]));
    case 4:
      return g.add("slice", [x], {
        starts: x.shape.map((extent) => (extent > 2 ? chance.whole(2) : 0)),
        sizes: x.shape.map((extent) => Math.max(1, extent - 1 - (extent > 2 ? 1 : 0))),
        steps: x.shape.map(() => 1),
      });
    case 5:
      return g.pad(x, x.shape.map((_, i) => (i === axis ? 1 + chance.whole(2) : 0)), x.shape.map(() => chance.whole(2)), chance.of([0, 0, 1])); // prettier-ignore
    case 6:
      return g.broadcast(x, [2, ...x.shape], x.shape.map((_, i) => i + 1)); // prettier-ignore
    default:
      return g.spread(g.sum(x, [axis]), x.shape, [axis]);
  }
};

/** Cuts a value into parts along an axis and puts them together again, or part of them. */
const assembled: Grow = (g, chance, _pool, x) => {
  const axis = x.shape.findIndex((extent) => extent > 1);
  if (axis < 0) return g.negate(x);
  const extent = x.shape[axis]!;
  const cut = 1 + chance.whole(extent - 1);
  const [low, high] = [g.sliceAxis(x, axis, 0, cut), g.sliceAxis(x, axis, cut, extent - cut)];
  const at = (count: number) => x.shape.map((_, place) => (place === axis ? count : 0));
  switch (chance.whole(6)) {
    case 0:
      return g.concat([low, high], axis);
    case 1:
      return g.concat([g.concat([high, low], axis), high], axis);
    case 2:
      return g.sliceAxis(g.concat([g.sin(low), high], axis), axis, 0, cut);
    case 3:
      return g.plus(g.pad(g.sin(low), at(0), at(extent - cut)), g.pad(g.sin(high), at(cut), at(0)));
    case 4:
      return g.concat([g.full(1, low), g.full(1, high)], axis);
    default:
      return g.pad(g.pad(x, at(1), at(0)), at(0), at(2));
  }
};

const reduced: Grow = (g, chance, _pool, x) => {
  if (x.shape.length === 0) return g.sum(g.constant(0.5, { shape: [3] }));
  const axis = chance.whole(x.shape.length);
  return chance.whole(2) === 0 ? g.multiply(g.sum(x, [axis]), 0.25) : g.max(x, [axis]);
};

const chosen: Grow = (g, chance, pool, x) => {
  const y = partner(g, chance, pool, x);
  const isLess = g.less(x, y);
  const truth = g.constant(chance.whole(2), { shape: x.shape, dtype: "bool" });
  switch (chance.whole(6)) {
    case 0:
      return g.select(g.not(isLess), x, y);
    case 1:
      return g.select(truth, x, y);
    case 2:
      return g.select(g.and(isLess, truth), x, y);
    case 3:
      return g.select(g.not(g.not(g.or(truth, isLess))), x, y);
    case 4: {
      const u = chance.of(pool.filter((node) => sameShape(node.shape, [2, 3])));
      return g.cast(g.less(u, 0.75), "f32");
    }
    default:
      return g.stop(g.stop(x));
  }
};
