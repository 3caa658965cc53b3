// What a rule of fusion is: one decision that spares dispatches, bytes or generated code, with a name. Each can be left
// out, which gives the same values by a longer way: so a test shows that a rule is worth its lines, and an experiment
// shows what it is worth.
export interface FusionRule {
  /** In words, for reports, tests and `without`: `elementwise work ends the product that it reads`. */
  readonly name: string;
  /** What is spared, in a sentence. */
  readonly saves: string;
}

/** Whether a rule is followed in this compilation. */
export type Follows = (rule: FusionRule) => boolean;

export const followsAll: Follows = () => true;
