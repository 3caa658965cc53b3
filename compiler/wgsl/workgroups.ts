// A number of workgroups -> counts in up to three dimensions inside the device's limit, and the prologue of a kernel
// that gets its number back. Linear lists of workgroups are all that our kernels need.
import type { Axis } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import { LimitError } from "../program/target.ts";
import type { KernelText } from "./kernel-text.ts";
import type { Scope } from "./scope.ts";

export type Workgroups = readonly [number, number, number];

/** @throws LimitError where even two dimensions do not hold them. */
export function foldWorkgroups(count: number, limits: Limits): Workgroups {
  const most = limits.workgroupsPerDimension;
  const rows = Math.ceil(count / most);
  if (rows > most)
    throw new LimitError({
      limit: "workgroupsPerDimension",
      what: "a dispatch",
      needs: count,
      allowed: most * most,
      parts: [["the device has", `${most} in each of two dimensions`]],
      help: "a smaller batch, or `accumulate`, makes the arrays of a step smaller",
    });
  return [Math.ceil(count / rows), rows, 1];
}

/** Writes the number of this workgroup as `block` and ends the surplus ones (uniformly: barriers may follow). */
export function blockNumber(text: KernelText, count: number, [x, y]: Workgroups): void {
  text.line(y === 1 ? "let block = i32(group.x);" : `let block = i32(group.x + group.y * ${x}u);`);
  if (x * y > count) text.line(`if (block >= ${count}) { return; }`);
  text.line("let local = i32(invocation);");
}

/** Names the coordinates of a row-major position on `axes` (outermost first). */
export function splitPosition(
  text: KernelText,
  scope: Scope,
  axes: readonly Axis[],
  position: string,
): void {
  const wide = axes.filter((axis) => axis.extent > 1);
  for (const axis of axes) if (axis.extent === 1) scope.setAxis(axis, "0");
  let rest = position;
  for (const axis of wide.toReversed()) {
    if (axis === wide[0]) scope.setAxis(axis, rest);
    else {
      scope.setAxis(axis, text.define("x", `i32(u32(${rest}) % ${axis.extent}u)`));
      rest = text.define("q", `i32(u32(${rest}) / ${axis.extent}u)`);
    }
  }
}
