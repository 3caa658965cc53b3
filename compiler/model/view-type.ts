// A data set's field and the operations on it -> the shape of what the graph receives, or why it cannot be.
// The one place that reads `ShapeEffect` and `ValueEffect`: the compiler checks views with it, the runtime its operations.
import type {
  CatalogField,
  CatalogOperation,
  FieldAxis,
  Settings,
  SettingValue,
  ViewKind,
} from "./catalog.ts";

/** The type of an example on its way through a view. */
export interface ViewType {
  readonly kind: ViewKind;
  readonly axes: readonly FieldAxis[];
  readonly dtype: "f32" | "i32" | "bool";
  /** The least and greatest value are known, so that the image can be brightened, solarised or scaled. */
  readonly ranged: boolean;
  /** Cut out of a picture to be shown as a square, whatever its pixels: the next `resize(n)` gives n by n. */
  readonly square: boolean;
  /** Of a sound: how long it lasts, where that is known. */
  readonly seconds?: number;
  /** Of a record: what it is made of, by name. */
  readonly parts?: Readonly<Record<string, ViewType>>;
}

export interface ViewProblem {
  readonly problem: string;
  readonly hint: string;
}

export function viewTypeOf(field: CatalogField): ViewType {
  return {
    kind: field.kind,
    axes: field.axes,
    dtype: field.dtype,
    ranged: field.kind === "image" || field.kind === "video",
    square: false,
  };
}

/** Where a view begins that starts from no example. */
export const nothingType: ViewType = {
  kind: "nothing",
  axes: [],
  dtype: "f32",
  ranged: false,
  square: false,
};

export function recordType(parts: Readonly<Record<string, ViewType>>): ViewType {
  return { ...nothingType, kind: "record", parts };
}

/** True where an operation on images goes over a stack of them: the frames of a video, the cells of an image. */
export function isStack(kind: ViewKind): boolean {
  return kind === "video" || kind === "cells";
}

/** The type after one operation. Settings are complete and of their types. */
export function applyToViewType(
  type: ViewType,
  operation: CatalogOperation,
  settings: Settings,
): ViewType | ViewProblem {
  if (type.kind !== operation.input && !goesOverStack(type, operation)) {
    return {
      problem: `\`${operation.name}\` works on ${article(operation.input)}, but this is ${article(type.kind)}`,
      hint: `apply it to a field that is ${article(operation.input)}`,
    };
  }
  const needsRange = operation.values === "needs" || operation.values === "scales";
  if (needsRange && !type.ranged) {
    return {
      problem: `\`${operation.name}\` needs values of a known range, which \`normalize\` has taken away`,
      hint: `put \`${operation.name}\` before \`normalize\``,
    };
  }
  const shaped = applyShape(type, operation, settings);
  if ("problem" in shaped) return shaped;
  return operation.values === "frees" ? { ...shaped, ranged: false } : shaped;
}

function goesOverStack(type: ViewType, { input, shape }: CatalogOperation): boolean {
  const keepsImage = ["same", "channels", "extent", "square", "squared", "resize", "open"].includes(
    shape.kind,
  );
  return input === "image" && keepsImage && isStack(type.kind);
}

function applyShape(
  type: ViewType,
  operation: CatalogOperation,
  settings: Settings,
): ViewType | ViewProblem {
  const effect = operation.shape;
  switch (effect.kind) {
    case "same":
      return type;
    case "channels":
      return withExtents(type, { channels: effect.count });
    case "extent":
      return sized(type, pairOf(settings[effect.setting]));
    case "square": {
      const pair = pairOf(settings[effect.setting]);
      return pair
        ? sized(type, pair)
        : { ...withExtents(type, { rows: null, cols: null }), square: true };
    }
    case "resize":
      return resized(type, settings[effect.setting]);
    case "cells":
      return cells(type, settings[effect.count], settings[effect.extent]);
    case "shuffle":
      return shuffled(type, operation, settings[effect.setting]);
    case "parts":
      return partsOf(type, operation, effect.channels);
    case "mask":
      return masked(operation, settings[effect.setting]);
    case "squared":
      return { ...withExtents(type, { rows: null, cols: null }), square: true };
    case "open":
      return { ...withExtents(type, { rows: null, cols: null }), square: false };
    case "window":
      return windowed(type, operation, Number(settings[effect.frames]), Number(settings[effect.rate])); // prettier-ignore
    case "has":
      return withPresence(type, operation, String(settings[effect.setting]));
    case "samples": {
      const { seconds } = type;
      const samples = seconds === undefined ? null : Math.round(seconds * Number(settings[effect.setting])); // prettier-ignore
      return withExtents(type, { samples });
    }
    case "first": {
      const first = { name: effect.axis, extent: Number(settings[effect.setting]) };
      return { ...type, axes: [first, ...type.axes.slice(1)] };
    }
    case "one":
      return { ...type, axes: type.axes.slice(1) };
    case "words": {
      const words = { name: effect.axis, extent: Number(settings[effect.setting]) };
      return { ...nothingType, kind: "ids", dtype: "i32", axes: [...type.axes, words] };
    }
  }
}

function windowed(
  type: ViewType,
  { name }: CatalogOperation,
  frames: number,
  rate: number,
): ViewType | ViewProblem {
  const parts = Object.entries(type.parts ?? {});
  if (!parts.some(([, part]) => part.kind === "video")) {
    return {
      problem: `\`${name}\` takes its time from a video, and there is none`,
      hint: "apply it to whole examples of a data set of videos",
    };
  }
  const cut = parts.map(([part, each]): [string, ViewType] => {
    if (each.kind === "video") return [part, withExtents(each, { time: frames })];
    return [part, each.kind === "audio" ? { ...each, seconds: frames / rate } : each];
  });
  return recordType(Object.fromEntries(cut));
}

function withPresence(
  type: ViewType,
  { name }: CatalogOperation,
  part: string,
): ViewType | ViewProblem {
  const parts = type.parts ?? {};
  const presence: ViewType = { ...nothingType, kind: "mask", dtype: "bool" };
  if (parts[part]) return recordType({ ...parts, [`has_${part}`]: presence });
  const known = Object.keys(parts).join(", ");
  return { problem: `\`${name}\`: there is no \`${part}\` here`, hint: `there are ${known}` };
}

function cells(type: ViewType, count: SettingValue | undefined, extent: SettingValue | undefined) {
  const [side, pixels] = [Number(count), Number(extent)];
  const [rows, cols] = [extentOf(type, "rows"), extentOf(type, "cols")];
  const least = Math.min(rows ?? Infinity, cols ?? Infinity);
  if (Math.floor(least / side) < pixels) {
    return {
      problem: `a cell of ${Math.floor(least / side)} pixels, 1/${side} of ${least}, has no room for patches of ${pixels}`,
      hint: "take smaller patches, or put a `resize` before",
    };
  }
  const one = withExtents(type, { rows: pixels, cols: pixels });
  const axes = [{ name: "cells", extent: side * side }, ...one.axes];
  return { ...one, kind: "cells" as const, axes, square: false };
}

function shuffled(
  type: ViewType,
  { name }: CatalogOperation,
  orders: SettingValue | undefined,
): ViewType | ViewProblem {
  const count = extentOf(type, "cells") ?? 0;
  const odd = listOf(orders).find((order) => !isOrder(order, count));
  if (odd !== undefined || listOf(orders).length === 0) {
    return {
      problem: `\`${name}\` takes orders of the ${count} cells${odd === undefined ? "" : `, which ${JSON.stringify(odd)} is not`}`,
      hint: `\`spread_permutations(100, of = ${count}, by = mean)\` gives such orders`,
    };
  }
  const which: ViewType = { ...nothingType, kind: "label", dtype: "i32" };
  return recordType({ patches: type, which });
}

function isOrder(value: SettingValue, count: number): boolean {
  const sorted = listOf(value).toSorted((a, b) => Number(a) - Number(b));
  return sorted.length === count && sorted.every((one, place) => one === place);
}

function listOf(value: SettingValue | undefined): readonly SettingValue[] {
  return Array.isArray(value) ? (value as readonly SettingValue[]) : [];
}

function partsOf(
  type: ViewType,
  { name }: CatalogOperation,
  channels: Readonly<Record<string, number>>,
): ViewType | ViewProblem {
  const found = extentOf(type, "channels");
  if (found !== null && found !== 3) {
    return {
      problem: `\`${name}\` needs red, green and blue, but the image has ${found} channel${found === 1 ? "" : "s"}`,
      hint: "use a data set of colour images",
    };
  }
  const image = (count: number): ViewType => ({
    ...withExtents(type, { channels: count }),
    ranged: false,
  });
  const parts = Object.entries(channels).map(([part, count]) => [part, image(count)] as const);
  return recordType(Object.fromEntries(parts));
}

function masked(
  { name }: CatalogOperation,
  shape: SettingValue | undefined,
): ViewType | ViewProblem {
  const axes = axesOfSetting(shape);
  if (axes.length === 2) return { ...nothingType, kind: "mask", axes, dtype: "bool" };
  return {
    problem: `\`${name}\` draws on a grid, but this has ${axes.length} ax${axes.length === 1 ? "is" : "es"}`,
    hint: "give two: `[rows = 14, cols = 14]`",
  };
}

/** A shape setting, [["rows", 14], ["cols", 14]], as axes. */
export function axesOfSetting(
  shape: SettingValue | undefined,
): readonly { readonly name: string; readonly extent: number }[] {
  return listOf(shape).map((axis) => {
    const [name, extent] = listOf(axis);
    return { name: String(name), extent: Number(extent) };
  });
}

function sized(type: ViewType, pair: readonly [number, number] | null): ViewType {
  if (!pair) return { ...withExtents(type, { rows: null, cols: null }), square: false };
  return { ...withExtents(type, { rows: pair[0], cols: pair[1] }), square: false };
}

function resized(type: ViewType, size: SettingValue | undefined): ViewType {
  if (typeof size !== "number" || type.square) return sized(type, pairOf(size));
  const rows = extentOf(type, "rows");
  const cols = extentOf(type, "cols");
  if (rows === null || cols === null) return sized(type, null);
  return sized(type, shortSide(rows, cols, size));
}

/** (rows, cols) after the shorter side has become `size`; the longer one is cut to a whole number, as torchvision does. */
export function shortSide(rows: number, cols: number, size: number): [number, number] {
  return rows <= cols
    ? [size, Math.max(1, Math.floor((size * cols) / rows))]
    : [Math.max(1, Math.floor((size * rows) / cols)), size];
}

/** A size setting as (rows, cols): a number is a square, null or none is null. */
export function pairOf(size: SettingValue | undefined): readonly [number, number] | null {
  if (typeof size === "number") return [size, size];
  if (Array.isArray(size) && typeof size[0] === "number" && typeof size[1] === "number")
    return [size[0], size[1]];
  return null;
}

function withExtents(type: ViewType, extents: Readonly<Record<string, number | null>>): ViewType {
  const axes = type.axes.map((axis) =>
    axis.name in extents ? { name: axis.name, extent: extents[axis.name] ?? null } : axis,
  );
  return { ...type, axes };
}

function extentOf(type: ViewType, name: string): number | null {
  return type.axes.find((axis) => axis.name === name)?.extent ?? null;
}

function article(kind: ViewKind): string {
  if (kind === "image" || kind === "audio" || kind === "array") return `an ${kind}`;
  if (kind === "cells") return "the cells of an image";
  return ["label", "record", "mask", "video"].includes(kind) ? `a ${kind}` : kind;
}
