// What the forward and the backward pass of attention share: the axes of its operands, where a head's rows begin,
// panels of a head packed for the innermost loop, and blocks of results written back through strides.
import type { AttentionKernel, Axis, Expression, HeadsView } from "../kernels/kernel.ts";
import { add, axisIndex, constantIndex, multiply } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import type { Frame } from "./frame.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { panelStepBytes, tileColumns } from "./microkernel.ts";
import type { LeftOperand } from "./microkernel.ts";
import { PanelFiller } from "./pack.ts";

/** Axis numbers of the operands of a kernel. */
export interface AttentionAxes {
  /** Batch axes, then the head. */
  readonly outer: readonly Axis[];
  readonly queries: Axis;
  readonly keys: Axis;
  readonly channels: Axis;
  readonly valueChannels: Axis;
}

export function attentionAxes(kernel: AttentionKernel): AttentionAxes {
  const outer = [...kernel.batch, kernel.heads].map((extent, id) => ({ id, extent }));
  const next = outer.length;
  return {
    outer,
    queries: { id: next, extent: kernel.queries },
    keys: { id: next + 1, extent: kernel.keys },
    channels: { id: next + 2, extent: kernel.channels },
    valueChannels: { id: next + 3, extent: kernel.valueChannels },
  };
}

function outerIndex({ outer }: AttentionAxes, view: HeadsView): Index {
  const terms = outer.map((axis, place) =>
    multiply(axisIndex(axis.id, axis.extent), view.strides[place]!),
  );
  return add(constantIndex(view.offset), ...terms);
}

export function tokenStride(view: HeadsView): number {
  return view.strides.at(-2)!;
}

export function channelStride(view: HeadsView): number {
  return view.strides.at(-1)!;
}

/** Byte address of token 0, channel 0 of the head at a frame. */
export function headAddress(axes: AttentionAxes, view: HeadsView, frame: Frame): Operand {
  const { f } = frame.context;
  const elements = frame.integer(outerIndex(axes, view));
  return f.add(frame.context.addressOf(view.buffer), f.multiply(elements, 4));
}

/** Rows of a head, read where they lie, from token `token` on. */
export function rowsOf(
  f: FunctionBuilder,
  head: Operand,
  view: HeadsView,
  token: Operand,
): LeftOperand {
  return {
    address: f.add(head, f.multiply(token, tokenStride(view) * 4)),
    rowBytes: tokenStride(view) * 4,
    stepBytes: channelStride(view) * 4,
  };
}

/** One side of a product in panels of eight: `tile` runs across a panel, `steps` down it. */
export class HeadPanels {
  private readonly filler: PanelFiller;
  private readonly tile: Axis;
  private readonly steps: Axis;

  /** `view`'s tokens run along `tokens`, its channels along `channels`; one of them is `tile`, the other the steps. */
  constructor(axes: AttentionAxes, view: HeadsView, tokens: Axis, channels: Axis, tile: Axis) {
    this.tile = tile;
    this.steps = tile === tokens ? channels : tokens;
    const index = add(
      outerIndex(axes, view),
      multiply(axisIndex(tokens.id, tokens.extent), tokenStride(view)),
      multiply(axisIndex(channels.id, channels.extent), channelStride(view)),
    );
    const value: Expression = { kind: "load", buffer: view.buffer, index, dtype: "f32" };
    const isAcross = tile === channels || this.steps.extent < 4 || channelStride(view) !== 1;
    this.filler = new PanelFiller({
      value,
      tile,
      width: tileColumns,
      kOuter: { id: -2, extent: 1 },
      kInner: this.steps,
      fill: isAcross ? "tile" : "k",
    });
  }

  get tiles(): number {
    return Math.ceil(this.tile.extent / tileColumns);
  }

  /** Bytes of all panels with `steps` steps each. */
  bytes(steps: number = this.steps.extent): number {
    return this.tiles * steps * panelStepBytes;
  }

  /** Packs steps `from`..`to` of every panel; panels lie `stride` bytes apart. */
  fill(
    frame: Frame,
    to: Operand,
    stride: number,
    from: Operand = 0,
    end: Operand = this.steps.extent,
  ): void {
    const { f } = frame.context;
    const target = f.variable(to);
    f.forRange(0, this.tiles, 1, (tile) => {
      const range = { outer: { from: 0, to: 1 }, inner: { from, to: end } };
      this.filler.fill(frame, f.multiply(tile, tileColumns), range, target);
      f.assign(target, f.emit("i32.add", target, stride));
    });
  }
}

/** Calls `body` with the rows of each tile of four, the last one shorter. */
export function eachRowTile(
  f: FunctionBuilder,
  from: Operand,
  to: Operand,
  extent: number,
  body: (start: Local, rows: number) => void,
): void {
  f.forRange(from, to, 4, (start) => {
    const rest = extent % 4;
    if (rest === 0) return body(start, 4);
    if (extent < 4) return body(start, rest);
    f.if(f.emit("i32.le_s", f.emit("i32.add", start, 4), extent), () => body(start, 4), () => body(start, rest)); // prettier-ignore
  });
}

/** Calls `body` with each panel of `extent` columns: its number, how many columns it has. */
export function eachPanel(
  f: FunctionBuilder,
  extent: number,
  body: (tile: Operand, columns: number) => void,
): void {
  const whole = Math.floor(extent / tileColumns);
  const rest = extent % tileColumns;
  if (whole > 0) f.forRange(0, whole, 1, (tile) => body(tile, tileColumns));
  if (rest > 0) body(whole, rest);
}

/** Writes a block of sums to rows of a head from `token` on, at columns of panel `tile`. */
export function writeBlock(
  f: FunctionBuilder,
  head: Operand,
  view: HeadsView,
  token: Operand,
  tile: Operand,
  columns: number,
  sums: readonly (readonly Local[])[],
): void {
  const across = channelStride(view) * 4;
  const rows = f.add(head, f.multiply(token, tokenStride(view) * 4));
  const start = f.add(rows, f.multiply(tile, tileColumns * across));
  sums.forEach((vectors, row) =>
    vectors.forEach((value, vector) => {
      const offset = row * tokenStride(view) * 4 + vector * 4 * across;
      const lanes = Math.min(4, columns - vector * 4);
      if (lanes === 4 && across === 4) return f.store("v128.store", start, value, offset);
      for (let lane = 0; lane < lanes; lane++)
        f.storeLane(start, value, lane, offset + lane * across);
    }),
  );
}

/** Lanes below `count` set: what is valid of a vector. */
export function laneMask(f: FunctionBuilder, count: number): Local {
  const [a, b, c, d] = [0, 1, 2, 3].map((lane) => (lane < count ? -1 : 0)) as [
    number,
    number,
    number,
    number,
  ];
  return f.i32x4(a, b, c, d);
}

/** Sum of the lanes, in every lane. */
export function sumLanes(f: FunctionBuilder, value: Local): Local {
  const half = f.emit("f32x4.add", value, f.shuffle(value, value, [2, 3, 0, 1]));
  return f.emit("f32x4.add", half, f.shuffle(half, half, [1, 0, 3, 2]));
}

/** Largest lane, in every lane. */
export function largestLane(f: FunctionBuilder, value: Local): Local {
  const half = f.emit("f32x4.pmax", value, f.shuffle(value, value, [2, 3, 0, 1]));
  return f.emit("f32x4.pmax", half, f.shuffle(half, half, [1, 0, 3, 2]));
}
