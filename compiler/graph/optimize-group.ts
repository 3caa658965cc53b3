// A group of parameters and its flat gradient -> its new parameters and slots, by the optimizer that the recipe names.
// An optimizer is written for one parameter. Where its body lets us, it is applied once to the flat array of the group,
// and else once to the parameters of each shape: so it takes a few kernels, and not a few for each parameter.
import type { ResidentLayout } from "../compiled.ts";
import { applySegmented, inChunks } from "./apply-segmented.ts";
import { applyStacked } from "./apply-stacked.ts";
import type { Builder } from "./builder.ts";
import type { Node } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type { PlacedGroup, PlacedPiece } from "./place-parts.ts";
import { residentLeaf } from "./resident-layout.ts";

export interface StepValues {
  /** Of the whole group, as the backward pass made it. */
  readonly gradient: Node;
  /** Updates so far, from 1. */
  readonly t: Node;
  readonly lr: Node;
  /** A part of the gradient, clipped. */
  clipped(gradient: Node): Node;
  /** The new value, or the old one where the step is not sound. */
  kept(next: Node, old: Node): Node;
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
  const before = residentLeaf(g, layout, group.resident);
  const renewed = group.pieces.map((piece) => {
    const old = partOf(g, before, piece);
    const { next, slots } = optimizePiece(g, piece, old, values);
    return {
      next: values.kept(clamped(g, group, flat(g, next)), old),
      slots: slots.map(({ name, next: value }) => {
        const resident = piece.slotResident(name);
        return { resident, value: values.kept(flat(g, value), residentLeaf(g, layout, resident)) };
      }),
    };
  });
  return {
    next: g.concat(renewed.map(({ next }) => next), 0), // prettier-ignore
    slots: renewed.flatMap(({ slots }) => slots),
  };
}

/** The body once, over all parameters of a piece. */
function optimizePiece(g: Builder, piece: PlacedPiece, p: Node, values: StepValues) {
  const { optimizer, parameters, segments } = piece;
  const { t, lr, clipped } = values;
  const gradient = partOf(g, values.gradient, piece);
  const at = { t, lr, slotPath: (slot: string) => piece.slotResident(slot) };
  if (segments) return applySegmented(g, optimizer, { ...at, p, g: clipped(inChunks(g, gradient, segments)) }, segments); // prettier-ignore
  if (piece.how === "flat") return optimizer.apply(g, { ...at, p, g: clipped(gradient) });
  const { shape } = parameters[0]!;
  const stacked = parameters.length === 1 ? shape : [parameters.length, ...shape];
  const shaped = { ...at, p: g.reshape(p, stacked), g: clipped(g.reshape(gradient, stacked)) };
  return parameters.length === 1 ? optimizer.apply(g, shaped) : applyStacked(g, optimizer, shaped);
}

function partOf(g: Builder, whole: Node, { offset, length }: PlacedPiece): Node {
  return g.slice(whole, [offset], [length]);
}

function flat(g: Builder, x: Node): Node {
  return g.reshape(x, [elementCount(x.shape)]);
}

function clamped(g: Builder, { clamp }: PlacedGroup, next: Node): Node {
  return clamp ? g.minimum(g.maximum(next, clamp.low), clamp.high) : next;
}
