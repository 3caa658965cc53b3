// Where each stored value lies: a buffer, and the position in it of each element.
// Claimed values lie where they were claimed for; a part of an assembled concat that is contiguous there has a buffer of
// its own `within` the whole one, so that repeated layers keep equal kernels. A value that its readers see through
// bijective views is laid out as they see it.
import { elementCount, type DType, type Node, type Origin } from "../../graph/graph.ts";
import {
  add,
  affine,
  axisIndices,
  constantIndex,
  linearIndex,
  offset,
} from "../../ops/index-arithmetic.ts";
import { numbers } from "../../ops/attributes.ts";
import type { Index } from "../../ops/index-expression.ts";
import type { Buffer } from "../kernel.ts";
import { forwardThrough, isBijective } from "./bijection.ts";
import { equalIndex } from "./group.ts";
import { isDenseAlone, type Preparation } from "./prepare.ts";
import { followsAll, type Follows } from "./rules/fusion-rule.ts";
import { layoutRule, partRule } from "./rules/placing-rules.ts";
import { operatorOf, type Sources } from "./sources.ts";

export interface Home {
  readonly buffer: number;
  /** Position of the element at these indices of the value. */
  readonly at: (indices: readonly Index[]) => Index;
  /** Row-major from the buffer's start. */
  readonly isDense: boolean;
}

export class Places {
  readonly buffers: Buffer[] = [];
  private readonly prepared: Preparation;
  private readonly sources: Sources;
  private readonly stored: ReadonlySet<Node>;
  private readonly follows: Follows;
  private readonly homes = new Map<Node, Home>();
  private readonly residents = new Map<string, number>();
  private readonly tables = new Map<string, Home>();

  constructor(
    prepared: Preparation,
    sources: Sources,
    stored: ReadonlySet<Node>,
    follows: Follows = followsAll,
  ) {
    this.prepared = prepared;
    this.sources = sources;
    this.stored = stored;
    this.follows = follows;
  }

  /** A value that lies in memory; undefined for all others. */
  homeOf(node: Node): Home | undefined {
    const known = this.homes.get(node);
    if (known !== undefined) return known;
    const home = this.makeHome(node);
    if (home !== undefined) this.homes.set(node, home);
    return home;
  }

  /** The buffer of a resident array, made where no leaf reads it. */
  resident(name: string, like: Node): number {
    const known = this.residents.get(name);
    if (known !== undefined) return known;
    const id = this.add(like, { kind: "resident", name });
    this.residents.set(name, id);
    return id;
  }

  /** A buffer of no node: partial sums, results that nothing reads. */
  scratch(length: number, dtype: DType, origin: Origin): number {
    const id = this.buffers.length;
    this.buffers.push({ id, dtype, length, role: { kind: "scratch" }, origin });
    return id;
  }

  private makeHome(node: Node): Home | undefined {
    switch (this.sources.roleOf(node)) {
      case "leaf":
        return dense(node, this.leafBuffer(node));
      case "assembled":
        return this.ownHome(node);
      case "computed":
        return this.stored.has(node) ? this.ownHome(node) : undefined;
      case "inline":
        if (node.op === "table" || node.op === "values") return this.tableHome(node);
        return node.op === "slice" ? this.sliceHome(node) : undefined;
    }
  }

  private leafBuffer(node: Node): number {
    const name = String(node.attributes["path"] ?? node.attributes["name"]);
    if (node.op !== "input") return this.resident(name, node);
    return this.add(node, { kind: "input", name });
  }

  private tableHome(node: Node): Home {
    const written = node.op === "values";
    const generator = written ? "values" : String(node.attributes["generator"]);
    const settings = written ? { values: node.attributes["values"], shape: node.shape } : node.attributes["settings"] ?? {}; // prettier-ignore
    const key = `${generator} ${JSON.stringify(settings)} ${node.shape.join()}`;
    const known = this.tables.get(key);
    if (known !== undefined) return known;
    const role = { kind: "table", generator, settings, shape: node.shape } as const;
    const home = dense(node, this.add({ ...node, dtype: "f32" }, role));
    this.tables.set(key, home);
    return home;
  }

  /** A contiguous part of what lies in memory is a buffer within it. */
  private sliceHome(node: Node): Home | undefined {
    const whole = node.inputs[0]!;
    if (this.sources.roleOf(whole) === "leaf" && !this.follows(partRule)) return undefined;
    const home = this.homeOf(whole);
    if (home === undefined || !home.isDense) return undefined;
    const starts = numbers(node.attributes, "starts");
    if (numbers(node.attributes, "steps", node.shape.map(() => 1)).some((step) => step !== 1)) return undefined; // prettier-ignore
    const first = linearIndex(starts.map(constantIndex), whole.shape);
    const own = axisIndices(node.shape);
    const read = linearIndex(own.map((index, axis) => offset(index, starts[axis]!)), whole.shape); // prettier-ignore
    if (!equalIndex(read, add(linearIndex(own, node.shape), first))) return undefined;
    if (node.shape.length === 0) return undefined;
    return partRule.home(this, node, home.buffer, first.kind === "constant" ? first.value : 0);
  }

  /** A buffer for so many elements of another, from one of them on. */
  within(node: Node, buffer: number, from: number): Home {
    const whole = this.buffers[buffer]!;
    if (from === 0 && elementCount(node.shape) === whole.length) return dense(node, buffer);
    const id = this.buffers.length;
    const { dtype, origin } = node;
    const length = elementCount(node.shape);
    this.buffers.push({ id, dtype, length, role: whole.role, within: { buffer, offset: from }, origin }); // prettier-ignore
    return dense(node, id);
  }

  private ownHome(node: Node): Home {
    const claim = this.prepared.claims.get(node);
    switch (claim?.kind) {
      case undefined:
        return this.freeHome(node);
      case "output":
        return this.seenThrough(node, claim.views, this.add(node, { kind: "output", name: claim.name })); // prettier-ignore
      case "update":
        return this.seenThrough(node, claim.views, this.add(node, { kind: "scratch" }));
      case "part":
        return this.partHome(node, claim.of, claim.start, claim.views);
    }
  }

  /** The layout of the outermost view. */
  private seenThrough(node: Node, views: readonly Node[], buffer: number): Home {
    const [seen] = views;
    if (seen === undefined) return dense(node, buffer);
    const at = (indices: readonly Index[]) =>
      linearIndex(forwardThrough(views, indices), seen.shape);
    const own = axisIndices(node.shape);
    if (equalIndex(at(own), linearIndex(own, node.shape))) return dense(node, buffer);
    return { buffer, at, isDense: false };
  }

  private partHome(node: Node, whole: Node, start: number, views: readonly Node[]): Home {
    const home = this.homeOf(whole)!;
    const axis = Number(whole.attributes["axis"]);
    const at = (indices: readonly Index[]): Index => {
      const inPiece = forwardThrough(views, indices);
      return home.at(inPiece.map((index, i) => (i === axis ? offset(index, start) : index)));
    };
    const own = axisIndices(node.shape);
    const position = affine(at(own));
    const dense = linearIndex(own, node.shape);
    if (position !== undefined && equalIndex(at(own), offset(dense, position.offset)))
      return this.within(node, home.buffer, position.offset);
    return { buffer: home.buffer, at, isDense: false };
  }

  /** Scratch, laid out as the views that everybody reads it through; attention only by strides. */
  private freeHome(node: Node): Home {
    const buffer = this.add(node, { kind: "scratch" });
    const views = this.follows(layoutRule) ? layoutRule.views(this, node) : [];
    const home = this.seenThrough(node, views, buffer);
    const isStrided = () => affine(home.at(axisIndices(node.shape))) !== undefined;
    return home.isDense || isStrided() ? home : dense(node, buffer);
  }

  /** Bijective views, outermost first, that the readers share. Attention reads any strides, so it has no say. */
  viewsOfReaders(node: Node): readonly Node[] {
    if (isDenseAlone(node)) return [];
    const views: Node[] = [];
    for (let at = node; ;) {
      const readers = (this.prepared.consumers.get(at) ?? []).filter(
        (reader) => operatorOf(reader).kind !== "structured",
      );
      const [only] = readers;
      const isChain = readers.length === 1 && only !== undefined && isBijective(only);
      if (!isChain || this.sources.roleOf(only) !== "inline") return views;
      views.unshift(only);
      at = only;
    }
  }

  private add(node: Pick<Node, "dtype" | "shape" | "origin">, role: Buffer["role"]): number {
    const id = this.buffers.length;
    const { dtype, origin } = node;
    this.buffers.push({ id, dtype, length: elementCount(node.shape), role, origin });
    return id;
  }
}

function dense(node: Node, buffer: number): Home {
  return { buffer, at: (indices) => linearIndex(indices, node.shape), isDense: true };
}
