// A group of parameters and its flat gradient -> its new parameters and slots, by the optimizer that the recipe names.
// An optimizer is written for one parameter. Where its body lets us, it is applied once to the flat array of the group:
// so it takes a few kernels, and not a few for each parameter.
import type { ResidentLayout } from "../compiled.ts";
import { applySegmented } from "./apply-segmented.ts";
import type { Builder } from "./builder.ts";
import type { Node } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type { PlacedGroup } from "./place-parts.ts";
import { residentLeaf } from "./resident-layout.ts";

export interface StepValues {
  /** Of the whole group, clipped. */
  readonly gradient: Node;
  /** Updates so far, from 1. */
  readonly t: Node;
  readonly lr: Node;
}

export interface Renewed {
  /** The parameters end to end. */
  readonly next: Node;
  readonly slots: readonly { readonly resident: string; readonly value: Node }[];
}

export function optimizeGroup(
  g: Builder,
  layout: ResidentLayout,
  group: PlacedGroup,
  values: StepValues,
): Renewed {
  return group.isFlat ? optimizeFlat(g, layout, group, values) : optimizeEach(g, group, values);
}

/** The body once, over the whole array of the group. */
function optimizeFlat(
  g: Builder,
  layout: ResidentLayout,
  group: PlacedGroup,
  { gradient, t, lr }: StepValues,
): Renewed {
  const p = residentLeaf(g, layout, group.resident);
  const slotPath = (slot: string) => group.slotResident(slot);
  const at = { p, g: gradient, t, lr, slotPath };
  const applied = group.segments
    ? applySegmented(g, group.optimizer, at, group.segments)
    : group.optimizer.apply(g, at);
  const slots = applied.slots.map(({ name, next }) => ({
    resident: slotPath(name),
    value: next,
  }));
  return { next: applied.next, slots };
}

/** The body for each parameter: it looks at shapes. */
function optimizeEach(g: Builder, group: PlacedGroup, { gradient, t, lr }: StepValues): Renewed {
  let offset = 0;
  const slots: { resident: string; value: Node }[] = [];
  const nexts = group.parameters.map((parameter) => {
    const size = elementCount(parameter.shape);
    const own = g.reshape(g.slice(gradient, [offset], [size]), parameter.shape);
    offset += size;
    const slotPath = (slot: string) => group.slotResident(slot, parameter.path);
    const applied = group.optimizer.apply(g, {
      p: g.parameter(parameter),
      g: own,
      t,
      lr,
      slotPath,
    });
    for (const { name, next } of applied.slots)
      slots.push({
        resident: slotPath(name),
        value: g.reshape(next, [elementCount(next.shape)]),
      });
    return g.reshape(applied.next, [size]);
  });
  return { next: nexts.length === 1 ? nexts[0]! : g.concat(nexts, 0), slots };
}
