// `load image from "vit_b32.safetensors" as timm { position = resize(bicubic), head = fresh }` -> plain data, and
// `clamp log_scale to 0 .. ln(100)` likewise; both checked against the paths that there are.
import { pathText } from "../../../grammar/syntax.ts";
import type { ClampClause, Identifier, LoadClause, Path } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { adaptationNames, readAdaptations } from "../../names/adaptations.ts";
import type { NameTable } from "../../names/name-table.ts";
import { resolveNames } from "../../names/resolve-names.ts";
import type { Load, LoweredRecipe } from "../lowered.ts";
import { declaredTokens } from "../declared-tokens.ts";
import type { Instances } from "../lower/instances.ts";
import { isUnder } from "../lower/path-frame.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";

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
  const isKnown = checkPathOf(clause.path, net, "load", file, context, instances);
  const { list, within } = readAdaptations(clause.changes, {
    root: net,
    lookup: (name) => settingNumber(context, name),
    tokensOf: (path) => declaredTokens(context.library, instances, path),
    checkPath: (path, field) => checkPathOf(field.path, path, "adapt", file, context, instances),
    report: (message, { span }, near) =>
      context.problems.error(
        "wrong-setting",
        message,
        file.name,
        span,
        near === undefined ? undefined : nearestHint(near, adaptationNames),
      ),
  });
  const adaptations = (clause.changes?.fields ?? [])
    .filter(({ path }) => pathText(path) !== "within")
    .map(({ path, value }) => ({
      path: `${net}.${pathText(path)}`,
      how: file.syntax.text.slice(value.span.start, value.span.end),
    }));
  const table =
    clause.as && isKnown ? namesOf(clause.as, net, file, context, instances) : undefined;
  return {
    net,
    file: from,
    adaptations,
    changes: list,
    origin: { path: net, file: file.name, span: clause.span },
    ...(clause.as ? { names: clause.as.text } : {}),
    ...(table ? { table } : {}),
    ...(within === undefined ? {} : { within }),
  };
}

function settingNumber(context: RecipeContext, name: string): number | undefined {
  const value = context.setting(name);
  return value && knownNumber(value);
}

/** What the file calls the parameters of the net; what is wrong with that is reported where the format is named. */
function namesOf(
  { text: format, span }: Identifier,
  net: string,
  file: FileScope,
  context: RecipeContext,
  instances: Instances,
): NameTable | undefined {
  if (!context.hasAllPaths) return undefined;
  const subject = {
    parameters: [...instances.parameters.values()],
    states: [...instances.states.values()],
    modules: [...instances.modules.keys()].map((path) => ({
      path,
      standing: instances.standingAt(path),
    })),
  };
  const at = { file: file.name, start: span.start, end: span.end };
  const { table, diagnostics } = resolveNames(context.library, subject, { format, root: net, at });
  diagnostics.forEach((diagnostic) => context.problems.add(diagnostic));
  return table;
}

function checkPathOf(
  path: Path,
  text: string,
  verb: string,
  file: FileScope,
  context: RecipeContext,
  instances: Instances,
): boolean {
  const known = [...instances.modules.keys(), ...instances.parameters.keys()];
  if (!context.hasAllPaths || known.some((each) => isUnder(each, text))) return true;
  context.problems.error(
    "matches-nothing",
    `there is nothing to ${verb} at \`${text}\``,
    file.name,
    path.span,
    nearestHint(text, known),
  );
  return false;
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
