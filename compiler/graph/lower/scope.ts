// What names mean at a place in the source: values (settings, inputs, lets, params), sizes of axes, roles of axes.
// Scopes nest as braces do; a body has one table of roles, shared by the braces in it. Names that no scope has are
// asked of the file: its declarations, its imports, the standard library, the intrinsic functions.
import type { FileScope } from "../../model/library.ts";
import type { Axis, RoleTable } from "./axis.ts";
import type { Place } from "./place.ts";
import type { Value } from "./value.ts";

export class Scope {
  readonly parent: Scope | undefined;
  readonly file: FileScope;
  readonly roles: RoleTable;
  readonly place: Place;
  private readonly values = new Map<string, Value>();
  /** What a name of an axis counts as a number: bound by the inputs, a param, or the first arrow. */
  private readonly sizes = new Map<string, number>();
  private isBroken = false;
  private isStopped = false;
  /** What `..` met in the first input that has one: `draw kept [..]` has these axes. */
  private restAxes: readonly Axis[] | undefined;
  /** Settings that are always there: to ask whether one is, is a slip. */
  private readonly certain = new Set<string>();
  /** New values of states: `next m`. */
  private readonly renewed = new Map<string, Value>();

  constructor(
    parent: Scope | undefined,
    context: { readonly file: FileScope; readonly roles: RoleTable; readonly place: Place },
  ) {
    this.parent = parent;
    this.file = context.file;
    this.roles = context.roles;
    this.place = context.place;
  }

  /** A scope inside of this one, of the same body; `place` where labels go from here on. */
  inner(place: Place = this.place): Scope {
    return new Scope(this, { file: this.file, roles: this.roles, place });
  }

  /** A setting without `?` in its type. */
  defineCertain(name: string, value: Value): void {
    this.certain.add(name);
    this.define(name, value);
  }

  /** Whether a name means a setting that is always there. */
  isCertain(name: string): boolean {
    if (this.values.has(name)) return this.certain.has(name);
    return this.parent?.isCertain(name) ?? false;
  }

  define(name: string, value: Value): void {
    this.values.set(name, value);
  }

  get(name: string): Value | undefined {
    return this.values.get(name) ?? this.parent?.get(name);
  }

  /** The scope that holds sizes and new values: the outermost of the body, so that braces share them. */
  private get body(): Scope {
    return this.parent !== undefined && this.parent.roles === this.roles ? this.parent.body : this;
  }

  bindSize(name: string, size: number): void {
    const { sizes } = this.body;
    if (!sizes.has(name)) sizes.set(name, size);
  }

  /** A name as a number: a setting or `let` of that name, or else the size bound to it. */
  sizeOf(name: string): number | undefined {
    const value = this.get(name);
    if (value?.kind === "number") return value.value;
    return this.body.sizes.get(name);
  }

  /** The size that inputs, params and arrows have bound, whatever values bear the name. */
  boundSize(name: string): number | undefined {
    return this.body.sizes.get(name);
  }

  /** Something in this body has gone wrong: names that it would have made may be missing. */
  break(): void {
    this.body.isBroken = true;
  }

  /** A claim of this body does not hold: nothing more is said about it. */
  stop(): void {
    this.break();
    this.body.isStopped = true;
  }

  get stopped(): boolean {
    return this.body.isStopped;
  }

  get broken(): boolean {
    return this.body.isBroken;
  }

  bindRest(axes: readonly Axis[]): void {
    const { body } = this;
    body.restAxes ??= axes;
  }

  get rest(): readonly Axis[] | undefined {
    return this.body.restAxes;
  }

  renew(name: string, value: Value): void {
    this.body.renewed.set(name, value);
  }

  renewedValue(name: string): Value | undefined {
    return this.body.renewed.get(name);
  }

  /** All names in reach of a misspelt one, innermost first. */
  names(): string[] {
    return [...this.values.keys(), ...(this.parent?.names() ?? []), ...this.sizes.keys()];
  }
}
