// Axes with names. A name in the language is a role; inside one body a name stands for one role, wherever the
// role came from: so the `tokens` of a block is the very axis that its caller knows as `words`.
import type { FileSpan } from "../../../grammar/diagnostic.ts";

/** What an axis is for, by identity: two axes are the same only if their roles are the same object. */
export interface Role {
  readonly name: string;
  /** The body that gave it its first name. */
  readonly home: RoleTable;
}

/** Where a size came from, for messages. */
export interface SizeOrigin {
  /** `declared`, `` `prepend` ``, `the input`. */
  readonly by: string;
  readonly at?: FileSpan;
  /** How it was computed: `14 * 14 + 1`. */
  readonly derivation?: string;
}

export interface Axis {
  /** Absent for an axis without a name. */
  readonly role: Role | undefined;
  readonly size: number;
  readonly origin?: SizeOrigin;
}

/** The names of axes in one body. */
export class RoleTable {
  private readonly roles = new Map<string, Role>();
  private readonly outside = new Map<Role, Role>();

  get(name: string): Role | undefined {
    return this.roles.get(name);
  }

  /** The role of that name; a new one at first sight. */
  intern(name: string): Role {
    const known = this.roles.get(name);
    if (known !== undefined) return known;
    const role: Role = { name, home: this };
    this.roles.set(name, role);
    return role;
  }

  /**
   * Gives a name to an axis of the caller. Two names never mean one axis, even where the caller's two inputs share
   * it: the second gets a role of its own, which is given back as the caller's.
   */
  bind(name: string, role: Role): Role {
    const isTaken = [...this.roles.values()].includes(role);
    if (!isTaken) {
      this.roles.set(name, role);
      return role;
    }
    const own = this.intern(name);
    this.outside.set(own, role);
    return own;
  }

  /** What the caller calls a role of this body; undefined where it is new. */
  outsideOf(role: Role): Role | undefined {
    return role.home === this ? this.outside.get(role) : role;
  }

  /** The name that a role has here, or else the one it was given elsewhere. */
  nameOf(role: Role): string {
    for (const [name, known] of this.roles) if (known === role) return name;
    return role.name;
  }

  names(): string[] {
    return [...this.roles.keys()];
  }
}

/** `[batch, tokens = 197, width = 768]` in the words of one body; the batch is left without its size. */
export function showAxes(axes: readonly Axis[], names: RoleTable): string {
  return `[${axes.map((axis) => showAxis(axis, names)).join(", ")}]`;
}

export function showAxis(axis: Axis, names: RoleTable): string {
  if (axis.role === undefined) return String(axis.size);
  const name = names.nameOf(axis.role);
  return name === "batch" ? name : `${name} = ${axis.size}`;
}

export function sizesOf(axes: readonly Axis[]): number[] {
  return axes.map((axis) => axis.size);
}

export function axisOf(axes: readonly Axis[], role: Role): number {
  return axes.findIndex((axis) => axis.role === role);
}

export function hasRole(axes: readonly Axis[], role: Role | undefined): boolean {
  return role !== undefined && axes.some((axis) => axis.role === role);
}
