// Every op there is, by name. Passes ask here for an entry and then switch over its kind.
import { assign } from "./assignment.ts";
import { attentionOps } from "./attention.ts";
import { constants } from "./constants.ts";
import { convolve, convolveWeight } from "./convolve.ts";
import { dot } from "./dot.ts";
import { elementwiseOps } from "./elementwise.ts";
import { indexingOps } from "./indexing.ts";
import { leaves } from "./leaves.ts";
import type { Op } from "./op.ts";
import { OpError } from "./op.ts";
import { randomBits } from "./random.ts";
import { reductions } from "./reductions.ts";
import { sortingOps } from "./sorting.ts";
import { croppingViews } from "./views-crop.ts";
import { rearrangingViews } from "./views-rearrange.ts";
import { windowViews } from "./views-window.ts";

export const ops: readonly Op[] = [
  ...leaves,
  ...constants,
  randomBits,
  ...elementwiseOps,
  ...rearrangingViews,
  ...croppingViews,
  ...windowViews,
  ...reductions,
  dot,
  convolve,
  convolveWeight,
  ...indexingOps,
  ...sortingOps,
  ...attentionOps,
  assign,
];

const byName: ReadonlyMap<string, Op> = new Map(ops.map((each) => [each.name, each]));

/** @throws OpError where there is no op of that name. */
export function op(name: string): Op {
  const found = byName.get(name);
  if (found === undefined) throw new OpError(`no op is called \`${name}\``);
  return found;
}
