// The fields of a recipe (`batch`, `length`, `lr`, …) -> numbers, and the clock that durations are counted with.
// A setting with the name of a field is that field, unless a clause sets it.
import type { Expression, Span } from "../../../grammar/syntax.ts";
import type { FileScope } from "../../model/library.ts";
import { hostNumber } from "../host-expression.ts";
import type { HostExpression } from "../lowered.ts";
import type { Clock } from "./clock.ts";
import { durationInSteps, wholeSteps } from "./clock.ts";
import { freeNames } from "./free-names.ts";
import { nearestHint } from "./nearest-hint.ts";
import { fieldNames } from "./recipe-context.ts";
import type { FieldName, RecipeContext } from "./recipe-context.ts";
import { describeValue, knownNumber } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";
import { refuseEpochs, toHost } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";

export interface RecipeFields {
  readonly batch: number;
  readonly accumulate: number;
  readonly seed: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly precision: "f32" | "f16";
  readonly clip?: number;
  readonly lr: HostExpression;
}

const needed: Readonly<Partial<Record<FieldName, string>>> = {
  batch: "batch = 64",
  length: "length = 20 epochs",
  lr: "lr = cosine(1e-3 to 0, warmup = 1 epochs)",
  optimizer: "optimizer = AdamW(decay = 0.05)",
};

/**
 * Always something to go on with: what is missing or wrong is reported, and stands as an ordinary value, so that one
 * run finds the mistakes of all clauses. Sets the clock of the context.
 */
export function resolveFields(context: RecipeContext): RecipeFields {
  refuseUnknownFields(context);
  refuseMissing(context);
  const batch = context.batch ?? wholeField("batch", 1, context) ?? 64;
  const clock: Clock = { batch, stepsPerEpoch: stepsPerEpoch(batch, context) };
  context.clock = clock;
  const steps = lengthInSteps(context, clock) ?? 1;
  const accumulate = partsOfBatch(batch, context);
  const seed = wholeField("seed", 0, context) ?? 0;
  const clip = clipField(context);
  const precision = precisionField(context);
  const lr = rateField(context) ?? hostNumber(0);
  const fields = { batch, accumulate, seed, steps, precision, lr };
  return {
    ...fields,
    stepsPerEpoch: clock.stepsPerEpoch ?? steps,
    ...(clip === undefined ? {} : { clip }),
  };
}

function partsOfBatch(batch: number, context: RecipeContext): number {
  const parts = wholeField("accumulate", 1, context) ?? 1;
  if (batch % parts === 0) return parts;
  const { file, span } = fieldValue("accumulate", context)!;
  const message = `a batch of ${batch} does not divide into ${parts} equal parts`;
  context.problems.error("wrong-field", message, file.name, span);
  return 1;
}

/** Undefined only where the data is there and its size is not known; data that is wrong has been reported. */
function stepsPerEpoch(batch: number, context: RecipeContext): number | undefined {
  const data = dataOfLoss(context);
  const facts = data === undefined ? undefined : context.facts(data);
  if (!facts) return 1000;
  return facts.size === null ? undefined : facts.size / batch;
}

function refuseUnknownFields(context: RecipeContext): void {
  for (const { clause, file } of context.effective.clauses) {
    if (
      clause.kind !== "assign" ||
      fieldNames.some((name) => name === clause.name.text) ||
      clause.name.text === ""
    )
      continue;
    context.problems.error(
      "unknown-field",
      `a recipe has no field \`${clause.name.text}\``,
      file.name,
      clause.name.span,
      {
        hints: nearestHint(clause.name.text, fieldNames).hints ?? [
          `a value of your own is a \`let ${clause.name.text} = …\``,
        ],
      },
    );
  }
}

function refuseMissing(context: RecipeContext): void {
  const { effective, problems } = context;
  const { file, declaration } = effective;
  const at: Span = declaration.name.span;
  if (!effective.clauses.some((placed) => placed.clause.kind === "loss")) {
    problems.error(
      "missing-loss",
      `recipe \`${effective.name}\` has no loss: nothing would be trained`,
      file.name,
      at,
      {
        hints: ["`loss = cross_entropy(model(image), train.label)`"],
      },
    );
  }
  for (const name of fieldNames) {
    const example = needed[name];
    if (example === undefined || context.field(name) || context.setting(name)) continue;
    problems.error(
      "missing-field",
      `recipe \`${effective.name}\` does not say its \`${name}\``,
      file.name,
      at,
      { hints: [`\`${example}\``] },
    );
  }
}

interface FieldValue {
  readonly value: RecipeValue;
  readonly file: FileScope;
  readonly span: Span;
}

/** The value of a field, from its clause or from the setting of its name. */
function fieldValue(
  name: FieldName,
  context: RecipeContext,
  isCourse = false,
): FieldValue | undefined {
  const placed = context.field(name);
  if (placed) {
    const { clause, file } = placed;
    return {
      value: evaluateSetting(clause.value, context.scope(file, new Map(), isCourse)),
      file,
      span: clause.value.span,
    };
  }
  const value = context.setting(name);
  const field = context.effective.fields.find((candidate) => candidate.field.name.text === name);
  return value && field && { value, file: field.file, span: field.field.span };
}

function wholeField(name: FieldName, least: number, context: RecipeContext): number | undefined {
  const field = fieldValue(name, context);
  if (!field || field.value.kind === "unknown") return undefined;
  const number = knownNumber(field.value);
  if (number !== undefined && Number.isInteger(number) && number >= least) return number;
  wrongField(name, `a whole number of at least ${least}`, field, context);
  return undefined;
}

function wrongField(
  name: FieldName,
  wanted: string,
  { value, file, span }: FieldValue,
  context: RecipeContext,
  hints: readonly string[] = [],
): void {
  context.problems.error(
    "wrong-field",
    `\`${name}\` takes ${wanted}, but this is ${describeValue(value)}`,
    file.name,
    span,
    { hints },
  );
}

function lengthInSteps(context: RecipeContext, clock: Clock): number | undefined {
  const field = fieldValue("length", context);
  if (!field || field.value.kind === "unknown") return undefined;
  const { value, file, span } = field;
  if (value.kind !== "duration") {
    const number = knownNumber(value);
    const hints =
      number === undefined
        ? []
        : [
            `say of what: \`length = ${number} epochs\`, \`${number} steps\` or \`${number} samples\``,
          ];
    wrongField("length", "a duration", field, context, hints);
    return undefined;
  }
  if (value.amount <= 0) {
    wrongField("length", "a duration longer than nothing", field, context);
    return undefined;
  }
  const steps = durationInSteps(value, clock);
  if (steps !== undefined) return wholeSteps(steps);
  refuseEpochs(value, context.scope(file), span);
  return undefined;
}

function clipField(context: RecipeContext): number | undefined {
  const field = fieldValue("clip", context);
  if (!field || field.value.kind === "none" || field.value.kind === "unknown") return undefined;
  const number = knownNumber(field.value);
  if (number !== undefined && number > 0) return number;
  wrongField("clip", "a number above 0, the greatest norm of the gradient", field, context);
  return undefined;
}

function precisionField(context: RecipeContext): "f32" | "f16" {
  const placed = context.field("precision");
  if (!placed) return "f32";
  const { value } = placed.clause;
  const word = value.kind === "name" ? value.name : "";
  if (word === "f32" || word === "f16") return word;
  context.problems.error(
    "wrong-field",
    "`precision` takes f32 or f16",
    placed.file.name,
    value.span,
    nearestHint(word, ["f32", "f16"]),
  );
  return "f32";
}

function rateField(context: RecipeContext): HostExpression | undefined {
  const field = fieldValue("lr", context, true);
  if (!field) return undefined;
  const scope = context.scope(field.file, new Map(), true);
  if (field.value.kind === "course") {
    wrongField("lr", "a number or a schedule", field, context, [
      "say how it gets there: `cosine(…)` or `linear(…)` around it",
    ]);
    return undefined;
  }
  if (field.value.kind === "duration") {
    wrongField("lr", "a number or a schedule", field, context, [
      "a duration says how long, as in `cosine(1e-3 to 0, warmup = 1 epochs)`",
    ]);
    return undefined;
  }
  return toHost(field.value, scope, field.span);
}

/** The first data set that a loss reads, following `let`s and views. */
export function dataOfLoss(context: RecipeContext): string | undefined {
  const losses = context.effective.clauses.filter((placed) => placed.clause.kind === "loss");
  const seen = new Set<string>();
  const visit = (expression: unknown): string | undefined => {
    for (const name of freeNames(expression)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const clause = context.clauseOf(name)?.clause;
      if (clause?.kind === "data") return name;
      const found = clause && "value" in clause ? visit(clause.value as Expression) : undefined;
      if (found) return found;
    }
    return undefined;
  };
  for (const { clause } of losses) {
    const found = clause.kind === "loss" ? visit(clause.value) : undefined;
    if (found) return found;
  }
  return undefined;
}
