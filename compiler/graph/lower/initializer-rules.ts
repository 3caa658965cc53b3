// `init Linear.weight ~ truncated(std = 0.02)`: a rule for all blocks below a body, whose parameters it describes, and
// what is wrong with one that describes none: a name that no block bears, or no parameter of it, or no such block below.
import type { Diagnostic, FileSpan } from "../../../grammar/diagnostic.ts";
import type { Library } from "../../model/library.ts";
import type { Parameter } from "../graph.ts";
import * as errors from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Instances } from "./instances.ts";
import type { InitializerRule, Place } from "./place.ts";
import type { Scope } from "./scope.ts";
import type { DistributionValue } from "./value.ts";

/** A rule as it stands in the text, and whether any parameter was described by it. */
export interface RuleUse {
  readonly block: string;
  /** Below an instance of that block. */
  readonly path: string;
  readonly at: FileSpan;
  isMet: boolean;
}

/** Adds a rule to a body. False (and reported) where its names are those of nothing. */
export function addRule(
  e: Evaluator,
  rule: { readonly block: string; readonly path: string; readonly initializer: DistributionValue },
  scope: Scope,
  at: FileSpan,
): void {
  const use = e.instances.ruleAt({ block: rule.block, path: rule.path, at, isMet: false });
  const blocks = blocksNamed(e.library, rule.block);
  const [first, ...below] = rule.path.split(".");
  const parameters = blocks.flatMap(({ parameters }) => parameters);
  if (blocks.length === 0) {
    const known = allBlocks(e.library).map(({ name }) => name);
    e.fail(errors.initOfUnknownBlock(rule.block, rule.path, known, at), scope);
  } else if (below.length === 0 && !parameters.includes(first!))
    e.fail(errors.initOfUnknownParameter(rule.block, first!, parameters, at), scope);
  scope.place.rules.push({ ...rule, use });
}

/** The rule for a parameter, the innermost where several describe it; each of them is met. */
export function ruleFor(
  instances: Instances,
  place: Place,
  path: string,
): InitializerRule | undefined {
  const describing = place.rules.filter((rule) => describes(rule, instances, path));
  for (const { use } of describing) use.isMet = true;
  return describing.at(-1);
}

/** `layers.0.attn.qkv.weight` by `Attention.qkv.weight`, and by `Linear.weight`. */
function describes({ block, path }: InitializerRule, instances: Instances, of: string): boolean {
  if (of !== path && !of.endsWith(`.${path}`)) return false;
  const above = of.slice(0, Math.max(0, of.length - path.length - 1));
  return instances.standingAt(above).some((use) => use.block === block);
}

/** Of several lowerings: rules that none of them has met, each with what stood below, as `Linear.weight`. */
export class UnmetRules {
  private readonly uses = new Map<
    string,
    { readonly rule: RuleUse; readonly below: Set<string> }
  >();
  private readonly met = new Set<string>();

  add(rules: readonly RuleUse[], parameters: Iterable<Parameter>): void {
    const below = [...parameters].map(({ block, path }) => `${block}.${path.split(".").at(-1)}`);
    for (const rule of rules) {
      const key = `${rule.at.file} ${rule.at.start}`;
      const known = this.uses.get(key) ?? { rule, below: new Set() };
      below.forEach((each) => known.below.add(each));
      this.uses.set(key, known);
      if (rule.isMet) this.met.add(key);
    }
  }

  /** Those of a file. */
  diagnostics(file: string): readonly Diagnostic[] {
    return [...this.uses]
      .filter(([key, { rule }]) => rule.at.file === file && !this.met.has(key))
      .map(([, { rule, below }]) =>
        errors.initOfNothing(rule.block, rule.path, [...below], rule.at),
      );
  }
}

interface BlockFacts {
  readonly name: string;
  readonly parameters: readonly string[];
}

function blocksNamed(library: Library, name: string): readonly BlockFacts[] {
  return allBlocks(library).filter((block) => block.name === name);
}

/** Of every file, since a rule reaches blocks that its own file has not named. */
function allBlocks({ files, standard }: Library): readonly BlockFacts[] {
  const declarations = [
    ...[...files.values()].flatMap((file) => [...file.declarations.values()]),
    ...[...standard.values()].map((found) => found.declaration),
  ];
  return [...new Set(declarations)].flatMap((declaration) => {
    if (declaration.kind !== "block" && declaration.kind !== "model") return [];
    const parameters = declaration.body.statements.flatMap((statement) =>
      statement.kind === "param" ? [statement.name.text] : [],
    );
    return [{ name: declaration.name.text, parameters }];
  });
}
