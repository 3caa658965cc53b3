// Fills panels: one side of a product, evaluated through its expression (views, prologues, borders) and laid out
// step by step for the innermost loop. A panel covers `width` positions of the tile axis; those beyond its end are 0.
import { loadsOf } from "../kernels/expression.ts";
import type { Axis, Expression } from "../kernels/kernel.ts";
import { evaluate } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import type { Local, Operand } from "./function-builder.ts";
import { transpose } from "./microkernel.ts";

/** A range of k: all of `outer` from..to, each with all of `inner` from..to. */
export interface StepRange {
  readonly outer: { readonly from: Operand; readonly to: Operand };
  readonly inner: { readonly from: Operand; readonly to: Operand };
}

export interface Panel {
  readonly value: Expression;
  readonly tile: Axis;
  /** Positions of a panel: 4 or 8. */
  readonly width: number;
  readonly kOuter: Axis;
  readonly kInner: Axis;
  readonly fill: "tile" | "k";
}

export class PanelFiller {
  private readonly panel: Panel;
  private readonly accesses: readonly (Expression & { readonly kind: "load" })[];

  constructor(panel: Panel) {
    this.panel = panel;
    this.accesses = loadsOf(panel.value);
  }

  /** Works out ahead what is known at a frame. */
  prepare(frame: Frame, shifting: ReadonlySet<number>): void {
    frame.prepareAddresses(this.accesses, shifting);
    frame.hoist([this.panel.value], evaluate, shifting);
  }

  /** Fills the panel at `to` for the tile that starts at position `start`. */
  fill(frame: Frame, start: Operand, range: StepRange, to: Operand): void {
    const { f } = frame.context;
    const { tile, width } = this.panel;
    const rest = tile.extent % width;
    const run = (count: number): void => {
      if (this.panel.fill === "tile") this.alongTile(frame, start, count, range, to);
      else
        for (let group = 0; group < width; group += 4)
          this.alongK(
            frame,
            f.add(start, group),
            Math.max(0, Math.min(4, count - group)),
            range,
            f.add(to, group * 4),
          );
    };
    if (rest === 0) return run(width);
    if (tile.extent < width) return run(rest);
    const isWhole = f.emit("i32.le_s", f.add(start, width), tile.extent);
    f.if(isWhole, () => run(width), () => run(rest)); // prettier-ignore
  }

  /** Walks k; `target` is where the step's values go. */
  private steps(
    frames: readonly Frame[],
    range: StepRange,
    to: Operand,
    shifting: ReadonlySet<number>,
    body: (frames: readonly Frame[], inner: StepRange["inner"], target: Local) => void,
  ): void {
    const { f } = frames[0]!.context;
    const { kOuter } = this.panel;
    const target = f.variable(to);
    if (kOuter.extent === 1) return body(frames, range.inner, target);
    f.forRange(range.outer.from, range.outer.to, 1, (element) => {
      const inside = frames.map((frame) => {
        const child = frame.child({ at: [[kOuter.id, { element }]] });
        this.prepare(child, shifting);
        return child;
      });
      body(inside, range.inner, target);
    });
  }

  /** Vectors along the tile axis: one store of four a step. */
  private alongTile(
    frame: Frame,
    start: Operand,
    count: number,
    range: StepRange,
    to: Operand,
  ): void {
    const { f } = frame.context;
    const { tile, width, kInner, value } = this.panel;
    const shifting = new Set([tile.id]);
    const base = frame.child({
      at: [[tile.id, { element: start }]],
      vector: { axis: tile.id, width: 4 },
    });
    this.prepare(base, shifting);
    this.steps([base], range, to, shifting, ([frame], inner, target) => {
      f.forRange(f.multiply(inner.from, 4), f.multiply(inner.to, 4), 4, (bytes) => {
        const at = frame!.child({ at: [[kInner.id, { element: f.divide(bytes, 4), bytes }]] });
        at.hoist([value], evaluate, shifting);
        for (let group = 0; group < width; group += 4) {
          const valid = Math.max(0, Math.min(4, count - group));
          f.store("v128.store", target, this.group(at, group, valid), group * 4);
        }
        f.assign(target, f.emit("i32.add", target, width * 4));
      });
    });
  }

  private group(at: Frame, group: number, valid: number): Local {
    const { tile, value } = this.panel;
    const { f } = at.context;
    if (valid === 4) return evaluate(value, at.child({ shift: [[tile.id, group]] }));
    const lanes = [0, 1, 2, 3].map((lane) =>
      lane < valid
        ? evaluate(
            value,
            at.child({ shift: [[tile.id, group + lane]], vector: { axis: tile.id, width: 1 } }),
          )
        : f.f32x4(0),
    );
    return joinLanes(at, lanes);
  }

  /** Vectors along k for four positions of the tile axis, turned before they are stored. */
  private alongK(frame: Frame, start: Operand, count: number, range: StepRange, to: Operand): void {
    const { f } = frame.context;
    const { tile, width, kInner, value } = this.panel;
    if (count === 0) return this.zeros(frame, range, to);
    const rows = Array.from({ length: count }, (_, row) => {
      const child = frame.child({ at: [[tile.id, { element: f.add(start, row) }]] });
      this.prepare(child, new Set([kInner.id]));
      return child;
    });
    const lanesAt = (frames: readonly Frame[], bytes: Local, lanes: 4 | 1): Local[] => {
      const at = [kInner.id, { element: f.divide(bytes, 4), bytes }] as const;
      const values = frames.map((row) =>
        evaluate(value, row.child({ at: [at], vector: { axis: kInner.id, width: lanes } })),
      );
      while (values.length < 4) values.push(f.f32x4(0));
      return values;
    };
    this.steps(rows, range, to, new Set([kInner.id]), (frames, { from, to: end }, target) => {
      const bytes = f.variable(f.multiply(from, 4));
      const endBytes = f.multiply(end, 4);
      f.whileFits(bytes, 16, endBytes, () => {
        const turned = transpose(f, lanesAt(frames, bytes, 4) as [Local, Local, Local, Local]);
        turned.forEach((column, step) => f.store("v128.store", target, column, step * width * 4));
        f.assign(target, f.emit("i32.add", target, width * 16));
      });
      f.whileFits(bytes, 4, endBytes, () => {
        f.store("v128.store", target, joinLanes(frames[0]!, lanesAt(frames, bytes, 1)));
        f.assign(target, f.emit("i32.add", target, width * 4));
      });
    });
  }

  private zeros(frame: Frame, range: StepRange, to: Operand): void {
    const { f } = frame.context;
    this.steps([frame], range, to, new Set(), (_, inner, target) => {
      f.forRange(inner.from, inner.to, 1, () => {
        f.store("v128.store", target, f.f32x4(0));
        f.assign(target, f.emit("i32.add", target, this.panel.width * 4));
      });
    });
  }
}

/** Lane 0 of each of four. */
function joinLanes(frame: Frame, lanes: readonly Local[]): Local {
  const { f } = frame.context;
  const [a, b, c, d] = lanes as [Local, Local, Local, Local];
  const low = f.shuffle(a, b, [0, 4, 0, 4]);
  return f.shuffle(low, f.shuffle(c, d, [0, 4, 0, 4]), [0, 1, 4, 5]);
}
