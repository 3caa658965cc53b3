// Settings given from outside as text (`--set length="3 epochs"`, a point of a sweep) -> the recipe with them in place.
import { parse } from "../../../grammar/parse.ts";
import type { Expression, SyntaxFile } from "../../../grammar/syntax.ts";
import type { EffectiveRecipe } from "./effective-recipe.ts";
import { nearestHint } from "./nearest-hint.ts";
import type { Problems } from "./problems.ts";

/** Undefined where a setting is unknown or its text is no expression (and reported). */
export function overrideSettings(
  effective: EffectiveRecipe,
  given: Readonly<Record<string, string>>,
  problems: Problems,
): EffectiveRecipe | undefined {
  const before = problems.found.length;
  const names = effective.fields.map((placed) => placed.field.name.text);
  const found = new Map<string, { readonly expression: Expression; readonly syntax: SyntaxFile }>();
  for (const [name, text] of Object.entries(given)) {
    const source = `--set ${name}=${text}`;
    if (!names.includes(name)) {
      const span = { start: 0, end: 0 };
      problems.error(
        "unknown-setting",
        `recipe \`${effective.name}\` has no setting \`${name}\``,
        source,
        span,
        nearestHint(name, names),
      );
      continue;
    }
    const parsed = parse(`let value = ${text}`, source);
    parsed.diagnostics.forEach((diagnostic) => problems.add(diagnostic));
    const [declaration] = parsed.file.declarations;
    if (declaration?.kind === "let")
      found.set(name, { expression: declaration.value, syntax: parsed.file });
  }
  if (problems.found.length > before) return undefined;
  const fields = effective.fields.map((placed) => {
    const name = placed.field.name.text;
    const value = found.get(name);
    if (!value) return placed;
    // Its own text, and the names that the recipe's file sees.
    const file = { ...effective.file, name: value.syntax.name, syntax: value.syntax };
    return { ...placed, given: { expression: value.expression, file, by: "--set" } };
  });
  return { ...effective, fields };
}
