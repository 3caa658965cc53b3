// What a model or recipe owns, whatever graphs are made of it: parameters, states and modules, each by path.
// A net that is applied again finds its parameters here; two different ones at one path are a mistake.
import type { Origin, Parameter, State } from "../graph.ts";
import type { BlockUse } from "../lowered.ts";
import type { RuleUse } from "./initializer-rules.ts";
import { isUnder } from "./path-frame.ts";
import type { Application } from "./place.ts";
import type { CallableValue } from "./value.ts";

export interface ModuleRecord {
  readonly path: string;
  readonly block: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  readonly output: string;
  readonly origin: Origin;
  /** What stands here, with its settings, so that it can be applied by itself: `online.encoder`. */
  readonly callable: CallableValue | undefined;
}

export class Instances {
  readonly parameters = new Map<string, Parameter>();
  readonly states = new Map<string, State>();
  /** In the order in which they were entered: a module comes before its parts. */
  readonly modules = new Map<string, ModuleRecord>();
  /** The blocks at each path, the outermost first: several where a model applies another one and nothing else. */
  private readonly blocks = new Map<string, BlockUse[]>();
  /** State of a twin -> the parameter it follows. */
  readonly follows = new Map<string, string>();
  /** State of a block in a twin (a running mean) -> the same of the net that the twin follows. */
  readonly statistics = new Map<string, string>();
  /** Paths of nets and parts that do not learn, and stand in evaluation form. */
  readonly frozen = new Set<string>();
  /** Rules for initial values, by their place in the text. */
  private readonly rules = new Map<string, RuleUse>();
  /** In which application each path was last declared: twice in one is a clash. */
  private readonly declared = new Map<string, Application>();

  /** False where the path is taken by something else in the same application. */
  claim(path: string, application: Application): boolean {
    if (this.declared.get(path) === application) return false;
    this.declared.set(path, application);
    return true;
  }

  isFrozen(path: string): boolean {
    for (const above of this.frozen) if (isUnder(path, above)) return true;
    return false;
  }

  /** The rule at a place, the same however often its body is entered. */
  ruleAt(rule: RuleUse): RuleUse {
    const key = `${rule.at.file} ${rule.at.start}`;
    const known = this.rules.get(key) ?? rule;
    this.rules.set(key, known);
    return known;
  }

  /** Every rule that a body has given. */
  rulesInUse(): readonly RuleUse[] {
    return [...this.rules.values()];
  }

  /** Holds the place of a module before its parts are known. */
  enter(path: string, record: ModuleRecord): void {
    if (!this.modules.has(path)) this.modules.set(path, record);
  }

  /** A block was entered at a path; the same block again changes nothing. */
  stand(path: string, use: BlockUse): void {
    const there = this.blocks.get(path) ?? [];
    if (there.some(({ block, file }) => block === use.block && file === use.file)) return;
    this.blocks.set(path, [...there, use]);
  }

  standingAt(path: string): readonly BlockUse[] {
    return this.blocks.get(path) ?? [];
  }

  leave(path: string, output: string): void {
    const record = this.modules.get(path);
    if (record !== undefined) this.modules.set(path, { ...record, output });
  }
}
