// A resolved view and one example -> the numbers that the graph receives for it.
// The draws of an operation are keyed by its view and place, so that views draw apart and a view that starts from
// another shares that one's draws (and its work).
import type {
  CatalogField,
  ResolvedOperation,
  ResolvedView,
} from "../../compiler/model/catalog.ts";
import {
  applyToViewType,
  nothingType,
  recordType,
  viewTypeOf,
} from "../../compiler/model/view-type.ts";
import type { ViewType } from "../../compiler/model/view-type.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { ExampleRecord, FieldValue, StoredImage } from "./dataset.ts";
import { openDraw } from "./draws.ts";
import type { Draw, Example } from "./draws.ts";
import type { AnyOperation, Sample, SampleImage } from "./operation.ts";
import { operations } from "./operations.ts";

/** What one view gives for each example. */
export interface ViewShape {
  readonly name: string;
  readonly extents: readonly number[];
  /** A mask comes as i32, 0 and 1. */
  readonly dtype: "f32" | "i32";
  /** Numbers in one example: the product of the extents. */
  readonly length: number;
}

export function findOperation(name: string): AnyOperation {
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
      `the ${name} of the view ${view.name} differ from example to example`,
      "end it with resize((rows, cols)) or a crop",
    );
  });
  return {
    name: view.name,
    extents,
    dtype: type.dtype === "f32" ? "f32" : "i32",
    length: extents.reduce((product, extent) => product * extent, 1),
  };
}

function typeOfView(view: ResolvedView, fields: readonly CatalogField[]): ViewType {
  return view.operations.reduce(
    (type, { name, settings }) => {
      const next = applyToViewType(type, findOperation(name), settings);
      if ("problem" in next) throw new WorldError("bad-setting", next.problem, next.hint);
      return next;
    },
    startType(view, fields),
  );
}

function startType(view: ResolvedView, fields: readonly CatalogField[]): ViewType {
  const { shared, part } = view;
  if (shared) {
    const whole = typeOfView(shared, fields);
    if (part === undefined) return whole;
    const found = whole.parts?.[part];
    if (found) return found;
    throw new Error(`the view ${shared.name} has no part ${part}`);
  }
  if (view.dataset === null) return nothingType;
  if (view.field === null)
    return recordType(Object.fromEntries(fields.map((field) => [field.name, viewTypeOf(field)])));
  const field = fields.find((candidate) => candidate.name === view.field);
  if (field) return viewTypeOf(field);
  throw new WorldError(
    "bad-setting",
    `the data set ${view.dataset} has no field ${view.field}`,
    `its fields are ${fields.map((one) => one.name).join(", ")}`,
  );
}

/** What the operations of these views need of files, read before the first example. */
export async function prepareViews(views: readonly ResolvedView[], host: Host): Promise<void> {
  for (const view of views) {
    if (view.shared) await prepareViews([view.shared], host);
    for (const { name, settings } of view.operations) {
      const entry = findOperation(name);
      if ("prepare" in entry) await entry.prepare?.(settings, host);
    }
  }
}

/** The values of several views of one example; work on a view that several start from is done once. */
export function applyViews(
  views: readonly ResolvedView[],
  record: ExampleRecord,
  seed: number,
  example: Example,
): readonly (Float32Array | Int32Array)[] {
  const done = new Map<string, Sample>();
  return views.map((view) => valuesOf(sampleOfView(view, record, seed, example, done), view));
}

function sampleOfView(
  view: ResolvedView,
  record: ExampleRecord,
  seed: number,
  example: Example,
  done: Map<string, Sample>,
): Sample {
  const known = done.get(view.name);
  if (known) return known;
  const { shared, part } = view;
  const start = shared
    ? partOf(sampleOfView(shared, record, seed, example, done), part)
    : startSample(view, record);
  const sample = view.operations.reduce(
    (one, operation, position) =>
      applyOperation(operation, one, () => openDraw(seed, view.name, position, example)),
    start,
  );
  done.set(view.name, sample);
  return sample;
}

function startSample({ dataset, field }: ResolvedView, { fields }: ExampleRecord): Sample {
  if (dataset === null) return { kind: "nothing" };
  if (field !== null) return stored(fields[field]!);
  const parts = Object.entries(fields).map(([name, value]) => [name, stored(value)] as const);
  return { kind: "record", parts: Object.fromEntries(parts) };
}

function partOf(sample: Sample, part: string | undefined): Sample {
  if (part === undefined) return sample;
  const found = sample.kind === "record" ? sample.parts[part] : undefined;
  if (found) return found;
  throw new Error(`a view reads the part ${part}, which is not there`);
}

/** One operation on whatever the view holds; images of a stack all have the same draws. */
export function applyOperation(
  { name, settings }: ResolvedOperation,
  sample: Sample,
  openDraws: () => Draw,
): Sample {
  const entry = findOperation(name);
  if ("transform" in entry) return entry.transform(sample, settings, openDraws());
  if (sample.kind === "image")
    return { kind: "image", image: entry.apply(sample.image, settings, openDraws()) };
  if (sample.kind !== "stack") throw new Error(`${name} cannot work on ${sample.kind}`);
  const images = sample.images.map((image) => entry.apply(image, settings, openDraws()));
  return { ...sample, images };
}

/** What the graph receives. */
function valuesOf(sample: Sample, view: ResolvedView): Float32Array | Int32Array {
  switch (sample.kind) {
    case "image":
      return sample.image.data;
    case "numbers":
      return sample.values;
    case "sound":
      return sample.data;
    case "stack":
      return joined(sample.images.map((image) => image.data));
    default:
      throw new Error(`the view ${view.name} ends in ${sample.kind}, which is no array`);
  }
}

function joined(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((length, array) => length + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

export function asSample({ rows, cols, channels, bytes }: StoredImage): SampleImage {
  return { rows, cols, channels, data: new Float32Array(bytes), range: [0, 255], square: false };
}

function stored(value: FieldValue): Sample {
  if (typeof value === "number") return { kind: "numbers", values: Int32Array.of(value) };
  if (value instanceof Int32Array || value instanceof Float32Array)
    return { kind: "numbers", values: value };
  if ("frames" in value)
    return { kind: "stack", images: value.frames.map(asSample), rate: value.rate };
  if ("sentences" in value) return { kind: "text", sentences: value.sentences, at: 0 };
  if ("samples" in value) {
    const { samples, channels, rate } = value;
    return { kind: "sound", data: samples, channels, rate, seconds: samples.length / channels / rate }; // prettier-ignore
  }
  return { kind: "image", image: asSample(value) };
}
