// A product or convolution -> its axes by role and what it reads: the one form that templates know.
//   dot              batch, m (rest of a), n (rest of b), k (shared)
//   convolve         m = image and place in it, n = output channel, k = kernel place and input channel; a reads x
//                    through the window, guarded at the border and between the zeros of an input dilation
//   convolve_weight  m = kernel place and input channel, n = output channel, k = image and place
// Groups are a batch axis.
import type { Node } from "../../graph/graph.ts";
import { convolutionOf, type Convolution } from "../../ops/convolve.ts";
import { dotAxes } from "../../ops/dot.ts";
import { add, axisIndex, divide, modulo, multiply, offset } from "../../ops/index-arithmetic.ts";
import type { Condition, Index } from "../../ops/index-expression.ts";
import type { Axis } from "../kernel.ts";

export interface ContractionDomain {
  readonly batch: readonly Axis[];
  readonly m: readonly Axis[];
  readonly n: readonly Axis[];
  readonly k: readonly Axis[];
  readonly a: readonly Index[];
  /** Elsewhere a is zero. */
  readonly conditions: readonly Condition[];
  readonly b: readonly Index[];
  /** Element of the result at (batch, m, n). */
  readonly output: readonly Index[];
}

export function contractionDomain(node: Node): ContractionDomain {
  switch (node.op) {
    case "dot":
      return dotDomain(node);
    case "convolve":
      return convolveDomain(node);
    case "convolve_weight":
      return weightDomain(node);
    default:
      throw new Error(`no contraction is called \`${node.op}\``);
  }
}

class Axes {
  private count = 0;
  take(extents: readonly number[]): Axis[] {
    return extents.map((extent) => ({ id: this.count++, extent }));
  }
}

function index(axis: Axis): Index {
  return axisIndex(axis.id, axis.extent);
}

function dotDomain(node: Node): ContractionDomain {
  const [a, b] = [node.inputs[0]!, node.inputs[1]!];
  const roles = dotAxes(a, b, node.attributes);
  const axes = new Axes();
  const extents = (of: Node, list: readonly number[]) => list.map((axis) => of.shape[axis]!);
  const batch = axes.take(extents(a, roles.batchA));
  const m = axes.take(extents(a, roles.freeA));
  const n = axes.take(extents(b, roles.freeB));
  const k = axes.take(extents(a, roles.contractA));
  const spread = (of: Node, places: readonly (readonly [readonly number[], readonly Axis[]])[]) => {
    const indices: Index[] = of.shape.map(() => ({ kind: "constant", value: 0 }));
    for (const [list, from] of places) list.forEach((axis, i) => (indices[axis] = index(from[i]!)));
    return indices;
  };
  return {
    batch,
    m,
    n,
    k,
    a: spread(a, [[roles.batchA, batch], [roles.freeA, m], [roles.contractA, k]]), // prettier-ignore
    conditions: [],
    b: spread(b, [[roles.batchB, batch], [roles.freeB, n], [roles.contractB, k]]), // prettier-ignore
    output: [...batch, ...m, ...n].map(index),
  };
}

function groupAxes(axes: Axes, groups: number): Axis[] {
  return groups === 1 ? [] : axes.take([groups]);
}

function channel(group: readonly Axis[], inner: Axis): Index {
  const [first] = group;
  return first === undefined
    ? index(inner)
    : add(multiply(index(first), inner.extent), index(inner));
}

/** Places of x that output place `y` meets at kernel place `w`, and where they exist. */
function windowRead(y: readonly Axis[], w: readonly Axis[], x: readonly number[], at: Convolution) {
  const conditions: Condition[] = [];
  const places = x.map((extent, axis): Index => {
    const [before, step] = [at.before[axis]!, at.inputDilation[axis]!];
    const reach = add(
      multiply(index(y[axis]!), at.stride[axis]!),
      multiply(index(w[axis]!), at.dilation[axis]!),
    );
    // reach = before + step * j with 0 <= j < extent; the shift keeps what is divided at or above 0.
    const shift = Math.ceil(before / step) * step - before;
    const moved = offset(reach, shift);
    const skipped = (before + shift) / step;
    if (step > 1) conditions.push({ index: modulo(moved, step), low: 0, high: 1 });
    const quotient = divide(moved, step);
    conditions.push({ index: quotient, low: skipped, high: skipped + extent });
    return offset(quotient, -skipped);
  });
  return { places, conditions };
}

function convolveDomain(node: Node): ContractionDomain {
  const [x, w] = [node.inputs[0]!, node.inputs[1]!];
  const spatial = x.shape.length - 2;
  const at = convolutionOf(node.attributes, spatial);
  const axes = new Axes();
  const batch = groupAxes(axes, at.groups);
  const m = axes.take(node.shape.slice(0, -1));
  const n = axes.take([node.shape.at(-1)! / at.groups]);
  const k = axes.take(w.shape.slice(0, -1));
  const read = windowRead(m.slice(1), k.slice(0, -1), x.shape.slice(1, -1), at);
  const output = channel(batch, n[0]!);
  return {
    batch,
    m,
    n,
    k,
    a: [index(m[0]!), ...read.places, channel(batch, k.at(-1)!)],
    conditions: read.conditions,
    b: [...k.map(index), output],
    output: [...m.map(index), output],
  };
}

function weightDomain(node: Node): ContractionDomain {
  const [x, dY] = [node.inputs[0]!, node.inputs[1]!];
  const spatial = x.shape.length - 2;
  const at = convolutionOf(node.attributes, spatial);
  const axes = new Axes();
  const batch = groupAxes(axes, at.groups);
  const m = axes.take(node.shape.slice(0, -1));
  const n = axes.take([node.shape.at(-1)! / at.groups]);
  const k = axes.take(dY.shape.slice(0, -1));
  const read = windowRead(k.slice(1), m.slice(0, -1), x.shape.slice(1, -1), at);
  const output = channel(batch, n[0]!);
  return {
    batch,
    m,
    n,
    k,
    a: [index(k[0]!), ...read.places, channel(batch, m.at(-1)!)],
    conditions: read.conditions,
    b: [...k.map(index), output],
    output: [...m.map(index), output],
  };
}
