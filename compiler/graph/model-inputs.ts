// The signature of a model -> the inputs of its graph, of the sizes that the signature says or of the shapes that are
// given, and its settings for people.
import type { Field } from "../../grammar/syntax.ts";
import type { LoweredModel } from "./lowered.ts";
import { RoleTable } from "./lower/axis.ts";
import { defineSettings } from "./lower/bind-settings.ts";
import { showValue } from "./lower/describe-value.ts";
import * as errors from "./lower/errors.ts";
import type { Evaluator } from "./lower/evaluator.ts";
import { Scope } from "./lower/scope.ts";
import { sizeFrom } from "./lower/shape.ts";
import type { CallableValue, TensorValue } from "./lower/value.ts";

/** By the names of the inputs. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

export interface ModelInputs {
  readonly values: ReadonlyMap<string, TensorValue>;
  readonly settings: LoweredModel["settings"];
}

/**
 * One graph input for each tensor of the signature that has a shape in `given`; where that is a batch alone, for each but
 * those that are `= none`. Undefined: reported.
 */
export function inputsOf(
  e: Evaluator,
  callable: CallableValue,
  scope: Scope,
  given: InputShapes | number,
): ModelInputs | undefined {
  if (callable.target.kind !== "block") return undefined;
  const { declaration, file } = callable.target;
  const signature = new Scope(undefined, { file, roles: new RoleTable(), place: scope.place });
  defineSettings(e, declaration.settings, callable.given, signature);
  const values = new Map<string, TensorValue>();
  const open = new Map<string, number>();
  for (const field of declaration.inputs) {
    const shape = typeof given === "number" ? undefined : given[field.name.text];
    if (typeof given === "number" ? field.default !== undefined : shape === undefined) continue;
    const input =
      shape === undefined
        ? inputOf(e, field, signature, scope, given as number)
        : givenInput(e, field, shape, open, signature, scope);
    if (input === undefined) return undefined;
    values.set(field.name.text, input);
  }
  const settings = declaration.settings.map((field) => ({
    name: field.name.text,
    value: showValue(signature.get(field.name.text)!, signature.roles),
  }));
  return { values, settings };
}

function inputOf(
  e: Evaluator,
  field: Field,
  signature: Scope,
  scope: Scope,
  batch: number,
): TensorValue | undefined {
  const axes = declaredAxes(e, field, signature);
  // What nothing fixes is 1, but for the batch.
  const sized = axes
    ?.filter((axis) => axis !== "rest")
    .map(({ name, size }) => ({ name, size: size ?? (name === "batch" ? batch : 1) }));
  return (
    sized && e.input(field.name.text, sized, elementOf(field), scope, e.at(field.span, signature))
  );
}

/** An input of the shape that it is given; `open` are the sizes of axes that the inputs before it have fixed. */
function givenInput(
  e: Evaluator,
  field: Field,
  shape: readonly number[],
  open: Map<string, number>,
  signature: Scope,
  scope: Scope,
): TensorValue | undefined {
  const axes = declaredAxes(e, field, signature);
  if (axes === undefined) return undefined;
  const at = e.at(field.span, signature);
  const rest = axes.indexOf("rest");
  const more = shape.length - axes.length + 1;
  const places = axes.flatMap((axis) =>
    axis === "rest" ? Array<DeclaredAxis>(Math.max(0, more)).fill({}) : [axis],
  );
  const wanted = places.map(({ name, size }) => ({
    name,
    size: size ?? (name === undefined ? undefined : open.get(name)),
  }));
  if (
    (rest === -1 ? shape.length !== axes.length : more < 0) ||
    wanted.some(({ size }, i) => size !== undefined && size !== shape[i])
  ) {
    const shown = axes.map((axis) => (axis === "rest" ? ".." : wanted[places.indexOf(axis)]!));
    e.fail(errors.givenShape(field.name.text, shape, shown, at), signature);
    return undefined;
  }
  for (const [i, { name }] of wanted.entries()) if (name !== undefined) open.set(name, shape[i]!);
  const sized = wanted.map(({ name }, i) => ({ name, size: shape[i]! }));
  return e.input(field.name.text, sized, elementOf(field), scope, at);
}

interface DeclaredAxis {
  readonly name?: string;
  /** Absent where nothing fixes it. */
  readonly size?: number;
}

/** The axes of a tensor of the signature, as far as the settings size them. Undefined: reported. */
function declaredAxes(
  e: Evaluator,
  field: Field,
  signature: Scope,
): (DeclaredAxis | "rest")[] | undefined {
  const type = tensorType(field);
  if (type === undefined) return undefined;
  const axes: (DeclaredAxis | "rest")[] = [];
  for (const item of type.shape.axes) {
    if (item.kind === "axis-rest") axes.push("rest");
    else if (item.kind === "axis-size") {
      const size = sizeFrom(e, item.size, signature);
      if (size === undefined) return undefined;
      axes.push({ size });
    } else if (item.kind === "axis-name") {
      const { text: name } = item.name;
      const given = item.size === undefined ? undefined : sizeFrom(e, item.size, signature);
      if (item.size !== undefined && given === undefined) return undefined;
      const size = given ?? signature.sizeOf(name);
      axes.push({ name, ...(size === undefined ? {} : { size }) });
    } else {
      e.fail(errors.notADeclaredAxis(e.at(field.span, signature)), signature);
      return undefined;
    }
  }
  return axes;
}

function tensorType({ type }: Field) {
  const needed = type?.kind === "type-optional" ? type.of : type;
  return needed?.kind === "type-tensor" ? needed : undefined;
}

function elementOf(field: Field): "i32" | "bool" | "f32" {
  const element = tensorType(field)?.element?.text;
  return element === "int" ? "i32" : element === "bool" ? "bool" : "f32";
}
