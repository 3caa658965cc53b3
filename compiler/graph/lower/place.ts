// Where in the tree of instances we are: the path that labels extend, whose application this is, training or not,
// and which initializers have been replaced from above.
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { RuleUse } from "./initializer-rules.ts";
import type { PathFrame } from "./path-frame.ts";
import type { DistributionValue, Override, Ownership, Value } from "./value.ts";

export interface Place {
  readonly frame: PathFrame;
  /** A constant of the compilation that belongs to the place of use. */
  readonly training: boolean;
  readonly application: Application;
  readonly ownership: Ownership;
  /** `init Linear.weight ~ …` in the bodies around, innermost last; a body adds to its own copy. */
  readonly rules: InitializerRule[];
  /** Overrides from calls above, by absolute path; the outermost first, which wins. */
  readonly overrides: readonly PlacedOverride[];
  /** The block whose body this is (`Linear`); empty outside of blocks. */
  readonly block: string;
  /** The functions on the way from the block to here, `drop_path`: names streams of chance. */
  readonly functions: string;
}

/** One application of a net (or of the whole model): what its parts gave, by absolute path. */
export interface Application {
  readonly outputs: Map<string, Value>;
}

export interface InitializerRule {
  readonly block: string;
  /** Below an instance of that block: `weight`, `qkv.weight`. */
  readonly path: string;
  readonly initializer: DistributionValue;
  readonly use: RuleUse;
}

export interface PlacedOverride {
  readonly path: string;
  readonly override: Override;
  /** Set once it has replaced an initializer: one that never does names a path that does not exist. */
  readonly used: { value: boolean };
}

/** A fresh application at a path. */
export function newApplication(): Application {
  return { outputs: new Map() };
}

/** A place in the source, kept beside a name so that a second use can point back. */
export interface NamedPlace {
  readonly name: string;
  readonly at: FileSpan;
}
