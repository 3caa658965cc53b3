// Attention, forward -> function. Threads share the queries of all heads, four by four; each packs the keys (turned)
// and the values of a head once, however many of its queries are its own. Then four queries at a time: scores into a
// strip that stays in the nearest cache, their softmax in place, and the strip times the values, divided by the sum at
// the end.
import type { AttentionKernel } from "../kernels/kernel.ts";
import { isHalf } from "../ops/half.ts";
import {
  attentionAxes, eachPanel, eachRowTile, HeadPanels, headAddress, laneMask, largestLane, rowsOf, sumLanes, widenedRowsBytes, writeBlock,
} from "./attention-block.ts"; // prettier-ignore
import type { AttentionAxes } from "./attention-block.ts";
import type { BoundBuffers } from "./bound-buffers.ts";
import { nanosecondsPerAttentionMultiplyAdd, parallelFromNanoseconds } from "./cost.ts";
import { FactTable } from "./expression-facts.ts";
import type { Frame } from "./frame.ts";
import type { FunctionBuilder, Local, Operand } from "./function-builder.ts";
import { decode } from "./generate-loop.ts";
import type { GeneratedFunction } from "./generate-loop.ts";
import { buildKernelFunction, eachGroup } from "./kernel-function.ts";
import type { KernelFunction } from "./kernel-function.ts";
import { points } from "./loop-plan.ts";
import { addProducts, panelStepBytes, zeroSums } from "./microkernel.ts";
import type { LeftOperand } from "./microkernel.ts";
import { exp, log } from "./vector-math.ts";

export function generateAttentionForward(
  kernel: AttentionKernel,
  bound: BoundBuffers,
): GeneratedFunction {
  const facts = new FactTable();
  const axes = attentionAxes(kernel);
  const layout = layoutOf(kernel, axes, bound);
  const work =
    points(axes.outer) *
    kernel.queries *
    kernel.keys *
    (kernel.channels + kernel.valueChannels + 8);
  return {
    isParallel: work * nanosecondsPerAttentionMultiplyAdd > parallelFromNanoseconds,
    scratchBytes: layout.bytes,
    build: (relaxed) =>
      buildKernelFunction(bound, facts, relaxed, (shell) =>
        new ForwardEmitter(shell, kernel, axes, layout).emit(),
      ),
  };
}

interface Layout {
  readonly keys: HeadPanels;
  readonly values: HeadPanels;
  readonly valuesAt: number;
  readonly stripAt: number;
  /** From row to row of the strip: keys, filled up to a multiple of eight. */
  readonly stripBytes: number;
  /** Four queries, where they are halves. */
  readonly rowsAt: number;
  readonly bytes: number;
}

function layoutOf(kernel: AttentionKernel, axes: AttentionAxes, { dtypes }: BoundBuffers): Layout {
  const keys = new HeadPanels(axes, kernel.k, axes.keys, axes.channels, axes.keys);
  const values = new HeadPanels(axes, kernel.v, axes.keys, axes.valueChannels, axes.valueChannels);
  const stripBytes = keys.tiles * panelStepBytes;
  const valuesAt = keys.bytes();
  const stripAt = valuesAt + values.bytes();
  const rowsAt = stripAt + 4 * stripBytes;
  const isWidened = isHalf(dtypes.get(kernel.q.buffer)!);
  const bytes = rowsAt + (isWidened ? widenedRowsBytes(kernel.channels) : 0);
  return { keys, values, valuesAt, stripAt, stripBytes, rowsAt, bytes };
}

class ForwardEmitter {
  private readonly shell: KernelFunction;
  private readonly f: FunctionBuilder;
  private readonly kernel: AttentionKernel;
  private readonly axes: AttentionAxes;
  private readonly layout: Layout;
  private readonly strip: Operand;

  constructor(shell: KernelFunction, kernel: AttentionKernel, axes: AttentionAxes, layout: Layout) {
    this.shell = shell;
    this.f = shell.f;
    this.kernel = kernel;
    this.axes = axes;
    this.layout = layout;
    this.strip = this.f.add(shell.scratch, this.layout.stripAt);
  }

  emit(): void {
    const { f, kernel, layout, axes } = this;
    const tiles = Math.ceil(kernel.queries / 4);
    eachGroup(this.shell, points(axes.outer), tiles, (head, own) => {
      const frame = this.shell.root.child({ at: decode(this.shell, head, axes.outer) });
      layout.keys.fill(frame, this.shell.scratch, kernel.channels * panelStepBytes);
      layout.values.fill(
        frame,
        f.add(this.shell.scratch, layout.valuesAt),
        kernel.keys * panelStepBytes,
      );
      const last = f.minimum(f.multiply(own.to, 4), kernel.queries);
      this.queries(frame, head, f.multiply(own.from, 4), last);
    });
  }

  private queries(frame: Frame, head: Operand, first: Operand, last: Operand): void {
    const { f, kernel, axes } = this;
    const q = headAddress(axes, kernel.q, frame);
    const output = headAddress(axes, kernel.output, frame);
    const statistics = f.add(
      this.shell.addressOf(kernel.statistics),
      f.multiply(head, kernel.queries * 4),
    );
    eachRowTile(f, first, last, kernel.queries, (start, rows) => {
      const own = { head: q, view: kernel.q, token: start, rows, channels: kernel.channels };
      const left = rowsOf(this.shell, own, f.add(this.shell.scratch, this.layout.rowsAt));
      const largest = this.scores(left, rows);
      const totals = this.exponentials(largest);
      totals.forEach((total, row) => {
        const statistic = f.emit("f32x4.add", largest[row]!, log(f, total));
        f.storeLane(f.add(statistics, f.multiply(start, 4)), statistic, 0, row * 4);
      });
      const shares = totals.map((total) => f.emit("f32x4.div", f.f32x4(1), total));
      this.weighted(output, start, shares);
    });
  }

  /** Fills the strip with scaled scores, -infinity beyond the last key; the largest of each row, in all lanes. */
  private scores(left: LeftOperand, rows: number): Local[] {
    const { f, kernel, layout } = this;
    const largest = Array.from({ length: rows }, () => f.variable(f.f32x4(-Infinity)));
    const right = f.variable(this.shell.scratch);
    const target = f.variable(this.strip);
    eachPanel(f, kernel.keys, (_, columns) => {
      const sums = zeroSums(f, rows, 2);
      addProducts(f, { rows, vectors: 2, left, right, count: kernel.channels }, sums);
      sums.forEach((vectors, row) =>
        vectors.forEach((sum, vector) => {
          const scaled = f.emit("f32x4.mul", sum, f.f32x4(kernel.scale));
          const valid = Math.max(0, Math.min(4, columns - vector * 4));
          const score = valid === 4 ? scaled : f.emit("v128.bitselect", scaled, f.f32x4(-Infinity), laneMask(f, valid)); // prettier-ignore
          f.assign(largest[row]!, f.emit("f32x4.pmax", largest[row]!, score));
          f.store("v128.store", target, score, row * layout.stripBytes + vector * 16);
        }),
      );
      f.assign(right, f.emit("i32.add", right, kernel.channels * panelStepBytes));
      f.assign(target, f.emit("i32.add", target, panelStepBytes));
    });
    return largest.map((value) => largestLane(f, value));
  }

  /** Scores become exp(score - largest); the sum of each row, in all lanes. */
  private exponentials(largest: readonly Local[]): Local[] {
    const { f, layout } = this;
    const totals = largest.map(() => f.variable(f.f32x4(0)));
    f.forRange(0, layout.stripBytes, 16, (bytes) => {
      const at = f.add(this.strip, bytes);
      const scores = largest.map((_, row) => f.load("v128.load", at, row * layout.stripBytes));
      const values = scores.map((score, row) => exp(f, f.emit("f32x4.sub", score, largest[row]!)));
      values.forEach((value, row) => {
        f.store("v128.store", at, value, row * layout.stripBytes);
        f.assign(totals[row]!, f.emit("f32x4.add", totals[row]!, value));
      });
    });
    return totals.map((total) => sumLanes(f, total));
  }

  private weighted(output: Operand, start: Operand, shares: readonly Local[]): void {
    const { f, kernel, layout } = this;
    const right = f.variable(f.add(this.shell.scratch, layout.valuesAt));
    const left = { address: this.strip, rowBytes: layout.stripBytes, stepBytes: 4 };
    eachPanel(f, kernel.valueChannels, (tile, columns) => {
      const vectors = Math.ceil(columns / 4);
      const sums = zeroSums(f, shares.length, vectors);
      addProducts(f, { rows: shares.length, vectors, left, right, count: kernel.keys }, sums);
      const scaled = sums.map((row, number) =>
        row.map((sum) => f.emit("f32x4.mul", sum, shares[number]!)),
      );
      writeBlock(this.shell, output, kernel.output, start, tile, columns, scaled);
      f.assign(right, f.emit("i32.add", right, kernel.keys * panelStepBytes));
    });
  }
}
