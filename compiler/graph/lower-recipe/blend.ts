// `blend([a(), b()], weights = [1, 1])`: data sets whose examples are alike, mixed in the proportions of the weights.
// An epoch passes once over the one that lasts longest; the others come again and again meanwhile.
import type { CallExpression, Expression } from "../../../grammar/syntax.ts";
import type { CatalogField, DatasetFacts } from "../../model/catalog.ts";
import { blendSize } from "../../model/blend-size.ts";
import { knownNumber, unknownValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import type { SettingScope } from "./setting-scope.ts";

type Dataset = RecipeValue & { kind: "dataset" };

export function blend(
  name: string,
  call: CallExpression,
  scope: SettingScope,
  resolve: (part: string, expression: Expression) => RecipeValue,
): RecipeValue {
  const given = new Map(
    call.arguments.flatMap((argument, place) =>
      argument.kind === "argument"
        ? [[argument.name?.text ?? ["of", "weights"][place] ?? "", argument.value] as const]
        : [],
    ),
  );
  const of = given.get("of");
  const isSound = given.size === call.arguments.length && [...given.keys()].every((key) => ["of", "weights"].includes(key)); // prettier-ignore
  if (of?.kind !== "list" || of.elements.length === 0 || !isSound) return refuse(call, scope);
  const parts = of.elements.map((element, i) => resolve(`${name}.${i}`, element));
  if (parts.some((part) => part.kind === "unknown")) return unknownValue;
  if (!parts.every((part): part is Dataset => part.kind === "dataset")) return refuse(call, scope);
  const weights = weightsOf(given.get("weights"), parts.length, scope);
  if (!weights) return unknownValue;
  const facts = factsOf(parts, weights, call, scope);
  if (!facts) return unknownValue;
  const datasets = parts.map((part) => part.dataset);
  return {
    kind: "dataset",
    dataset: { name, source: "blend", settings: { weights }, of: datasets },
    facts,
  };
}

function refuse(call: CallExpression, scope: SettingScope): RecipeValue {
  const message = "`blend` takes a list of data sets, and perhaps their weights";
  scope.problems.error("wrong-setting", message, scope.file, call.span, {
    hints: ['such as `blend([mnist(split = "train"), mnist(split = "test")], weights = [1, 2])`'],
  });
  return unknownValue;
}

function weightsOf(
  expression: Expression | undefined,
  count: number,
  scope: SettingScope,
): readonly number[] | undefined {
  if (!expression) return Array.from({ length: count }, () => 1);
  const value = scope.evaluate(expression, scope);
  if (value.kind === "unknown") return undefined;
  const items = value.kind === "list" ? value.items.map(knownNumber) : [];
  const isSound = items.length === count && items.every((item) => item !== undefined && item > 0);
  if (isSound) return items as readonly number[];
  scope.problems.error(
    "wrong-setting",
    `\`weights\` of \`blend\` takes ${count} numbers above 0, one for each data set`,
    scope.file,
    expression.span,
  );
  return undefined;
}

/** Fields alike; classes only where all have the same. */
function factsOf(
  parts: readonly Dataset[],
  weights: readonly number[],
  call: CallExpression,
  scope: SettingScope,
): DatasetFacts | undefined {
  const [first, ...others] = parts;
  const { fields, classes } = first!.facts;
  const odd = others.find(({ facts }) => !areAlike(facts.fields, fields));
  if (odd) {
    scope.problems.error(
      "wrong-setting",
      `the examples of \`${odd.dataset.source}\` are not like those of \`${first!.dataset.source}\`: they cannot be blended`,
      scope.file,
      call.span,
    );
    return undefined;
  }
  const isSame = others.every(({ facts }) => facts.classes.join() === classes.join());
  const sizes = parts.map(({ facts }) => facts.size);
  const size = sizes.every((one) => one !== null) ? blendSize(sizes, weights) : null;
  return { fields, classes: isSame ? classes : [], size };
}

function areAlike(a: readonly CatalogField[], b: readonly CatalogField[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
