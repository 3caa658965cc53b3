// Attention, backward -> function. A unit is a head of one example; queries go by in blocks of up to 64.
//   P = exp(scale q k^T - statistics),  dP = dO v^T,  dS = scale P (dP - rowsum(dO O))
//   dq = dS k,  dk = dS^T q,  dv = P^T dO
// P and dS of a block lie in scratch; dk and dv are summed over the blocks in order.
import type { AttentionKernel, HeadsView } from "../kernels/kernel.ts";
import { isHalf } from "../ops/half.ts";
import {
  attentionAxes, channelStride, eachPanel, eachRowTile, HeadPanels, headAddress, laneMask, loadChannels, rowsOf, sumLanes, tokenStride, widenedRowsBytes, writeBlock,
} from "./attention-block.ts"; // prettier-ignore
import type { AttentionAxes } from "./attention-block.ts";
import { elementBytes } from "./bound-buffers.ts";
import type { BoundBuffers } from "./bound-buffers.ts";
import { nanosecondsPerAttentionMultiplyAdd, parallelFromNanoseconds } from "./cost.ts";
import { FactTable } from "./expression-facts.ts";
import type { Frame } from "./frame.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { decode } from "./generate-loop.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { buildKernelFunction, threadRange } from "./kernel-function.ts";
import type { KernelFunction } from "./kernel-function.ts";
import { points } from "./loop-plan.ts";
import { addProducts, panelStepBytes, zeroSums } from "./microkernel.ts";
import { exp } from "./vector-math.ts";

const queriesAtOnce = 64;
const sumsBytes = 128;

type Views = { readonly [name in "dOutput" | "dq" | "dk" | "dv"]: HeadsView };

export function generateAttentionBackward(
  kernel: AttentionKernel,
  bound: BoundBuffers,
): GeneratedFunction {
  const { dOutput, dq, dk, dv } = kernel;
  if (dOutput === undefined || dq === undefined || dk === undefined || dv === undefined)
    throw new Error(`wasm: \`${kernel.label}\` lacks an operand of attention's backward pass`);
  const views = { dOutput, dq, dk, dv };
  const facts = new FactTable();
  const axes = attentionAxes(kernel);
  const layout = layoutOf(kernel, views, axes, bound);
  const work =
    points(axes.outer) *
    kernel.queries *
    kernel.keys *
    (3 * kernel.channels + 2 * kernel.valueChannels);
  return {
    isParallel: work * nanosecondsPerAttentionMultiplyAdd > parallelFromNanoseconds,
    scratchBytes: layout.bytes,
    build: (relaxed) =>
      buildKernelFunction(bound, facts, relaxed, (shell) =>
        new BackwardEmitter(shell, kernel, views, layout, axes).emit(),
      ),
  };
}

interface Layout {
  readonly block: number;
  readonly blocks: number;
  readonly stripBytes: number;
  /** Panels and where they lie in scratch. */
  readonly keysTurned: HeadPanels;
  readonly valuesTurned: HeadPanels;
  readonly keys: HeadPanels;
  readonly queries: HeadPanels;
  readonly gradients: HeadPanels;
  readonly at: {
    readonly keysTurned: number;
    readonly valuesTurned: number;
    readonly keys: number;
    readonly queries: number;
    readonly gradients: number;
    readonly weights: number;
    readonly scores: number;
    /** Four rows, where they are halves. */
    readonly ownQueries: number;
    readonly ownGradients: number;
    readonly dkSums: number;
    readonly dvSums: number;
  };
  readonly bytes: number;
}

function layoutOf(
  kernel: AttentionKernel,
  views: Views,
  axes: AttentionAxes,
  { dtypes }: BoundBuffers,
): Layout {
  const widenedBytes = (view: HeadsView, channels: number): number =>
    isHalf(dtypes.get(view.buffer)!) ? widenedRowsBytes(channels) : 0;
  const block = Math.min(queriesAtOnce, kernel.queries);
  const blocks = Math.ceil(kernel.queries / block);
  const panels = {
    keysTurned: new HeadPanels(axes, kernel.k, axes.keys, axes.channels, axes.keys),
    valuesTurned: new HeadPanels(axes, kernel.v, axes.keys, axes.valueChannels, axes.keys),
    keys: new HeadPanels(axes, kernel.k, axes.keys, axes.channels, axes.channels),
    queries: new HeadPanels(axes, kernel.q, axes.queries, axes.channels, axes.channels),
    gradients: new HeadPanels(axes, views.dOutput, axes.queries, axes.valueChannels, axes.valueChannels), // prettier-ignore
  };
  const stripBytes = panels.keysTurned.tiles * panelStepBytes;
  const rowTiles = Math.ceil(kernel.keys / 4);
  const sums = (tiles: number): number => (blocks === 1 ? 0 : rowTiles * tiles * sumsBytes);
  let bytes = 0;
  const take = (size: number): number => {
    bytes += size;
    return bytes - size;
  };
  const at = {
    keysTurned: take(panels.keysTurned.bytes()),
    valuesTurned: take(panels.valuesTurned.bytes()),
    keys: take(panels.keys.bytes()),
    queries: take(panels.queries.bytes(block)),
    gradients: take(panels.gradients.bytes(block)),
    weights: take(block * stripBytes),
    scores: take(block * stripBytes),
    ownQueries: take(widenedBytes(kernel.q, kernel.channels)),
    ownGradients: take(widenedBytes(views.dOutput, kernel.valueChannels)),
    dkSums: take(sums(panels.queries.tiles)),
    dvSums: take(sums(panels.gradients.tiles)),
  };
  return { block, blocks, stripBytes, ...panels, at, bytes };
}

/** Addresses of a head's rows. */
interface Head {
  readonly frame: Frame;
  readonly q: Operand;
  readonly output: Operand;
  readonly dOutput: Operand;
  readonly dq: Operand;
  readonly dk: Operand;
  readonly dv: Operand;
  readonly statistics: Operand;
}

class BackwardEmitter {
  private readonly shell: KernelFunction;
  private readonly f: FunctionBuilder;
  private readonly kernel: AttentionKernel;
  private readonly views: Views;
  private readonly axes: AttentionAxes;
  private readonly layout: Layout;

  constructor(
    shell: KernelFunction,
    kernel: AttentionKernel,
    views: Views,
    layout: Layout,
    axes: AttentionAxes,
  ) {
    this.shell = shell;
    this.f = shell.f;
    this.kernel = kernel;
    this.views = views;
    this.axes = axes;
    this.layout = layout;
  }

  private place(name: keyof Layout["at"]): Operand {
    return this.f.add(this.shell.scratch, this.layout.at[name]);
  }

  emit(): void {
    const { f, kernel, layout, axes } = this;
    const { from, to } = threadRange(this.shell, points(axes.outer));
    f.forRange(from, to, 1, (unit) => {
      const frame = this.shell.root.child({ at: decode(this.shell, unit, axes.outer) });
      layout.keysTurned.fill(frame, this.place("keysTurned"), kernel.channels * panelStepBytes);
      layout.valuesTurned.fill(frame, this.place("valuesTurned"), kernel.valueChannels * panelStepBytes); // prettier-ignore
      layout.keys.fill(frame, this.place("keys"), kernel.keys * panelStepBytes);
      const head = this.head(frame, unit);
      f.forRange(0, kernel.queries, layout.block, (first) => this.block(head, first));
    });
  }

  private head(frame: Frame, unit: Operand): Head {
    const { f, kernel, views, axes } = this;
    const address = (view: HeadsView): Operand => headAddress(axes, view, frame);
    const statistics = f.multiply(unit, kernel.queries * 4);
    return {
      frame,
      q: address(kernel.q),
      output: address(kernel.output),
      dOutput: address(views.dOutput),
      dq: address(views.dq),
      dk: address(views.dk),
      dv: address(views.dv),
      statistics: f.add(this.shell.addressOf(kernel.statistics), statistics),
    };
  }

  private block(head: Head, first: Operand): void {
    const { f, kernel, layout, views } = this;
    const last = f.minimum(f.add(first, layout.block), kernel.queries);
    const stride = layout.block * panelStepBytes;
    layout.queries.fill(head.frame, this.place("queries"), stride, first, last);
    layout.gradients.fill(head.frame, this.place("gradients"), stride, first, last);
    eachRowTile(f, first, last, kernel.queries, (start, rows) => {
      const row =
        typeof first === "number" ? f.add(start, -first) : f.emit("i32.sub", start, first);
      this.scores(head, start, f.multiply(row, layout.stripBytes), rows);
      this.queryGradient(head, start, f.multiply(row, layout.stripBytes), rows);
    });
    const count =
      typeof last === "number" && typeof first === "number"
        ? last - first
        : f.emit("i32.sub", last, first);
    const parts = { first, last, count };
    this.keySums(parts, "scores", "queries", "dkSums", head.dk, views.dk, kernel.channels);
    this.keySums(parts, "weights", "gradients", "dvSums", head.dv, views.dv, kernel.valueChannels);
  }

  /** P and dS of up to four queries, into their strips. */
  private scores(head: Head, start: Local, offset: Operand, rows: number): void {
    const { f, kernel, views, layout } = this;
    const { channels, valueChannels } = kernel;
    const queries = { head: head.q, view: kernel.q, token: start, rows, channels };
    const left = rowsOf(this.shell, queries, this.place("ownQueries"));
    const gradientRows = { head: head.dOutput, view: views.dOutput, token: start, rows, channels: valueChannels }; // prettier-ignore
    const leftGradient = rowsOf(this.shell, gradientRows, this.place("ownGradients"));
    const statistics = f.add(head.statistics, f.multiply(start, 4));
    const rowValues = Array.from({ length: rows }, (_, row) => ({
      shift: f.emit("f32x4.neg", f.load("v128.load32_splat", statistics, row * 4)),
      dot: this.rowDot(head, start, row),
    }));
    const keys = f.variable(this.place("keysTurned"));
    const values = f.variable(this.place("valuesTurned"));
    const weights = f.variable(f.add(this.place("weights"), offset));
    const scores = f.variable(f.add(this.place("scores"), offset));
    eachPanel(f, kernel.keys, (_, columns) => {
      const sums = zeroSums(f, rows, 2);
      addProducts(f, { rows, vectors: 2, left, right: keys, count: kernel.channels }, sums);
      sums.forEach((vectors, row) =>
        vectors.forEach((sum, vector) => {
          const weight = exp(f, f.multiplyAdd(sum, f.f32x4(kernel.scale), rowValues[row]!.shift));
          const valid = Math.max(0, Math.min(4, columns - vector * 4));
          const kept = valid === 4 ? weight : f.emit("v128.and", weight, laneMask(f, valid));
          f.store("v128.store", weights, kept, row * layout.stripBytes + vector * 16);
        }),
      );
      const gradients = zeroSums(f, rows, 2);
      addProducts(f, { rows, vectors: 2, left: leftGradient, right: values, count: kernel.valueChannels }, gradients); // prettier-ignore
      gradients.forEach((vectors, row) =>
        vectors.forEach((sum, vector) => {
          const place = row * layout.stripBytes + vector * 16;
          const weight = f.load("v128.load", weights, place);
          const change = f.emit("f32x4.sub", sum, rowValues[row]!.dot);
          const scaled = f.emit("f32x4.mul", weight, f.f32x4(kernel.scale));
          f.store("v128.store", scores, f.emit("f32x4.mul", scaled, change), place);
        }),
      );
      f.assign(keys, f.emit("i32.add", keys, kernel.channels * panelStepBytes));
      f.assign(values, f.emit("i32.add", values, kernel.valueChannels * panelStepBytes));
      f.assign(weights, f.emit("i32.add", weights, panelStepBytes));
      f.assign(scores, f.emit("i32.add", scores, panelStepBytes));
    });
  }

  /** Sum over channels of dO times O, in all lanes. */
  private rowDot(head: Head, start: Local, row: number): Local {
    const { f, kernel, views } = this;
    const size = (view: HeadsView): number => elementBytes(this.shell.dtypeOf(view.buffer));
    const at = (address: Operand, view: HeadsView): Operand =>
      f.add(address, f.multiply(f.add(start, row), tokenStride(view) * size(view)));
    const [a, b] = [at(head.dOutput, views.dOutput), at(head.output, kernel.output)];
    const [stepA, stepB] = [channelStride(views.dOutput), channelStride(kernel.output)];
    const total = f.variable(f.f32x4(0));
    const isDense = stepA === 1 && stepB === 1 && kernel.valueChannels % 4 === 0;
    const channelOf = (view: HeadsView, from: Operand, channel: Operand): Local => {
      const address = f.add(from, f.multiply(channel, channelStride(view) * size(view)));
      return loadChannels(this.shell, view, address, isDense ? 4 : 1);
    };
    f.forRange(0, kernel.valueChannels, isDense ? 4 : 1, (channel) => {
      const x = channelOf(views.dOutput, a, channel);
      const y = channelOf(kernel.output, b, channel);
      f.assign(total, f.multiplyAdd(x, y, total));
    });
    return isDense ? sumLanes(f, total) : total;
  }

  private queryGradient(head: Head, start: Local, offset: Operand, rows: number): void {
    const { f, kernel, views, layout } = this;
    const left = { address: f.add(this.place("scores"), offset), rowBytes: layout.stripBytes, stepBytes: 4 }; // prettier-ignore
    const right = f.variable(this.place("keys"));
    eachPanel(f, kernel.channels, (tile, columns) => {
      const vectors = Math.ceil(columns / 4);
      const sums = zeroSums(f, rows, vectors);
      addProducts(f, { rows, vectors, left, right, count: kernel.keys }, sums);
      writeBlock(this.shell, head.dq, views.dq, start, tile, columns, sums);
      f.assign(right, f.emit("i32.add", right, kernel.keys * panelStepBytes));
    });
  }

  /** Adds a block of queries to dk or dv: the strip, read down its columns, times the packed rows. */
  private keySums(
    part: { readonly first: Operand; readonly last: Operand; readonly count: Operand },
    strip: "scores" | "weights",
    panels: "queries" | "gradients",
    kept: "dkSums" | "dvSums",
    head: Operand,
    view: HeadsView,
    channels: number,
  ): void {
    const { f, kernel, layout } = this;
    const sums = f.variable(this.place(kept));
    eachRowTile(f, 0, kernel.keys, kernel.keys, (start, rows) => {
      const address = f.add(this.place(strip), f.multiply(start, 4));
      const left = { address, rowBytes: 4, stepBytes: layout.stripBytes };
      const right = f.variable(this.place(panels));
      eachPanel(f, channels, (tile, columns) => {
        const vectors = Math.ceil(columns / 4);
        const totals = zeroSums(f, rows, vectors);
        const each = (body: (total: Local, offset: number) => void): void =>
          totals.forEach((row, r) => row.forEach((total, v) => body(total, (r * 2 + v) * 16)));
        if (layout.blocks > 1)
          f.if(part.first, () => each((total, offset) => f.assign(total, f.load("v128.load", sums, offset)))); // prettier-ignore
        addProducts(f, { rows, vectors, left, right, count: part.count }, totals);
        const write = (): void => writeBlock(this.shell, head, view, start, tile, columns, totals);
        if (layout.blocks === 1) write();
        else
          f.if(f.emit("i32.eq", part.last, kernel.queries), write, () =>
            each((total, offset) => f.store("v128.store", sums, total, offset)),
          );
        f.assign(right, f.emit("i32.add", right, layout.block * panelStepBytes));
        if (layout.blocks > 1) f.assign(sums, f.emit("i32.add", sums, sumsBytes));
      });
    });
  }
}
