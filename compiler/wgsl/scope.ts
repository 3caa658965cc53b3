// What has a name at one place of a kernel's text: coordinates of axes, values already written, results of reductions.
// A scope belongs to a block of the text and sees what its surrounding blocks have named.
import type { Axis, Expression } from "../kernels/kernel.ts";

export class Scope {
  private readonly parent: Scope | undefined;
  private beside: Scope | undefined;
  private readonly axes = new Map<number, string>();
  private readonly values = new Map<Expression, string>();
  private readonly indices = new Map<string, string>();
  private readonly reduced = new Map<number, string>();
  private sum: string | undefined;

  constructor(parent?: Scope) {
    this.parent = parent;
  }

  /** A scope inside this one that also knows the coordinates (not the values) of `other`, whose block is around it. */
  joined(other: Scope): Scope {
    const scope = new Scope(this);
    scope.beside = other;
    return scope;
  }

  axis(id: number): string {
    const name = this.findAxis(id);
    if (name === undefined) throw new Error(`axis ${id} has no coordinate here`);
    return name;
  }

  private findAxis(id: number): string | undefined {
    return this.axes.get(id) ?? this.beside?.findAxis(id) ?? this.parent?.findAxis(id);
  }

  setAxis(axis: Axis, coordinate: string): void {
    this.axes.set(axis.id, coordinate);
  }

  known(expression: Expression): string | undefined {
    return this.values.get(expression) ?? this.parent?.known(expression);
  }

  remember(expression: Expression, name: string): void {
    this.values.set(expression, name);
  }

  knownIndex(text: string): string | undefined {
    return this.indices.get(text) ?? this.parent?.knownIndex(text);
  }

  rememberIndex(text: string, name: string): void {
    this.indices.set(text, name);
  }

  reducedValue(stage: number): string {
    const name = this.reduced.get(stage) ?? this.parent?.reducedValue(stage);
    if (name === undefined) throw new Error(`stage ${stage} has no result yet`);
    return name;
  }

  setReduced(stage: number, name: string): void {
    this.reduced.set(stage, name);
  }

  get accumulator(): string {
    const name = this.sum ?? this.parent?.accumulator;
    if (name === undefined) throw new Error("no contraction has finished here");
    return name;
  }

  set accumulator(name: string) {
    this.sum = name;
  }
}
