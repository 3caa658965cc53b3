// Hands out places in arenas while a program is planned, and says what is too large for any.
import type { Origin } from "../graph/graph.ts";
import type { Limits } from "./limits.ts";
import { align } from "./plan-memory.ts";
import type { Arena, Place } from "./program.ts";
import { LimitError } from "./target.ts";
import type { Target } from "./target.ts";

/** Arrays of one kind fill one arena until the next would pass the limit. */
export class ArenaSpace {
  readonly arenas: { kind: Arena["kind"]; bytes: number }[] = [];
  private readonly open = new Map<Arena["kind"], number>();
  readonly target: Target["name"];
  private readonly limits: Limits;

  constructor(limits: Limits, target: Target["name"]) {
    this.limits = limits;
    this.target = target;
  }

  private get arenaBytes(): number {
    return arenaBytes(this.limits);
  }

  /** @param what names the array where it is too large for any arena */
  add(kind: Arena["kind"], bytes: number, what: () => string, help = smallerStep): Place {
    const size = align(bytes);
    if (size > this.arenaBytes) throw tooLarge(what(), size, this.limits, help);
    const open = this.open.get(kind);
    const arena = open === undefined ? undefined : this.arenas[open]!;
    if (open !== undefined && arena && arena.bytes + size <= this.arenaBytes) {
      const offset = arena.bytes;
      arena.bytes += size;
      return { arena: open, offset };
    }
    this.arenas.push({ kind, bytes: size });
    this.open.set(kind, this.arenas.length - 1);
    return { arena: this.arenas.length - 1, offset: 0 };
  }

  /** Scratch arena i is as large as the largest entry needs. Returns their numbers. */
  addScratch(plans: readonly (readonly number[])[]): readonly number[] {
    const count = Math.max(0, ...plans.map((plan) => plan.length));
    return Array.from({ length: count }, (_, i) => {
      this.arenas.push({ kind: "scratch", bytes: Math.max(...plans.map((plan) => plan[i] ?? 0)) });
      return this.arenas.length - 1;
    });
  }
}

export function arenaBytes(limits: Limits): number {
  return Math.floor(Math.min(limits.bindingBytes, limits.bufferBytes) / 256) * 256;
}

export const smallerStep = "a smaller batch, or `accumulate`, makes the arrays of a step smaller";

export function tooLarge(
  what: string,
  needs: number,
  limits: Limits,
  help: string,
  origin?: Origin,
): LimitError {
  const limit = limits.bindingBytes <= limits.bufferBytes ? "bindingBytes" : "bufferBytes";
  const broken = { limit, what, needs, allowed: limits[limit], help } as const;
  return new LimitError(origin ? { ...broken, origin } : broken);
}
