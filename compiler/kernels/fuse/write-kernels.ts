// Groups and places -> kernels: one for each group of which something is stored.
import type { Node, Origin } from "../../graph/graph.ts";
import { numbers } from "../../ops/attributes.ts";
import { affine, axisIndices } from "../../ops/index-arithmetic.ts";
import type { Index } from "../../ops/index-expression.ts";
import type { ReductionOp } from "../../ops/op.ts";
import { elementCount } from "../../ops/shape.ts";
import type {
  AttentionKernel,
  Axis,
  Buffer,
  ContractionKernel,
  Expression,
  HeadsView,
  HostWork,
  Kernel,
  LoopKernel,
  ScatterKernel,
  Stage,
  Store,
} from "../kernel.ts";
import { goesAlongRows } from "../walk-direction.ts";
import { describe } from "./describe.ts";
import { isOverRow, type Group, type Groups, type Mapping } from "./group.ts";
import type { Places } from "./place.ts";
import type { Join } from "./join-together.ts";
import { guard, Reader } from "./reader.ts";
import { operatorOf, type Sources } from "./sources.ts";
import { mappedTo } from "./join-columns.ts";
import { splitSums, type Splitting } from "./split-sums.ts";
import { sumColumns, type ColumnSums } from "./sum-columns.ts";

export interface Written {
  readonly buffers: readonly Buffer[];
  readonly kernels: readonly (Kernel | HostWork)[];
  /** Those of the kernels that join partial sums. */
  readonly joins: readonly Join[];
}

interface WrittenLoop {
  readonly kernel: LoopKernel;
  readonly reader: Reader;
  /** What each of its reductions makes. */
  readonly reduced: readonly Node[];
}

export function writeKernels(
  groups: Groups,
  sources: Sources,
  places: Places,
  stored: ReadonlySet<Node>,
): Written {
  const writer = new Writer(groups, sources, places, stored);
  const kernels = groups.all.flatMap((group) => writer.write(group));
  return { buffers: places.buffers, kernels, joins: writer.joins };
}

class Writer {
  private readonly sources: Sources;
  private readonly places: Places;
  private readonly stored: ReadonlySet<Node>;
  /** Groups whose sums another one looks after. */
  private readonly givenAway: ReadonlySet<Group>;
  readonly joins: Join[] = [];
  private count = 0;

  constructor(groups: Groups, sources: Sources, places: Places, stored: ReadonlySet<Node>) {
    this.sources = sources;
    this.places = places;
    this.stored = stored;
    const walks = groups.all.filter((group) => this.resultsOf(group).length > 0);
    this.givenAway = new Set(walks.flatMap(({ columns }) => [...columns.keys()]));
  }

  write(group: Group): (Kernel | HostWork)[] {
    const results = this.resultsOf(group);
    if (results.length === 0 || this.givenAway.has(group)) return [];
    switch (group.kind) {
      case "loop":
        return this.loop(group, results);
      case "contraction":
        return [this.contraction(group, results)];
      case "attention":
        return [this.attention(group)];
      case "scatter":
        return [this.scatter(group)];
      case "host":
        return [this.onHost(group)];
    }
  }

  private resultsOf(group: Group): Node[] {
    return [...group.members].filter((member) => this.stored.has(member));
  }

  private base(group: Group, results: readonly Node[]) {
    const root = results.includes(group.root) || group.kind !== "loop" ? group.root : results[0]!;
    const after = this.waitsOf(group);
    return {
      id: this.count++,
      ...describe(root, [...group.members]),
      ...(after.length > 0 ? { after } : {}),
    };
  }

  /**
   * The buffers of what a group waits for: its members do, or what they read that is made here again. Where an awaited
   * value does not lie in memory, what it is made from is awaited.
   */
  private waitsOf(group: Group): readonly number[] {
    const made = new Set<Node>(group.members);
    const awaited = new Set<Node>();
    for (const node of made) {
      for (const base of this.sources.waitsOf(node)) awaited.add(base);
      for (const base of this.sources.basesBehind(node))
        if (this.sources.roleOf(base) === "computed" && !this.stored.has(base)) made.add(base);
    }
    const buffers = new Set<number>();
    for (const node of awaited) {
      if (made.has(node) || this.sources.roleOf(node) === "leaf") continue;
      const home = this.places.homeOf(node);
      if (home !== undefined) buffers.add(home.buffer);
      else for (const base of this.sources.basesBehind(node)) awaited.add(base);
    }
    return [...buffers];
  }

  private storeOf(node: Node, mapping: Mapping, value: Expression): Store {
    const home = this.places.homeOf(node)!;
    return { buffer: home.buffer, index: home.at(mapping), value };
  }

  // ---- loops ----

  private loop(group: Group, results: readonly Node[]): LoopKernel[] {
    const written = this.writeLoop(group, results);
    const columns = [...group.columns.keys()].filter((sums) => this.resultsOf(sums).length > 0);
    if (columns.length > 0 && goesAlongRows(written.kernel)) return this.withColumns(group, columns, written); // prettier-ignore
    return [
      ...this.split(group, written.kernel),
      ...columns.flatMap((sums) => this.split(sums, this.writeLoop(sums).kernel)),
    ];
  }

  /** Sums of other groups made in the walk of this one. */
  private withColumns(
    group: Group,
    columns: readonly Group[],
    { kernel, reader }: WrittenLoop,
  ): LoopKernel[] {
    const all = columns.map((sums): ColumnSums => {
      const positions = group.columns.get(sums)!;
      const own = this.writeLoop(sums);
      const values = own.reduced.map((node) => reader.read(node.inputs[0]!, mappedTo(operandMapping(sums, node), positions))); // prettier-ignore
      return { kernel: own.kernel, values, inWalk: (index) => mappedTo([index], positions)[0]! };
    });
    const kernels = [kernel, ...all.map((sums) => sums.kernel)];
    const after = [...new Set(kernels.flatMap((each) => each.after ?? []))];
    const walk: LoopKernel = {
      ...kernel,
      macs: kernels.reduce((sum, { macs }) => sum + macs, 0),
      flops: kernels.reduce((sum, { flops }) => sum + flops, 0),
      ...(after.length > 0 ? { after } : {}),
    };
    return sumColumns(walk, all, this.splitting(kernel.origin));
  }

  private split(group: Group, kernel: LoopKernel): LoopKernel[] {
    return group.isNarrow ? splitSums(kernel, this.splitting(kernel.origin)) : [kernel];
  }

  private splitting(origin: Origin): Splitting {
    return {
      scratch: (length, dtype) => this.places.scratch(length, dtype, origin),
      nextId: () => this.count++,
      joined: (kernel, partials) => this.joins.push({ kernel, partials }),
    };
  }

  /** One kernel for all of a group, whatever the length of its sums. */
  private writeLoop(group: Group, results: readonly Node[] = this.resultsOf(group)): WrittenLoop {
    const stages: Stage[] = [];
    const made = new Map<Node, Expression>();
    const reader = new Reader(this.places, group, (node) => {
      if (this.sources.isPointwise(node)) return undefined;
      const known = made.get(node);
      if (known !== undefined) return known;
      const { reducer } = operatorOf(node) as ReductionOp;
      const operand = node.inputs[0]!;
      const value = reader.read(operand, operandMapping(group, node));
      const { dtype } = node;
      const stage = stages.push({ kind: "reduce", reducer, value, dtype }) - 1;
      const expression: Expression = { kind: "reduced", stage, dtype };
      made.set(node, expression);
      return expression;
    });
    const stores = results.map((node): Stage => {
      const mapping = group.at.get(node)!;
      const over = isOverRow(group, mapping) ? ("row" as const) : ("grid" as const);
      return {
        kind: "store",
        over,
        store: this.storeOf(node, mapping, reader.read(node, mapping)),
      };
    });
    const isRow = (axis: Axis) => group.row?.has(axis.id) === true;
    const kernel: LoopKernel = {
      ...this.base(group, results),
      kind: "loop",
      grid: group.axes.filter((axis) => !isRow(axis)),
      row: group.axes.filter(isRow),
      stages: [...stages, ...stores],
    };
    return { kernel, reader, reduced: [...made.keys()] };
  }

  // ---- products ----

  private contraction(group: Group, results: readonly Node[]): ContractionKernel {
    const domain = group.domain!;
    const root = group.root;
    const reader = new Reader(this.places, group, (node) =>
      node === root ? { kind: "accumulator", dtype: node.dtype } : undefined,
    );
    const operands = new Reader(this.places);
    const [a, b] = [
      operands.read(root.inputs[0]!, domain.a),
      operands.read(root.inputs[1]!, domain.b),
    ];
    const sums = group.sums.map(({ node, operand }) => {
      const indices = operand === "b" ? domain.b : domain.a;
      const home = this.places.homeOf(node)!;
      const reduced = numbers(node.attributes, "axes");
      const kept = indices.filter((_, axis) => !reduced.includes(axis));
      return [operand === "b" ? "sumOfB" : "sumOfA", { buffer: home.buffer, index: home.at(kept) }];
    });
    const summed = new Set(group.sums.map(({ node }) => node));
    const stores = results
      .filter((node) => !summed.has(node))
      .map((node) => {
        const mapping = group.at.get(node)!;
        return this.storeOf(node, mapping, reader.read(node, mapping));
      });
    return {
      ...this.base(group, results),
      kind: "contraction",
      batch: domain.batch,
      m: domain.m,
      n: domain.n,
      k: domain.k,
      a: guard(domain.conditions, a, reader.number(0, a.dtype)),
      b,
      stores,
      ...Object.fromEntries(sums),
    };
  }

  // ---- structured ----

  private attention(group: Group): AttentionKernel {
    const { root } = group;
    const member = (name: string) => [...group.members].find((node) => node.op === name);
    const isForward = root.op === "attention" || root.op === "attention_statistics";
    const [q, k] = [root.inputs[0]!, root.inputs[1]!];
    const v = member("attention")?.inputs[2] ?? (isForward ? k : root.inputs[2]!);
    const leading = q.shape.slice(0, -2);
    const batch = leading.slice(0, -1);
    const heads = leading.at(-1) ?? 1;
    const result = (name: string, shape: readonly number[]) =>
      this.headsOut(member(name), shape, root.origin);
    const shared = {
      ...this.base(group, [...group.members]),
      kind: "attention",
      batch,
      heads,
      queries: q.shape.at(-2)!,
      keys: k.shape.at(-2)!,
      channels: q.shape.at(-1)!,
      valueChannels: v.shape.at(-1)!,
      scale: Number(root.attributes["scale"]),
      q: this.headsIn(q),
      k: this.headsIn(k),
      v: this.headsIn(v),
    } as const;
    if (isForward) {
      const statistics = member("attention_statistics");
      return {
        ...shared,
        pass: "forward",
        output: result("attention", [...q.shape.slice(0, -1), v.shape.at(-1)!]),
        statistics:
          statistics !== undefined && this.stored.has(statistics)
            ? this.denseBuffer(statistics)
            : this.places.scratch(elementCount(q.shape.slice(0, -1)), "f32", root.origin),
      };
    }
    return {
      ...shared,
      pass: "backward",
      output: this.headsIn(root.inputs[3]!),
      statistics: this.denseBuffer(root.inputs[4]!),
      dOutput: this.headsIn(root.inputs[5]!),
      dq: result("attention_gradient_q", q.shape),
      dk: result("attention_gradient_k", k.shape),
      dv: result("attention_gradient_v", v.shape),
    };
  }

  private headsIn(node: Node): HeadsView {
    const found = this.sources.place(node);
    if (found === undefined) throw new Error(`fusing: attention cannot read \`${node.op}\``);
    const home = this.places.homeOf(found.base);
    if (home === undefined)
      throw new Error(`fusing: \`${found.base.op}\` is not stored for attention`);
    return headsView(home.buffer, home.at(found.indices), node.shape);
  }

  private headsOut(node: Node | undefined, shape: readonly number[], origin: Origin): HeadsView {
    const home =
      node !== undefined && this.stored.has(node) ? this.places.homeOf(node)! : undefined;
    if (home !== undefined) return headsView(home.buffer, home.at(axisIndices(shape)), shape);
    const buffer = this.places.scratch(elementCount(shape), "f32", origin);
    return headsView(buffer, densePosition(shape), shape);
  }

  /** The buffer of an operand that a template reads row-major from its start. */
  private denseBuffer(node: Node): number {
    const found = this.sources.place(node);
    const home = found && this.places.homeOf(found.base);
    if (home === undefined || !home.isDense)
      throw new Error(`fusing: \`${node.op}\` of \`${node.origin.path}\` is not dense in memory`);
    return home.buffer;
  }

  private scatter(group: Group): ScatterKernel {
    const { root } = group;
    const [values, indices] = [root.inputs[0]!, root.inputs[1]!];
    const batch = Number(root.attributes["batch"] ?? 0);
    return {
      ...this.base(group, [root]),
      kind: "scatter",
      outer: elementCount(indices.shape.slice(0, batch)),
      count: elementCount(indices.shape.slice(batch)),
      size: Number(root.attributes["size"]),
      inner: elementCount(values.shape.slice(indices.shape.length)),
      indices: this.denseBuffer(indices),
      values: this.denseBuffer(values),
      output: this.denseBuffer(root),
    };
  }

  private onHost(group: Group): HostWork {
    const { root } = group;
    const array = (node: Node) => ({ buffer: this.denseBuffer(node), shape: node.shape, dtype: node.dtype }); // prettier-ignore
    return {
      ...this.base(group, [root]),
      kind: "host",
      op: root.op,
      attributes: root.attributes,
      inputs: root.inputs.map(array),
      output: array(root),
    };
  }
}

function operandMapping(group: Group, reduction: Node): Mapping {
  const mapping = group.at.get(reduction.inputs[0]!);
  if (mapping === undefined) throw new Error(`fusing: nothing says where a sum's operand is`);
  return mapping;
}

function densePosition(shape: readonly number[]): Index {
  let stride = elementCount(shape);
  const terms = axisIndices(shape).map((index, axis): Index => {
    stride /= shape[axis]!;
    return { kind: "multiply", by: stride, of: index };
  });
  return { kind: "add", terms };
}

/** Strides of each axis; a view without a head axis has one head. */
function headsView(buffer: number, position: Index, shape: readonly number[]): HeadsView {
  const form = affine(position);
  if (form === undefined) throw new Error("fusing: attention reads and writes by strides only");
  const strides = shape.map((_, axis) => form.strides.get(axis) ?? 0);
  if (shape.length === 2) strides.unshift(0);
  return { buffer, offset: form.offset, strides };
}
