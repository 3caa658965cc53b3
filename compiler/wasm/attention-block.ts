// What the forward and the backward pass of attention share: the axes of its operands, where a head's rows begin,
// panels of a head packed for the innermost loop, and blocks of results written back through strides.
import type { AttentionKernel, Axis, Expression, HeadsView } from "../kernels/kernel.ts";
import { add, axisIndex, constantIndex, multiply } from "../ops/index-arithmetic.ts";
import type { Index } from "../ops/index-expression.ts";
import { isHalf } from "../ops/half.ts";
import { elementBytes } from "./bound-buffers.ts";
import type { Frame, KernelContext } from "./frame.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { halfBits, joinHalves, widenHalf } from "./half-storage.ts";
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
  const size = elementBytes(frame.context.dtypeOf(view.buffer));
  return f.add(frame.context.addressOf(view.buffer), f.multiply(elements, size));
}

/** Rows of a head from one token on. */
export interface HeadRows {
  /** Address of the head, as `headAddress` gives it. */
  readonly head: Operand;
  readonly view: HeadsView;
  readonly token: Operand;
  readonly rows: number;
  readonly channels: number;
}

/** Bytes into which `rowsOf` widens up to four rows. */
export function widenedRowsBytes(channels: number): number {
  return 4 * channels * 4;
}

/** Rows of a head as the left side of a product: read where they lie; halves are widened at `scratch` first. */
export function rowsOf(
  { f, dtypeOf }: KernelContext,
  { head, view, token, rows, channels }: HeadRows,
  scratch: Operand,
): LeftOperand {
  const dtype = dtypeOf(view.buffer);
  const size = elementBytes(dtype);
  const [rowBytes, stepBytes] = [tokenStride(view) * size, channelStride(view) * size];
  const address = f.add(head, f.multiply(token, rowBytes));
  if (!isHalf(dtype)) return { address, rowBytes, stepBytes };
  const [target, isDense] = [f.variable(scratch), stepBytes === size];
  for (let row = 0; row < rows; row++)
    eachChannel(f, channels, isDense, (channel, width) => {
      const from = f.add(address, f.multiply(channel, stepBytes));
      const value = loadChannels({ f, dtypeOf }, view, from, width, row * rowBytes);
      const to = f.add(target, f.multiply(channel, 4));
      if (width === 4) f.store("v128.store", to, value, row * channels * 4);
      else f.storeLane(to, value, 0, row * channels * 4);
    });
  return { address: target, rowBytes: channels * 4, stepBytes: 4 };
}

/** Four channels at a time where they are neighbours, then one by one. */
export function eachChannel(
  f: FunctionBuilder,
  channels: number,
  isDense: boolean,
  body: (channel: Operand, width: 4 | 1) => void,
): void {
  const whole = isDense ? Math.floor(channels / 4) * 4 : 0;
  f.forRange(0, whole, 4, (channel) => body(channel, 4));
  f.forRange(whole, channels, 1, (channel) => body(channel, 1));
}

/** Four neighbouring channels, or one in all lanes, as f32. */
export function loadChannels(
  { f, dtypeOf }: Pick<KernelContext, "f" | "dtypeOf">,
  view: HeadsView,
  address: Operand,
  width: 4 | 1,
  offset = 0,
): Local {
  const dtype = dtypeOf(view.buffer);
  if (!isHalf(dtype))
    return f.load(width === 4 ? "v128.load" : "v128.load32_splat", address, offset);
  const bits =
    width === 4
      ? f.load("i32x4.load16x4_u", address, offset)
      : f.emit("i32x4.splat", f.load("i32.load16_u", address, offset));
  return widenHalf(f, bits, dtype);
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
  { f, dtypeOf }: KernelContext,
  head: Operand,
  view: HeadsView,
  token: Operand,
  tile: Operand,
  columns: number,
  sums: readonly (readonly Local[])[],
): void {
  const dtype = dtypeOf(view.buffer);
  const size = elementBytes(dtype);
  const across = channelStride(view) * size;
  const down = tokenStride(view) * size;
  const rows = f.add(head, f.multiply(token, down));
  const start = f.add(rows, f.multiply(tile, tileColumns * across));
  sums.forEach((vectors, row) =>
    vectors.forEach((value, vector) => {
      const offset = row * down + vector * 4 * across;
      const lanes = Math.min(4, columns - vector * 4);
      const isDense = lanes === 4 && across === size;
      if (isHalf(dtype)) {
        const bits = halfBits(f, value, dtype);
        if (isDense) return f.storeLane(start, joinHalves(f, bits), 0, offset, "v128.store64_lane");
        for (let lane = 0; lane < lanes; lane++)
          f.storeLane(start, bits, lane * 2, offset + lane * across, "v128.store16_lane");
        return;
      }
      if (isDense) return f.store("v128.store", start, value, offset);
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
