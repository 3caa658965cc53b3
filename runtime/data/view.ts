// A resolved view and one example -> the numbers that the graph receives for it.
// The draws of an operation are keyed by its view and place, so that views draw apart and a view that starts from
// another shares that one's draws (and its work).
import type { CatalogField, ResolvedView } from "../../compiler/model/catalog.ts";
import { applyToViewType, viewTypeOf } from "../../compiler/model/view-type.ts";
import type { ViewType } from "../../compiler/model/view-type.ts";
import { WorldError } from "../errors.ts";
import type { ExampleRecord, FieldValue, StoredImage } from "./dataset.ts";
import { openDraw } from "./draws.ts";
import type { Example } from "./draws.ts";
import type { OperationEntry, SampleImage } from "./operation.ts";
import { operations } from "./operations.ts";

/** What one view gives for each example. */
export interface ViewShape {
  readonly name: string;
  readonly extents: readonly number[];
  readonly dtype: "f32" | "i32";
  /** Numbers in one example: the product of the extents. */
  readonly length: number;
}

export function findOperation(name: string): OperationEntry {
  const entry = operations.find((candidate) => candidate.name === name);
  if (entry) return entry;
  throw new WorldError(
    "unsupported",
    `there is no sample operation ${name}`,
    `known are ${operations.map((one) => one.name).join(", ")}`,
  );
}

/** The shape of a view's examples. Throws WorldError where it is not the same for all: batches are rectangular. */
export function viewShape(view: ResolvedView, fields: readonly CatalogField[]): ViewShape {
  const type = typeOfView(view, fields);
  const extents = type.axes.map(({ name, extent }) => {
    if (extent !== null) return extent;
    throw new WorldError(
      "bad-setting",
      `the ${name} of the view ${view.name} differ from image to image`,
      "end it with resize((rows, cols)) or a crop",
    );
  });
  return {
    name: view.name,
    extents,
    dtype: type.dtype,
    length: extents.reduce((product, extent) => product * extent, 1),
  };
}

function typeOfView(view: ResolvedView, fields: readonly CatalogField[]): ViewType {
  const field = fields.find((candidate) => candidate.name === view.field);
  if (!field) {
    throw new WorldError(
      "bad-setting",
      `the data set ${view.dataset} has no field ${view.field}`,
      `its fields are ${fields.map((one) => one.name).join(", ")}`,
    );
  }
  const start = view.shared ? typeOfView(view.shared, fields) : viewTypeOf(field);
  return view.operations.reduce((type, { name, settings }) => {
    const next = applyToViewType(type, findOperation(name), settings);
    if ("problem" in next) throw new WorldError("bad-setting", next.problem, next.hint);
    return next;
  }, start);
}

/** The values of several views of one example; work on a view that several start from is done once. */
export function applyViews(
  views: readonly ResolvedView[],
  record: ExampleRecord,
  seed: number,
  example: Example,
): readonly (Float32Array | Int32Array)[] {
  const done = new Map<string, SampleImage>();
  return views.map((view) => {
    const value = record.fields[view.field]!;
    return isImage(value) ? imageOfView(view, value, seed, example, done).data : integers(value);
  });
}

function imageOfView(
  view: ResolvedView,
  stored: StoredImage,
  seed: number,
  example: Example,
  done: Map<string, SampleImage>,
): SampleImage {
  const known = done.get(view.name);
  if (known) return known;
  const start = view.shared
    ? imageOfView(view.shared, stored, seed, example, done)
    : asSample(stored);
  const image = view.operations.reduce(
    (one, { name, settings }, position) =>
      findOperation(name).apply(one, settings, openDraw(seed, view.name, position, example)),
    start,
  );
  done.set(view.name, image);
  return image;
}

export function asSample({ rows, cols, channels, bytes }: StoredImage): SampleImage {
  return { rows, cols, channels, data: new Float32Array(bytes), range: [0, 255], square: false };
}

function isImage(value: FieldValue): value is StoredImage {
  return typeof value !== "number" && !(value instanceof Int32Array);
}

function integers(value: number | Int32Array): Int32Array {
  return typeof value === "number" ? Int32Array.of(value) : value;
}
