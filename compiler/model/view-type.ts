// A data set's field and the operations on it -> the shape of what the graph receives, or why it cannot be.
// The one place that reads `ShapeEffect` and `ValueEffect`: the compiler checks views with it, the runtime its operations.
import type {
  CatalogField,
  CatalogOperation,
  FieldAxis,
  Settings,
  SettingValue,
} from "./catalog.ts";

/** The type of an example on its way through a view. */
export interface ViewType {
  readonly kind: CatalogField["kind"];
  readonly axes: readonly FieldAxis[];
  readonly dtype: "f32" | "i32";
  /** The least and greatest value are known, so that the image can be brightened, solarised or scaled. */
  readonly ranged: boolean;
  /** Cut out of a picture to be shown as a square, whatever its pixels: the next `resize(n)` gives n by n. */
  readonly square: boolean;
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
    ranged: field.kind === "image",
    square: false,
  };
}

/** The type after one operation. Settings are complete and of their types. */
export function applyToViewType(
  type: ViewType,
  operation: CatalogOperation,
  settings: Settings,
): ViewType | ViewProblem {
  if (type.kind !== operation.input) {
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
  }
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

function article(kind: string): string {
  return kind === "image" || kind === "audio"
    ? `an ${kind}`
    : kind === "label"
      ? `a ${kind}`
      : kind;
}
