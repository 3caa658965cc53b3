// `recompute layers`, `recompute to 2 GB` -> what the backward pass shall compute again instead of having it kept.
// `recompute none`, in a recipe that derives from one that recomputes, has been taken out before.
import type { Module, RecomputeWish } from "../lowered.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";

const bytesOfUnit: Readonly<Record<string, number>> = {
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export function lowerRecompute(
  context: RecipeContext,
  modules: readonly Module[],
): RecomputeWish | undefined {
  for (const { clause, file } of context.effective.clauses) {
    if (clause.kind !== "recompute") continue;
    const { what, span } = clause;
    const problem = (code: string, message: string, at: typeof span, hints: object): undefined =>
      context.problems.error(code, message, file.name, at, hints) as undefined;
    if (what.kind === "word" && what.word.text !== "layers")
      return problem("wrong-field", "`recompute` takes `layers`, `none` or `to` a size", what.word.span, nearestHint(what.word.text, ["layers", "none"])); // prettier-ignore
    if (context.hasAllPaths && !modules.some(({ path }) => isOfLayer(path))) {
      const hints = { hints: ["a layer is a part of a `repeat`"] };
      return problem("matches-nothing", "no net repeats a layer: there is nothing to compute again", span, hints); // prettier-ignore
    }
    if (what.kind === "word") return { kind: "layers" };
    const unit = bytesOfUnit[what.unit.text];
    if (unit === undefined)
      return problem("wrong-field", `\`${what.unit.text}\` is no unit of memory`, what.unit.span, nearestHint(what.unit.text, Object.keys(bytesOfUnit))); // prettier-ignore
    const bytes = Math.floor(what.amount.value * unit);
    if (!(bytes > 0))
      return problem("wrong-field", "`recompute to` takes a size above 0", what.amount.span, {});
    return { kind: "budget", bytes, at: { file: file.name, ...span } };
  }
  return undefined;
}

function isOfLayer(path: string): boolean {
  return path.split(".").some((segment) => /^\d+$/.test(segment));
}
