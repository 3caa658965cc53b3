// A `data` clause -> which data set of the catalog, under which settings, and what is known of it.
// `imagenet(split = "train") |> repeat_each(3)`: a call of a data set, then functions of data sets.
import type { CallExpression, Expression, Pipe, Span } from "../../../grammar/syntax.ts";
import type {
  Catalog,
  CatalogDataset,
  DatasetFacts,
  ResolvedDataset,
  Settings,
} from "../../model/catalog.ts";
import { datasetSize, parseSplit } from "../../model/split.ts";
import { blend } from "./blend.ts";
import { resolveSettings } from "./catalog-settings.ts";
import { nearestHint } from "./nearest-hint.ts";
import { knownNumber, unknownValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { evaluateSetting } from "./settings.ts";
import type { SettingScope } from "./setting-scope.ts";

export function resolveDataset(
  name: string,
  expression: Expression,
  catalog: Catalog,
  scope: SettingScope,
): RecipeValue {
  if (expression.kind === "missing") return unknownValue;
  if (expression.kind === "pipe") return resolvePiped(name, expression, catalog, scope);
  if (expression.kind !== "call" && expression.kind !== "name")
    return refuse(expression.span, catalog, scope);
  const callee = expression.kind === "call" ? expression.callee : expression;
  if (callee.kind !== "name") return refuse(callee.span, catalog, scope);
  if (callee.name === "blend" && expression.kind === "call")
    return blend(name, expression, scope, (part, of) => resolveDataset(part, of, catalog, scope));
  const source = sourceOf(callee.name, scope);
  if (source === undefined) return unknownValue;
  const entry = catalog.datasets.find((candidate) => candidate.name === source);
  if (!entry) {
    scope.problems.error(
      "unknown-data-set",
      `there is no data set \`${source}\``,
      scope.file,
      callee.span,
      nearestHint(source, [...catalog.datasets.map((candidate) => candidate.name), "blend"]),
    );
    return unknownValue;
  }
  const given = expression.kind === "call" ? expression.arguments : [];
  const settings = resolveSettings(
    { name: source, settings: entry.settings, arguments: given, span: expression.span },
    scope,
  );
  if (!settings || !hasKnownSplit(entry, settings, expression, scope)) return unknownValue;
  const facts = factsOf(entry, settings, catalog, scope, expression.span);
  return facts ? { kind: "dataset", dataset: { name, source, settings }, facts } : unknownValue;
}

/** A name here is a data set of the catalog, or a setting that stands for one. */
function sourceOf(name: string, scope: SettingScope): string | undefined {
  const value = scope.lookup(name);
  if (value?.kind === "source") return value.name;
  return value?.kind === "unknown" ? undefined : name;
}

function refuse(span: Span, catalog: Catalog, scope: SettingScope): RecipeValue {
  scope.problems.error("not-a-data-set", "`data` takes a data set", scope.file, span, {
    hints: [`such as \`${catalog.datasets[0]?.name ?? "mnist"}(split = "train")\``],
  });
  return unknownValue;
}

function resolvePiped(
  name: string,
  pipe: Pipe,
  catalog: Catalog,
  scope: SettingScope,
): RecipeValue {
  const { head, stages } = pipe;
  if (head.operation.kind === "repeat" || head.operation.kind === "arrow")
    return refuse(head.span, catalog, scope);
  let value = resolveDataset(name, head.operation, catalog, scope);
  for (const stage of stages) {
    if (value.kind !== "dataset") return value;
    const { operation } = stage;
    if (
      operation.kind !== "call" ||
      operation.callee.kind !== "name" ||
      operation.callee.name !== "repeat_each"
    ) {
      const written =
        operation.kind === "call" && operation.callee.kind === "name"
          ? operation.callee.name
          : operation.kind === "name"
            ? operation.name
            : undefined;
      scope.problems.error(
        "unknown-function",
        written === undefined
          ? "a function of data sets is needed here"
          : `there is no function \`${written}\` of data sets`,
        scope.file,
        operation.span,
        nearestHint(written ?? "", ["repeat_each"]),
      );
      return unknownValue;
    }
    value = repeated(value, operation, scope);
  }
  return value;
}

function repeated(
  value: RecipeValue & { kind: "dataset" },
  call: CallExpression,
  scope: SettingScope,
): RecipeValue {
  const [argument] = call.arguments;
  const times =
    argument?.kind === "argument" ? evaluateSetting(argument.value, scope) : unknownValue;
  const count = knownNumber(times);
  if (count === undefined || !Number.isInteger(count) || count < 1 || call.arguments.length !== 1) {
    if (times.kind === "unknown" && argument) return unknownValue;
    scope.problems.error(
      "wrong-setting",
      "`repeat_each` takes a whole number of at least 1",
      scope.file,
      call.span,
    );
    return unknownValue;
  }
  return { ...value, dataset: { ...value.dataset, repeat: count * (value.dataset.repeat ?? 1) } };
}

/** The split is one of those that the catalog lists, where it lists them. */
function hasKnownSplit(
  entry: CatalogDataset,
  settings: Settings,
  expression: Expression,
  scope: SettingScope,
): boolean {
  if (typeof settings.split !== "string" || !entry.splits) return true;
  const span = splitSpan(expression) ?? expression.span;
  const split = parseSplit(settings.split);
  if (!split) {
    scope.problems.error("wrong-split", `"${settings.split}" is not a split`, scope.file, span, {
      hints: ['write its name, and perhaps a slice: "train", "train[:90%]", "train[500:]"'],
    });
    return false;
  }
  if (split.name in entry.splits) return true;
  scope.problems.error(
    "wrong-split",
    `\`${entry.name}\` has no split "${split.name}"`,
    scope.file,
    span,
    nearestHint(split.name, Object.keys(entry.splits)),
  );
  return false;
}

function splitSpan(expression: Expression): Span | undefined {
  if (expression.kind !== "call") return undefined;
  const named = expression.arguments.find(
    (argument) => argument.kind === "argument" && argument.name?.text === "split",
  );
  return named?.kind === "argument" ? named.value.span : undefined;
}

/** From the catalog where it says, else from the files if there are any to look at. */
function factsOf(
  entry: CatalogDataset,
  settings: Settings,
  catalog: Catalog,
  scope: SettingScope,
  span: Span,
): DatasetFacts | undefined {
  const known = entry.fields && {
    fields: entry.fields,
    classes: entry.classes ?? [],
    size: datasetSize(entry, settings),
  };
  if (known && known.size !== null) return known;
  const looked = catalog.look?.(entry.name, settings);
  if (looked !== undefined && typeof looked !== "string") return looked;
  if (known) return known;
  scope.problems.error(
    "absent-data",
    `what \`${entry.name}\` holds is not known before its files are there${looked ? `: ${looked}` : ""}`,
    scope.file,
    span,
  );
  return undefined;
}

/** Every data set that a recipe names, in order. */
export function datasetsOf(values: Iterable<RecipeValue>): readonly ResolvedDataset[] {
  return [...values].flatMap((value) => (value.kind === "dataset" ? [value.dataset] : []));
}
