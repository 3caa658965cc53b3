// Operands of attention: where element (batch, head, token, channel) of a view lies, and rows of it as arrays of vec4f.
import type { AttentionKernel, Axis, HeadsView } from "../kernels/kernel.ts";
import type { KernelText } from "./kernel-text.ts";
import { Scope } from "./scope.ts";
import { splitPosition } from "./workgroups.ts";

/** Batch axes, then the head. */
export function outerAxes({ batch, heads }: AttentionKernel): Axis[] {
  return [...batch, heads].map((extent, id) => ({ id, extent }));
}

/** Names the coordinates of (batch, head) number `outer`; `base` of a view then needs no division. */
export function splitOuter(text: KernelText, kernel: AttentionKernel, outer: string): Scope {
  const scope = new Scope();
  splitPosition(text, scope, outerAxes(kernel), outer);
  return scope;
}

/** A view inside one batch entry and head. */
export interface Rows {
  readonly buffer: number;
  /** Name of the position of token 0, channel 0. */
  readonly base: string;
  readonly tokenStride: number;
  readonly channelStride: number;
  readonly channels: number;
}

export function rowsOf(
  text: KernelText,
  kernel: AttentionKernel,
  scope: Scope,
  view: HeadsView,
  channels: number,
): Rows {
  const terms = outerAxes(kernel).map(
    (axis) => `${scope.axis(axis.id)} * ${view.strides[axis.id]}`,
  );
  return {
    buffer: view.buffer,
    base: text.define("base", [String(view.offset), ...terms].join(" + ")),
    tokenStride: view.strides.at(-2)!,
    channelStride: view.strides.at(-1)!,
    channels,
  };
}

export function positionOf(rows: Rows, token: string, channel: string): string {
  return `${rows.base} + (${token}) * ${rows.tokenStride} + (${channel}) * ${rows.channelStride}`;
}

/** Rows of at most this many groups are written out; longer ones would take a software adapter seconds to compile. */
const WRITTEN_OUT = 4;

/** Calls `write` for each four channels, written out or in a loop; `group` is their number. */
export function overGroups(
  text: KernelText,
  channels: number,
  write: (group: string) => void,
): void {
  const groups = groupsOf(channels);
  if (groups > WRITTEN_OUT)
    text.block(`for (var group = 0; group < ${groups}; group++)`, () => write("group"));
  else for (let group = 0; group < groups; group++) text.block("", () => write(String(group)));
}

export function groupsOf(channels: number): number {
  return Math.ceil(channels / 4);
}

/** The four channels of group `group` of a row, zeros beyond the last channel. */
export function groupText(text: KernelText, rows: Rows, token: string, group: string): string {
  const parts = [0, 1, 2, 3].map((part) => {
    const value = text.load(rows.buffer, positionOf(rows, token, `${group} * 4 + ${part}`));
    const isInside = rows.channels % 4 === 0;
    return isInside ? value : `select(0.0, ${value}, ${group} * 4 + ${part} < ${rows.channels})`;
  });
  return `vec4f(${parts.join(", ")})`;
}

/** A row of this invocation's own, as an array of vec4f, zero at first. */
export function ownRow(text: KernelText, name: string, channels: number): void {
  text.line(`var ${name}: array<vec4f, ${groupsOf(channels)}>;`);
}

export function loadOwnRow(text: KernelText, name: string, rows: Rows, token: string): void {
  ownRow(text, name, rows.channels);
  overGroups(text, rows.channels, (group) =>
    text.line(`${name}[${group}] = ${groupText(text, rows, token, group)};`),
  );
}

export function storeOwnRow(text: KernelText, name: string, rows: Rows, token: string): void {
  text.block(`for (var channel = 0; channel < ${rows.channels}; channel++)`, () =>
    text.store(
      rows.buffer,
      positionOf(rows, token, "channel"),
      `${name}[channel / 4][channel % 4]`,
    ),
  );
}
