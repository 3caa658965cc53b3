// A `view` clause -> where it starts, the sample operations one after another, and the type of what comes out.
// Functions of the language whose first input is an `image` (or `audio`, ...) are written out in place; a view that
// starts from a view keeps it, so that both draw alike.
import type {
  CallExpression,
  Expression,
  FunctionDeclaration,
  Span,
  Stage,
} from "../../../grammar/syntax.ts";
import type { FieldAxis, ResolvedOperation } from "../../model/catalog.ts";
import { applyToViewType } from "../../model/view-type.ts";
import type { ViewType } from "../../model/view-type.ts";
import { resolveSettings } from "./catalog-settings.ts";
import { enterFunction } from "./function-scope.ts";
import { nearestHint } from "./nearest-hint.ts";

import type { FunctionValue } from "./recipe-value.ts";
import { truthOf } from "./setting-scope.ts";
import { evaluateSetting } from "./settings.ts";
import type { SettingScope } from "./setting-scope.ts";
import { startOfView } from "./view-start.ts";
import type { TypedView, ViewSources } from "./view-start.ts";

/** Kinds of an example that a function of the language may take first, and so be a function over examples. */
export const exampleTypes: readonly string[] = [
  "image",
  "audio",
  "video",
  "text",
  "example",
  "label",
  "bytes",
];

interface Way {
  readonly operations: readonly ResolvedOperation[];
  readonly type: ViewType;
}

/** Undefined where something is wrong (and reported). */
export function resolveView(
  name: string,
  expression: Expression,
  sources: ViewSources,
  scope: SettingScope,
): TypedView | undefined {
  const start = startOfView(expression, sources, scope);
  if (!start) return undefined;
  let way: Way | undefined = { operations: [], type: start.type };
  for (const stage of start.stages) way = way && throughStage(stage, way, sources, scope);
  if (!way) return undefined;
  const { from, facts } = start;
  return { view: { name, ...from, operations: way.operations }, type: way.type, facts };
}

/** One stage of the pipe, `when` included. */
function throughStage(
  stage: Stage,
  way: Way,
  sources: ViewSources,
  scope: SettingScope,
): Way | undefined {
  if (stage.when) {
    const condition = evaluateSetting(stage.when, scope);
    if (condition.kind === "unknown") return undefined;
    if (truthOf(condition) === false) return way;
  }
  if (stage.operation.kind === "repeat" || stage.operation.kind === "arrow") {
    return refuseStage(stage.operation.span, scope);
  }
  return through(stage.operation, way, sources, scope);
}

function through(
  operation: Expression,
  way: Way,
  sources: ViewSources,
  scope: SettingScope,
): Way | undefined {
  switch (operation.kind) {
    case "missing":
      return undefined;
    case "name":
    case "call":
      return throughCall(operation, way, sources, scope);
    case "braces":
      return operation.lets.length === 0
        ? through(operation.result, way, sources, scope)
        : refuseStage(operation.span, scope);
    case "pipe": {
      let inner: Way | undefined = way;
      for (const stage of [operation.head, ...operation.stages])
        inner = inner && throughStage(stage, inner, sources, scope);
      return inner;
    }
    default:
      return refuseStage(operation.span, scope);
  }
}

function refuseStage(span: Span, scope: SettingScope): undefined {
  scope.problems.error(
    "wrong-view",
    "a view is a chain of sample operations: this is none",
    scope.file,
    span,
  );
  return undefined;
}

function throughCall(
  operation: CallExpression | (Expression & { kind: "name" }),
  way: Way,
  sources: ViewSources,
  scope: SettingScope,
): Way | undefined {
  const callee = operation.kind === "call" ? operation.callee : operation;
  if (callee.kind !== "name") return refuseStage(operation.span, scope);
  const given = operation.kind === "call" ? operation.arguments : [];
  if (callee.name === "same" && given.length === 0) return way;
  const declared = scope.lookup(callee.name);
  if (declared?.kind === "function" && isOverExamples(declared.declaration)) {
    return throughFunction(declared, operation, way, sources, scope);
  }
  const entry = sources.catalog.operations.find((candidate) => candidate.name === callee.name);
  if (!entry) return reportUnknownOperation(callee.name, callee.span, way, sources, scope);
  const settings = resolveSettings(
    { name: entry.name, settings: entry.settings, arguments: given, span: operation.span },
    scope,
  );
  if (!settings) return undefined;
  const type = applyToViewType(way.type, entry, settings);
  if ("problem" in type) {
    scope.problems.error("wrong-view", type.problem, scope.file, operation.span, {
      hints: [type.hint],
    });
    return undefined;
  }
  return { operations: [...way.operations, { name: entry.name, settings }], type };
}

function reportUnknownOperation(
  name: string,
  span: Span,
  way: Way,
  sources: ViewSources,
  scope: SettingScope,
): undefined {
  const fitting = sources.catalog.operations.filter(
    (candidate) => candidate.input === way.type.kind,
  );
  const functions = scope.names().filter((known) => {
    const value = scope.lookup(known);
    return value?.kind === "function" && isOverExamples(value.declaration);
  });
  scope.problems.error(
    "unknown-operation",
    `there is no sample operation \`${name}\``,
    scope.file,
    span,
    nearestHint(name, [...fitting.map((candidate) => candidate.name), ...functions]),
  );
  return undefined;
}

/** A function over examples: its first input is an `image`, `audio`, ... */
export function isOverExamples(declaration: FunctionDeclaration): boolean {
  const type = declaration.fields[0]?.type;
  return type?.kind === "type-name" && exampleTypes.includes(type.name);
}

/** `augment(blur = 10%)`: the body's stages follow those before, with the function's own settings. */
function throughFunction(
  value: FunctionValue,
  call: Expression,
  way: Way,
  sources: ViewSources,
  scope: SettingScope,
): Way | undefined {
  const [input, ...fields] = value.declaration.fields;
  const given = call.kind === "call" ? call.arguments : [];
  const inner = enterFunction(value, fields, given, call.span, scope);
  if (!inner) return undefined;
  return fromInput(value.declaration.body.result, input!.name.text, way, sources, inner);
}

/** The body of a function over examples: a pipe that starts from its input, or the input alone. */
function fromInput(
  body: Expression,
  input: string,
  way: Way,
  sources: ViewSources,
  scope: SettingScope,
): Way | undefined {
  if (body.kind === "name" && body.name === input) return way;
  if (
    body.kind === "pipe" &&
    body.head.operation.kind === "name" &&
    body.head.operation.name === input &&
    !body.head.when
  ) {
    let inner: Way | undefined = way;
    for (const stage of body.stages) inner = inner && throughStage(stage, inner, sources, scope);
    return inner;
  }
  if (body.kind === "if") {
    const condition = evaluateSetting(body.condition, scope);
    if (condition.kind === "unknown") return undefined;
    return fromInput(
      truthOf(condition) === false ? body.else : body.then,
      input,
      way,
      sources,
      scope,
    );
  }
  scope.problems.error(
    "wrong-view",
    `a function over examples starts from its input: \`${input} |> …\``,
    scope.file,
    body.span,
  );
  return undefined;
}

/** The axes of the view's examples with all extents known; undefined (and reported) where one differs. */
export function knownAxes(
  typed: TypedView,
  scope: SettingScope,
  span: Span,
): readonly { name: string; extent: number }[] | undefined {
  if (typed.type.parts) return refuseRecord(typed, scope, span);
  const open = typed.type.axes.filter((axis) => axis.extent === null);
  if (open.length === 0 && typed.type.kind !== "text")
    return typed.type.axes.map((axis: FieldAxis) => ({ name: axis.name, extent: axis.extent! }));
  if (typed.type.kind === "text") return refuseText(typed, scope, span);
  const names = open.map((axis) => `\`${axis.name}\``).join(" and ");
  scope.problems.error(
    "open-extent",
    `${names} of \`${typed.view.name}\` differ from example to example`,
    scope.file,
    span,
    {
      hints: [
        typed.type.kind === "audio"
          ? "give all one length: `random_window(frames = 32, rate = 10)` on the example, then `resample(48_000)`"
          : "give all one size: `resize((224, 224))`, or `resize(256) |> center_crop(224)`",
      ],
    },
  );
  return undefined;
}

function refuseRecord({ view, type }: TypedView, scope: SettingScope, span: Span): undefined {
  const parts = Object.keys(type.parts ?? {}).map((part) => `\`${view.name}.${part}\``);
  scope.problems.error("wrong-view", `\`${view.name}\` is a record`, scope.file, span, {
    hints: [`read a part of it: ${parts.join(", ")}`],
  });
  return undefined;
}

function refuseText({ view }: TypedView, scope: SettingScope, span: Span): undefined {
  scope.problems.error("wrong-view", `\`${view.name}\` is text, no numbers`, scope.file, span, {
    hints: ["end it with `nearest(4) |> word_ids(16)`"],
  });
  return undefined;
}
