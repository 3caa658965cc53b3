// All rules of fusion: what each spares, and where it is written.
//   joining   which nodes share a kernel
//   storing   which of their results lie in memory
//   placing   where these lie, and what is copied
// `fuse(graph, { without })` leaves some of them out: the values stay, dispatches and bytes grow. test/rules.test.ts
// shows for each that the figures of a guarded recipe get worse without it.
// Cutting long sums into parts (`split-sums.ts`) is no such rule: it costs a dispatch, to fill the device.
import type { FusionRule, Follows } from "./rules/fusion-rule.ts";
import {
  absorbRule,
  attentionPartsRule,
  columnsRule,
  elementwiseRules,
  joinRule,
  reductionRules,
  squaresRule,
  sumInProductRule,
} from "./rules/joining-rules.ts";
import {
  assemblyRule,
  attentionRule,
  claimRule,
  inPlaceRule,
  layoutRule,
  partRule,
} from "./rules/placing-rules.ts";
import { blockersRule, forkRule, halfRule, repeatingRules } from "./rules/storing-rules.ts";

export const fusionRules: readonly FusionRule[] = [
  attentionRule,
  attentionPartsRule,
  ...elementwiseRules,
  sumInProductRule,
  squaresRule,
  ...reductionRules,
  absorbRule,
  columnsRule,
  joinRule,
  ...repeatingRules,
  blockersRule,
  forkRule,
  halfRule,
  assemblyRule,
  claimRule,
  partRule,
  layoutRule,
  inPlaceRule,
];

/** All rules but those of these names. */
export function followsAllBut(names: readonly string[]): Follows {
  const left = new Set(names);
  return ({ name }) => !left.has(name);
}
