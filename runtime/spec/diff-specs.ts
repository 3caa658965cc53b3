// Two targets -> their semantic diff, or what is wrong with one of them.
import { semanticDiff } from "../../compiler/diff/semantic-diff.ts";
import type { DiffSide, SemanticDiff } from "../../compiler/diff/semantic-diff.ts";
import { openSpec } from "./open-spec.ts";
import type { OpenOptions, ResolvedSpec, WrongSpec } from "./open-spec.ts";
import type { SpecTarget } from "./spec-target.ts";
import { summarize } from "./summarize.ts";

export interface DiffRequest {
  readonly target: SpecTarget;
  readonly options: OpenOptions;
}

export type DiffResult =
  | {
      readonly kind: "diff";
      readonly diff: SemanticDiff;
      readonly from: ResolvedSpec;
      readonly to: ResolvedSpec;
    }
  | WrongSpec
  /** A model and a recipe have nothing to be compared by. */
  | { readonly kind: "unlike"; readonly from: string; readonly to: string };

export function diffSpecs(from: DiffRequest, to: DiffRequest): DiffResult {
  const a = openSpec(from.target, from.options);
  if (a.kind === "wrong") return a;
  const b = openSpec(to.target, to.options);
  if (b.kind === "wrong") return b;
  if (a.kind !== b.kind) return { kind: "unlike", from: a.kind, to: b.kind };
  return { kind: "diff", diff: semanticDiff(sideOf(a, from), sideOf(b, to)), from: a, to: b };
}

function sideOf(spec: ResolvedSpec, { target, options }: DiffRequest): DiffSide {
  const texts = [...spec.library.files.values()]
    .filter(({ isStandard }) => !isStandard)
    .map(({ syntax }) => syntax.text);
  const { macs } = summarize(spec);
  if (spec.kind === "recipe") {
    const { modules, parameters, predict, batch } = spec.recipe;
    const graphs = predict === undefined ? [] : [predict.graph];
    return { modules, parameters, graphs, batch, macs, texts, clauses: clausesOf(spec.shown) };
  }
  const { modules, graph } = spec.model;
  const training = openSpec(target, { ...options, training: true });
  const graphs = training.kind === "model" ? [graph, training.model.graph] : [graph];
  return { modules, parameters: graph.parameters, graphs, batch: 1, macs, texts, clauses: [] };
}

/** Lines without an origin go on with the clause before; the first line is the recipe's name, `//` are its numbers. */
function clausesOf(shown: readonly { readonly text: string; readonly origin: string }[]): string[] {
  const clauses: string[] = [];
  for (const { text, origin } of shown.slice(1)) {
    if (text.trimStart().startsWith("//") && origin !== "") continue;
    if (origin === "" && clauses.length > 0) clauses[clauses.length - 1] += `\n${text}`;
    else clauses.push(text);
  }
  return clauses;
}
