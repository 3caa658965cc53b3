// `load image from "vit_b32.safetensors" as timm { position = resize(bicubic), head = fresh }` -> plain data, and
// `clamp log_scale to 0 .. ln(100)` likewise; both checked against the paths that there are.
import { pathText } from "../../../grammar/syntax.ts";
import type { ClampClause, LoadClause, Path } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import type { Load, LoweredRecipe } from "../lowered.ts";
import type { Instances } from "../lower/instances.ts";
import { isUnder } from "../lower/path-frame.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";

/** Adaptations that a load knows: start anew, resize a grid of positions, resize a kernel by its pseudo-inverse. */
const adaptations = ["fresh", "resize", "pi_resize"];

export function lowerLoads(context: RecipeContext, instances: Instances): readonly Load[] {
  return context.effective.clauses.flatMap(({ clause, file }) =>
    clause.kind === "load" && clause.from
      ? [lowerLoad(clause, clause.from.value, file, context, instances)]
      : [],
  );
}

function lowerLoad(
  clause: LoadClause,
  from: string,
  file: FileScope,
  context: RecipeContext,
  instances: Instances,
): Load {
  const net = pathText(clause.path);
  checkPathOf(clause.path, net, "load", file, context, instances);
  const changes = clause.changes?.fields ?? [];
  const adapted = changes.map(({ path, value }) => {
    const callee = value.kind === "call" ? value.callee : value;
    const how = callee.kind === "name" ? callee.name : "";
    if (!adaptations.includes(how)) {
      context.problems.error(
        "wrong-setting",
        "an adaptation is `fresh`, `resize(…)` or `pi_resize`",
        file.name,
        value.span,
        nearestHint(how, adaptations),
      );
    }
    checkPathOf(path, `${net}.${pathText(path)}`, "adapt", file, context, instances);
    return {
      path: `${net}.${pathText(path)}`,
      how: file.syntax.text.slice(value.span.start, value.span.end),
    };
  });
  const origin = { path: net, file: file.name, span: clause.span };
  return {
    net,
    file: from,
    adaptations: adapted,
    origin,
    ...(clause.as ? { names: clause.as.text } : {}),
  };
}

function checkPathOf(
  path: Path,
  text: string,
  verb: string,
  file: FileScope,
  context: RecipeContext,
  instances: Instances,
): void {
  const known = [...instances.modules.keys(), ...instances.parameters.keys()];
  if (!context.hasAllPaths || known.some((each) => isUnder(each, text))) return;
  context.problems.error(
    "matches-nothing",
    `there is nothing to ${verb} at \`${text}\``,
    file.name,
    path.span,
    nearestHint(text, known),
  );
}

export function lowerClamps(context: RecipeContext, instances: Instances): LoweredRecipe["clamps"] {
  return context.effective.clauses.flatMap(({ clause, file }) =>
    clause.kind === "clamp" ? lowerClamp(clause, file, context, instances) : [],
  );
}

function lowerClamp(
  clause: ClampClause,
  file: FileScope,
  context: RecipeContext,
  instances: Instances,
): LoweredRecipe["clamps"] {
  const path = pathText(clause.path);
  const range = evaluateSetting(clause.range, context.scope(file));
  if (!instances.parameters.has(path)) {
    if (!context.hasAllPaths) return [];
    context.problems.error(
      "matches-nothing",
      `there is no parameter \`${path}\``,
      file.name,
      clause.path.span,
      nearestHint(path, [...instances.parameters.keys()]),
    );
    return [];
  }
  const [low, high] =
    range.kind === "range" ? [knownNumber(range.from), knownNumber(range.to)] : [];
  if (low !== undefined && high !== undefined && low <= high) return [{ path, low, high }];
  if (range.kind !== "unknown") {
    context.problems.error(
      "wrong-setting",
      `\`clamp\` takes a range such as 0 .. 4.6, the smaller end first, but this is ${describeValue(range)}`,
      file.name,
      clause.range.span,
    );
  }
  return [];
}
