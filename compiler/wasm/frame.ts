// Where an expression is evaluated: the positions of axes, the vector axis, and what has been worked out already.
// Frames nest like the loops around them; a value found in an outer frame is used unless an axis it depends on has
// moved since. `hoist` and `prepareAddresses` work out ahead of a loop what does not change in it.
import type { DType } from "../graph/graph.ts";
import { dataOf, indicesOf, partsOf } from "../kernels/expression.ts";
import type { Expression } from "../kernels/kernel.ts";
import { rangeOf } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { elementBytes } from "./bound-buffers.ts";
import type { FactTable } from "./expression-facts.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { formOf } from "./lanes.ts";
import type { Form, Term } from "./lanes.ts";

/** Position on an axis; `bytes` is four times it where a loop counts in bytes. */
export interface Position {
  readonly element: Operand;
  readonly bytes?: Operand;
}

/** A partly finished byte address: what is left to add. */
interface PartialAddress {
  readonly address: Operand;
  readonly rest: Form;
}

/** What a kernel's function shares among all its frames. */
export interface KernelContext {
  readonly f: FunctionBuilder;
  readonly facts: FactTable;
  /** Byte address of a buffer, by id. */
  readonly addressOf: (buffer: number) => Local;
  readonly dtypeOf: (buffer: number) => DType;
}

export interface FrameChanges {
  /** Positions of axes that were not set before, or are set anew. */
  readonly at?: readonly (readonly [number, Position])[];
  /** Fixed distances added to positions. */
  readonly shift?: readonly (readonly [number, number])[];
  readonly vector?: { readonly axis: number; readonly width: 4 | 1 };
  readonly reduced?: ReadonlyMap<number, Local>;
  readonly accumulator?: Local;
}

export class Frame {
  readonly context: KernelContext;
  readonly vector: { readonly axis: number; readonly width: 4 | 1 };
  private readonly parent: Frame | undefined;
  private readonly changes: FrameChanges;
  private readonly moved: ReadonlySet<number>;
  private readonly values = new Map<Expression, Local>();
  /** By buffer, then by index: two arrays may be read at one and the same index. */
  private readonly addresses = new Map<number, Map<Index, PartialAddress>>();
  private readonly integers = new Map<Index, Operand>();

  constructor(context: KernelContext, parent?: Frame, changes: FrameChanges = {}) {
    this.context = context;
    this.parent = parent;
    this.changes = changes;
    this.vector = changes.vector ?? parent?.vector ?? { axis: -1, width: 1 };
    this.moved = new Set([
      ...(changes.at ?? []).map(([axis]) => axis),
      ...(changes.shift ?? []).map(([axis]) => axis),
    ]);
  }

  child(changes: FrameChanges = {}): Frame {
    return new Frame(this.context, this, changes);
  }

  // ---- positions ----

  position(axis: number): Position | undefined {
    const own = this.changes.at?.find(([of]) => of === axis);
    return own?.[1] ?? this.parent?.position(axis);
  }

  /** Sum of the shifts of an axis since its position was set. */
  shiftOf(axis: number): number {
    const own = this.changes.shift?.find(([of]) => of === axis)?.[1] ?? 0;
    if (this.changes.at?.some(([of]) => of === axis)) return own;
    return own + (this.parent?.shiftOf(axis) ?? 0);
  }

  reduced(stage: number): Local | undefined {
    return this.changes.reduced?.get(stage) ?? this.parent?.reduced(stage);
  }

  accumulator(): Local | undefined {
    return this.changes.accumulator ?? this.parent?.accumulator();
  }

  // ---- values ----

  /** What an expression is known to be here. */
  valueOf(expression: Expression): Local | undefined {
    const own = this.values.get(expression);
    if (own !== undefined || this.parent === undefined) return own;
    const facts = this.context.facts.of(expression);
    for (const axis of this.moved) if (facts.axes.has(axis)) return undefined;
    if (facts.stages.size > 0 && this.changes.reduced !== undefined) return undefined;
    if (facts.accumulates && this.changes.accumulator !== undefined) return undefined;
    // A vector of four has no meaning where lanes are taken one by one, and the other way round.
    if (this.changes.vector !== undefined && facts.axes.has(this.vector.axis)) return undefined;
    return this.parent.valueOf(expression);
  }

  remember(expression: Expression, value: Local): void {
    this.values.set(expression, value);
  }

  /** Takes over what another frame at the same place has worked out. */
  adopt(other: Frame): void {
    for (const [expression, value] of other.values) this.values.set(expression, value);
    for (const [buffer, addresses] of other.addresses)
      for (const [index, address] of addresses) this.keepAddress(buffer, index, address);
    for (const [index, integer] of other.integers) this.integers.set(index, integer);
  }

  /** Works out, here, all parts of the expressions whose axes and stages are known here, `shifting` axes apart. */
  hoist(
    expressions: readonly Expression[],
    evaluate: Evaluate,
    shifting: ReadonlySet<number>,
  ): void {
    const seen = new Set<Expression>();
    for (const expression of expressions) this.hoistOne(expression, evaluate, shifting, seen);
  }

  private hoistOne(
    expression: Expression,
    evaluate: Evaluate,
    shifting: ReadonlySet<number>,
    seen: Set<Expression>,
  ): void {
    if (seen.has(expression)) return;
    seen.add(expression);
    if (expression.kind === "constant" || this.valueOf(expression) !== undefined) return;
    if (this.isKnownHere(expression, shifting)) {
      evaluate(expression, this);
      return;
    }
    for (const index of indicesOf(expression)) this.hoistDivisions(index, shifting);
    // Loads behind a guard may lie outside of their buffer.
    if (expression.kind === "guard") return;
    for (const index of indicesOf(expression))
      for (const data of dataOf(index)) this.hoistOne(data, evaluate, shifting, seen);
    for (const part of partsOf(expression)) this.hoistOne(part, evaluate, shifting, seen);
  }

  /** Quotients and remainders of an index that are known here. */
  private hoistDivisions(index: Index, shifting: ReadonlySet<number>): void {
    switch (index.kind) {
      case "axis":
      case "constant":
      case "data":
        return;
      case "add":
        for (const term of index.terms) this.hoistDivisions(term, shifting);
        return;
      case "multiply":
        return this.hoistDivisions(index.of, shifting);
      case "divide":
      case "modulo": {
        const { axes, loads } = this.context.facts.ofIndex(index);
        const isKnown = [...axes].every(
          (axis) => !shifting.has(axis) && this.position(axis) !== undefined,
        );
        if (!isKnown || loads || this.knownInteger(index) !== undefined)
          return this.hoistDivisions(index.of, shifting);
        this.integers.set(index, this.integer(index));
      }
    }
  }

  private knownInteger(index: Index): Operand | undefined {
    const own = this.integers.get(index);
    if (own !== undefined || this.parent === undefined) return own;
    const { axes } = this.context.facts.ofIndex(index);
    for (const axis of this.moved) if (axes.has(axis)) return undefined;
    return this.parent.knownInteger(index);
  }

  private isKnownHere(expression: Expression, shifting: ReadonlySet<number>): boolean {
    const facts = this.context.facts.of(expression);
    for (const axis of facts.axes)
      if (shifting.has(axis) || this.position(axis) === undefined) return false;
    for (const stage of facts.stages) if (this.reduced(stage) === undefined) return false;
    return !facts.accumulates || this.accumulator() !== undefined;
  }

  // ---- addresses ----

  /**
   * Adds up, here, the parts of each index whose axes are known here. Quotients and remainders of `shifting` axes
   * are left for later: they do not follow a shift by a fixed distance.
   */
  prepareAddresses(
    indices: readonly { readonly buffer: number; readonly index: Index }[],
    shifting: ReadonlySet<number>,
  ): void {
    for (const { buffer, index } of indices) {
      const start = this.addressOf(buffer, index);
      const [now, later] = partition(start.rest.terms, (term) => this.isFixed(term, shifting));
      if (now.length === 0 && start.rest.constant === 0) continue;
      const size = elementBytes(this.context.dtypeOf(buffer));
      let address = start.address;
      for (const term of now) address = this.context.f.add(address, this.termBytes(term, size));
      address = this.context.f.add(address, start.rest.constant * size);
      this.keepAddress(buffer, index, { address, rest: { constant: 0, terms: later } });
    }
  }

  private keepAddress(buffer: number, index: Index, address: PartialAddress): void {
    const known = this.addresses.get(buffer) ?? new Map<Index, PartialAddress>();
    this.addresses.set(buffer, known.set(index, address));
  }

  private isFixed({ of }: Term, shifting: ReadonlySet<number>): boolean {
    const facts = this.context.facts.ofIndex(of);
    if (facts.loads) return false;
    for (const axis of facts.axes) if (this.position(axis) === undefined) return false;
    return of.kind === "axis" || ![...facts.axes].some((axis) => shifting.has(axis));
  }

  /** The nearest partial address of an index; at worst the buffer's own. */
  addressOf(buffer: number, index: Index): PartialAddress {
    return (
      this.findAddress(buffer, index) ?? {
        address: this.context.addressOf(buffer),
        rest: formOf(index),
      }
    );
  }

  private findAddress(buffer: number, index: Index): PartialAddress | undefined {
    return this.addresses.get(buffer)?.get(index) ?? this.parent?.findAddress(buffer, index);
  }

  /**
   * Bytes of factor * axis (its position without shifts), or of a quotient or remainder with them, in an array whose
   * elements have `size` bytes.
   */
  termBytes({ factor, of }: Term, size: 2 | 4 = 4): Operand {
    const { f } = this.context;
    if (of.kind !== "axis") return f.multiply(this.integer(of), factor * size);
    const { bytes, element } = this.knownPosition(of.axis);
    // `bytes` is four times the position.
    const scaled = (factor * size) / 4;
    return bytes !== undefined && Number.isInteger(scaled)
      ? f.multiply(bytes, scaled)
      : f.multiply(element, factor * size);
  }

  private knownPosition(axis: number): Position {
    const position = this.position(axis);
    if (position === undefined) throw new Error(`axis ${axis} has no position here`);
    return position;
  }

  private dependsOnVector(index: Index): boolean {
    return this.context.facts.ofIndex(index).axes.has(this.vector.axis);
  }

  /** The value of an index, shifts included, at one lane of the vector axis; `readData` answers for data in it. */
  integer(index: Index, lane = 0, readData: ReadData = refuseData): Operand {
    const { f } = this.context;
    const recur = (of: Index): Operand => this.integer(of, lane, readData);
    const known = lane === 0 || !this.dependsOnVector(index) ? this.knownInteger(index) : undefined;
    if (known !== undefined) return known;
    switch (index.kind) {
      case "constant":
        return index.value;
      case "axis": {
        const onVector = index.axis === this.vector.axis ? lane : 0;
        return f.add(this.knownPosition(index.axis).element, this.shiftOf(index.axis) + onVector);
      }
      case "add":
        return index.terms.reduce<Operand>((sum, term) => f.add(sum, recur(term)), 0);
      case "multiply":
        return f.multiply(recur(index.of), index.by);
      case "divide": {
        const lift = liftOf(index);
        return f.add(f.divide(f.add(recur(index.of), lift * index.by), index.by), -lift);
      }
      case "modulo":
        return f.remainder(f.add(recur(index.of), liftOf(index) * index.by), index.by);
      case "data":
        return readData(index);
    }
  }
}

export type Evaluate = (expression: Expression, frame: Frame) => Local;

export type ReadData = (data: Index & { readonly kind: "data" }) => Operand;

const refuseData: ReadData = () => {
  throw new Error("an index that reads data is not known as an integer here");
};

/** Multiples of the divisor to add so that what is divided is never negative. */
function liftOf(index: Index & { readonly kind: "divide" | "modulo" }): number {
  return Math.max(0, Math.ceil(-rangeOf(index.of).low / index.by));
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
