// `vit show FILE:NAME@VARIANT`: the resolved spec, flat, every value with where it comes from.
import { positionAt } from "../grammar/diagnostic.ts";
import type { Parameter } from "../compiler/graph/graph.ts";
import type { Module } from "../compiler/graph/lowered.ts";
import type { ResolvedModel, ResolvedRecipe } from "../runtime/spec/open-spec.ts";
import { exit } from "./exit-codes.ts";
import { openTarget } from "./open-target.ts";
import { shortened, shownWidth, table } from "./table.ts";
import { colors, say, sayJson, widthOf } from "./terminal.ts";

export interface ShowOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

export function show(target: string, options: ShowOptions): number {
  const spec = openTarget(target, options);
  if (spec === undefined) return exit.wrongInput;
  if (options.json) sayJson(spec.kind === "model" ? modelJson(spec) : recipeJson(spec));
  else if (spec.kind === "model") say(modelLines(spec, options.set ?? {}).join("\n"));
  else say(recipeLines(spec).join("\n"));
  return exit.fine;
}

function modelLines(spec: ResolvedModel, set: Readonly<Record<string, string>>): string[] {
  const paint = colors();
  const { model } = spec;
  const declaration = documentationOf(spec);
  const title = `model ${model.name}${model.variant === undefined ? "" : `("${model.variant}")`}`;
  return [
    ...declaration.map((line) => paint.dim(`/// ${line}`)),
    paint.bold(title),
    ...table(
      model.settings.map(({ name, value }) => [
        `  ${name}`,
        `= ${value}`,
        paint.dim(settingOrigin(spec, name, set)),
      ]),
      { widest: 60 },
    ),
    "",
    ...table(model.inputs.map((input) => [`  ${paint.dim("in")}   ${input.name}`, typeOf(input)])),
    ...table(
      model.outputs.map((output) => [`  ${paint.dim("out")}  ${output.name}`, typeOf(output)]),
    ),
    "",
    ...pathLines(spec),
  ];
}

/** `--set`, the variant's row, or the default in the signature. */
function settingOrigin(
  { target, library }: ResolvedModel,
  name: string,
  set: Readonly<Record<string, string>>,
): string {
  if (name in set) return "--set";
  const file = library.files.get(target.file);
  const declaration = file?.declarations.get(target.name ?? "");
  if (file === undefined || declaration === undefined || !("settings" in declaration)) return "";
  const place = (start: number) => {
    const { line, column } = positionAt(file.syntax.text, start);
    return `${file.name}:${line}:${column}`;
  };
  const variants = target.variant === undefined ? undefined : file.variants.get(target.name ?? "");
  const row = variants?.rows.find((each) => each.name.value === target.variant);
  const isInRow =
    variants?.columns.some((column) => column.text === name) ||
    row?.values.some((each) => each.kind === "argument" && each.name?.text === name);
  if (row !== undefined && isInRow) return `"${target.variant}", ${place(row.name.span.start)}`;
  const field = declaration.settings.find((each) => "name" in each && each.name.text === name);
  return field === undefined ? "" : `default, ${place(field.span.start)}`;
}

/** Modules with their settings, parameters with shape and first values, in the order of the model. */
function pathLines(spec: ResolvedModel): string[] {
  const paint = colors();
  const { modules, graph } = spec.model;
  const rows = modules
    .filter(({ path }) => path !== "")
    .map((module): [string, string, string] => [
      `${module.path}${module.block === "" ? "" : `: ${paint.cyan(module.block)}`}`,
      module.settings.map(({ name, value }) => `${name} = ${value}`).join(", "),
      paint.dim(originOf(spec, module)),
    ]);
  const parameters = graph.parameters.map((parameter): [string, string, string] => [
    `param ${parameter.path}`,
    `[${parameter.shape.join(", ")}] ~ ${startOf(parameter)}`,
    paint.dim(originOf(spec, parameter)),
  ]);
  const states = graph.states.map((state): [string, string, string] => [
    `state ${state.path}`,
    `[${state.shape.join(", ")}] ~ ${startOf(state)}`,
    paint.dim(originOf(spec, state)),
  ]);
  return [...within(rows), "", ...within([...parameters, ...states])];
}

/** Where the terminal is narrower, what stands between a name and its origin is cut. */
function within(rows: readonly (readonly [string, string, string])[]): string[] {
  const widest = (column: 0 | 2) => Math.max(0, ...rows.map((row) => shownWidth(row[column])));
  const room = Math.max(leastMiddle, widthOf() - widest(0) - widest(2) - 4);
  return table(rows.map(([name, middle, origin]) => [name, shortened(middle, room), origin]));
}

const leastMiddle = 16;

function recipeLines({ shown }: ResolvedRecipe): string[] {
  const paint = colors();
  const longest = 76;
  const width = Math.min(longest, Math.max(...shown.map(({ text }) => text.length)));
  return shown.map(({ text, origin }) =>
    origin === "" ? text : `${text.padEnd(width)}  ${paint.dim(`// ${origin}`)}`,
  );
}

function modelJson(spec: ResolvedModel) {
  const { name, variant, settings, inputs, outputs, modules, graph } = spec.model;
  return {
    kind: "model",
    name,
    ...(variant === undefined ? {} : { variant }),
    settings,
    inputs,
    outputs,
    modules: modules.map((module) => ({
      path: module.path,
      block: module.block,
      settings: module.settings,
      output: module.output,
      origin: originOf(spec, module),
    })),
    parameters: graph.parameters.map((parameter) => arrayJson(spec, parameter)),
    states: graph.states.map((state) => arrayJson(spec, state)),
  };
}

function arrayJson(
  spec: ResolvedModel,
  array: Pick<Parameter, "path" | "shape" | "initializer" | "origin">,
) {
  const { path, shape, initializer } = array;
  return { path, shape, initializer, origin: originOf(spec, array) };
}

function recipeJson({ recipe, shown }: ResolvedRecipe) {
  const { name, settings, batch, accumulate, seed, steps, stepsPerEpoch, precision } = recipe;
  const { modules, parameters } = recipe;
  return {
    kind: "recipe",
    name,
    settings,
    batch,
    accumulate,
    seed,
    steps,
    stepsPerEpoch,
    precision,
    lines: shown,
    modules: modules.map(({ path, block, settings: own, output }) => ({
      path,
      block,
      settings: own,
      output,
    })),
    parameters: parameters.map(({ path, shape, initializer, trainable }) => ({
      path,
      shape,
      initializer,
      trainable,
    })),
  };
}

function documentationOf({ library, target }: ResolvedModel): string[] {
  const declaration = library.files.get(target.file)?.declarations.get(target.name ?? "");
  if (declaration === undefined || !("documentation" in declaration)) return [];
  return declaration.documentation?.split("\n") ?? [];
}

function typeOf({ axes, shape, dtype }: ResolvedModel["model"]["inputs"][number]): string {
  const shown = shape.map((size, i) =>
    axes[i] === "batch" ? "batch" : axes[i] ? `${axes[i]} = ${size}` : String(size),
  );
  return `${dtype === "f32" ? "" : dtype}[${shown.join(", ")}]`;
}

function startOf({ initializer: { kind, settings } }: Pick<Parameter, "initializer">): string {
  const shown = Object.entries(settings).map(([name, value]) => `${name} = ${shortNumber(value)}`);
  return shown.length === 0 ? kind : `${kind}(${shown.join(", ")})`;
}

/** Six digits say enough to a person; `--json` has all. */
function shortNumber(value: unknown): string {
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

function originOf(spec: ResolvedModel, { origin }: Pick<Module, "origin">): string {
  if (origin.file === undefined) return "";
  const text = spec.sources.get(origin.file);
  if (text === undefined || origin.span === undefined) return origin.file;
  const { line, column } = positionAt(text, origin.span.start);
  return `${origin.file}:${line}:${column}`;
}
