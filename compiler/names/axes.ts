// The shapes of an arrow, `[(3 out), width] -> [width, (3 out)]`, as lists of factors: each axis is a product of them,
// and the two sides hold the same ones in another order. A plain number counts the tensors that are joined or parted.
import type { Axis, AxisFactor, Expression, Shape } from "../../grammar/syntax.ts";

export interface Factor {
  /** A name; `#` for a plain number; `..` and then `..0`, `..1` for further axes. */
  readonly key: string;
  /** As written: `dy = 2`, or the plain number itself. */
  readonly size: Expression | undefined;
}

/** A product of factors; of none for an axis of extent 1. */
export type FactoredAxis = readonly Factor[];

export const stack = "#";
export const rest = "..";

/** Undefined where a shape holds what an arrow of a map cannot say. */
export function factoredAxes(shape: Shape): readonly FactoredAxis[] | undefined {
  const axes = shape.axes.map(factored);
  return axes.includes(undefined) ? undefined : (axes as readonly FactoredAxis[]);
}

function factored(axis: Axis): FactoredAxis | undefined {
  switch (axis.kind) {
    case "axis-rest":
      return [{ key: rest, size: undefined }];
    case "axis-name":
      return [{ key: axis.name.text, size: axis.size }];
    case "axis-size":
      if (axis.size.kind !== "number") return undefined;
      return axis.size.value === 1 ? [] : [{ key: stack, size: axis.size }];
    case "axis-group":
      return axis.factors.flatMap(factorOf);
    case "axis-renamed":
      return undefined;
  }
}

function factorOf({ name, size }: AxisFactor): readonly Factor[] {
  if (name !== undefined) return [{ key: name.text, size }];
  return size?.kind === "number" && size.value === 1 ? [] : [{ key: stack, size }];
}

/** `..` becomes as many axes as are left of `rank`; undefined where it cannot. */
export function withRank(
  axes: readonly FactoredAxis[],
  rank: number,
): readonly FactoredAxis[] | undefined {
  const at = axes.findIndex(([first]) => first?.key === rest);
  if (at === -1) return axes.length === rank ? axes : undefined;
  const count = rank - (axes.length - 1);
  if (count < 0) return undefined;
  const further = Array.from({ length: count }, (_, i) => [
    { key: `${rest}${i}`, size: undefined },
  ]);
  return [...axes.slice(0, at), ...further, ...axes.slice(at + 1)];
}

/** The same with the further axes that the other side has. */
export function withRest(axes: readonly FactoredAxis[], count: number): readonly FactoredAxis[] {
  return axes.flatMap((axis) =>
    axis[0]?.key === rest
      ? Array.from({ length: count }, (_, i) => [{ key: `${rest}${i}`, size: undefined }])
      : [axis],
  );
}

/** Every key of a side, in order. */
export function keysOf(axes: readonly FactoredAxis[]): readonly string[] {
  return axes.flatMap((axis) => axis.map(({ key }) => key));
}
