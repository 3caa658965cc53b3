// How many points some axes span together.
import type { Axis } from "./kernel.ts";

/** 1 where there are none. */
export function extentOf(axes: readonly Axis[]): number {
  return axes.reduce((product, { extent }) => product * extent, 1);
}
