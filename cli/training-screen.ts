// Events of a training run -> what a person sees: a bar on a terminal, a line every few seconds elsewhere; at the end
// the course of the loss and where everything is.
import asciichart from "asciichart";
import cliProgress from "cli-progress";
import type { Figures, LoadedFile, TrainingEvent } from "../runtime/training/events.ts";
import { count, duration, few, percent, plural } from "./figures.ts";
import { shownWidth } from "./table.ts";
import { colors, isInteractive, remark, say, widthOf } from "./terminal.ts";

type EventOf<Name extends TrainingEvent["event"]> = Extract<
  TrainingEvent,
  { readonly event: Name }
>;

const secondsBetweenLines = 5;
const secondsBetweenFrames = 0.1;

export class TrainingScreen {
  private readonly paint = colors(process.stderr);
  private readonly bar: cliProgress.SingleBar | undefined;
  private readonly losses: number[] = [];
  private start: EventOf<"start"> | undefined;
  private evaluated = "";
  private shownAt = Number.NEGATIVE_INFINITY;
  private latest: EventOf<"step"> | undefined;

  constructor() {
    if (!isInteractive(process.stderr)) return;
    this.bar = new cliProgress.SingleBar({
      format: (_options, { progress }, { text }: { text?: string }) =>
        `${this.drawn(progress)} ${text ?? ""}`,
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
      gracefulExit: false,
      autopadding: false,
      linewrap: false,
    });
  }

  show(event: TrainingEvent): void {
    switch (event.event) {
      case "start":
        return this.begin(event);
      case "step":
        return this.step(event);
      case "evaluation":
        return this.evaluation(event);
      case "checkpoint":
        return;
      case "end":
        return this.end(event);
    }
  }

  close(): void {
    this.bar?.stop();
  }

  private begin(event: EventOf<"start">): void {
    this.start = event;
    const { paint } = this;
    const how = event.resumed ? `, going on from step ${count(event.step)}` : "";
    remark(
      `${paint.bold(event.recipe)}: ${count(event.parameters)} parameters on ${event.device}${how}`,
    );
    remark(paint.dim(`${count(event.until)} steps of ${event.batch}, into ${event.folder}`));
    for (const load of event.loads)
      remark(`${paint.bold(load.net)} starts from ${load.file}: ${loadedText(load)}`);
    for (const note of event.notes) remark(`${paint.yellow("note:")} ${note}`);
    this.bar?.start(event.until, event.step, { text: "" });
  }

  private step(event: EventOf<"step">): void {
    this.losses.push(event.loss);
    this.latest = event;
    const pause = this.bar ? secondsBetweenFrames : secondsBetweenLines;
    if (event.time.seconds - this.shownAt < pause) return;
    this.shownAt = event.time.seconds;
    if (this.bar) this.bar.update(event.step, { text: this.status(event) });
    else remark(this.status(event));
  }

  /** `epoch 3/14  step 412/1,859  loss 0.1234  lr 1.9e-3  2,140 images/s  left 1 min 02 s  top1 95.1 %`. */
  private status({ step, loss, lr, time }: EventOf<"step">): string {
    const { start, paint } = this;
    if (start === undefined) return "";
    const { until, steps, stepsPerEpoch, batch } = start;
    const epochs = Math.ceil(steps / stepsPerEpoch - 1e-9);
    const epoch = Math.min(epochs, Math.floor((step - 1) / stepsPerEpoch) + 1);
    const rate = time.imagesPerSecond ?? 0;
    const parts = [
      `epoch ${epoch}/${epochs}`,
      `loss ${paint.bold(this.smoothed(loss).toFixed(4))}`,
      ...(rate > 0 ? [`left ${duration(((until - step) * batch) / rate)}`] : []),
      ...(this.evaluated === "" ? [] : [paint.green(this.evaluated)]),
    ];
    // The least needed come last, and only where there is room.
    const more = [
      { at: 1, text: `step ${count(step)}/${count(until)}` },
      { at: -1, text: `${count(rate)} images/s` },
      { at: 3, text: lr === null ? "" : `lr ${lr === 0 ? "0" : lr.toExponential(1)}` },
    ];
    const gap = "  ";
    let room = widthOf(process.stderr) - this.barWidth() - 2;
    room -= shownWidth(parts.join(gap));
    for (const { at, text } of more) {
      room -= text.length + gap.length;
      if (room < 0) break;
      if (text !== "")
        parts.splice(at === -1 ? parts.findIndex((part) => part.startsWith("left")) : at, 0, text);
    }
    return parts.join(gap);
  }

  /** One step's loss jumps about; the mean of the last twenty is what a person follows. */
  private smoothed(loss: number): number {
    const recent = this.losses.slice(-20);
    return recent.length === 0
      ? loss
      : recent.reduce((sum, value) => sum + value, 0) / recent.length;
  }

  private evaluation({ step, name, metrics }: EventOf<"evaluation">): void {
    this.evaluated = figuresText(name, metrics);
    if (this.bar === undefined)
      remark(`${this.paint.green(this.evaluated)} after step ${count(step)}`);
  }

  private end(event: EventOf<"end">): void {
    if (this.bar) {
      if (this.latest) this.bar.update(event.step, { text: this.status(this.latest) });
      this.bar.stop();
    }
    for (const line of plotOfLoss(this.losses)) remark(line);
    const folder = this.start?.folder ?? "";
    const paint = colors();
    const results = Object.entries(event.evaluations).map(([name, metrics]) =>
      figuresText(name, metrics),
    );
    const how = { finished: "trained", enough: "trained as far as asked", stopped: "stopped" }[
      event.why
    ];
    say(
      `${paint.bold(how)}: step ${count(event.step)} in ${duration(event.time.seconds)}${results.length === 0 ? "" : `, ${paint.green(results.join(", "))}`}`,
    );
    say(
      paint.dim(
        `saved in ${folder}: ${event.checkpoint.slice(folder.length + 1)}, spec.vit, metrics.jsonl`,
      ),
    );
    for (const [what, times] of Object.entries(event.data))
      say(paint.dim(`images: ${what}, ${count(times)}`));
    if (event.why !== "finished") say(paint.dim("the same command goes on from here"));
  }

  private barWidth(): number {
    if (this.bar === undefined) return 0;
    return Math.max(8, Math.min(24, widthOf(process.stderr) - 110));
  }

  private drawn(progress: number): string {
    const width = this.barWidth();
    const full = Math.round(progress * width);
    return this.paint.cyan("█".repeat(full)) + this.paint.dim("░".repeat(width - full));
  }
}

/** `top1 96.4 %`: shares are percentages, all else is a number. */
export function figuresText(name: string, metrics: Figures): string {
  return Object.entries(metrics)
    .map(([metric, value]) => {
      // A protocol's figures beside its main one bear its name already.
      const isNamed = metric === name || metric.startsWith(`${name}.`);
      const label = isNamed ? metric : Object.keys(metrics).length === 1 ? name : `${name}.${metric}`; // prettier-ignore
      const isShare =
        /(top\d|accuracy|recall|neighbours?|nearest)[^.]*$/.test(label) && value >= 0 && value <= 1;
      return `${label} ${isShare ? percent(value) : value.toPrecision(4)}`;
    })
    .join(", ");
}

/** The loss of all steps, averaged over as many columns as there is room for. */
export function plotOfLoss(losses: readonly number[]): string[] {
  const finite = losses.filter(Number.isFinite);
  if (finite.length < 8) return [];
  const room = Math.min(72, widthOf(process.stderr) - 14);
  const columns = Math.max(8, Math.min(room, finite.length));
  const means = Array.from({ length: columns }, (_, i) => {
    const from = Math.floor((i * finite.length) / columns);
    const to = Math.max(from + 1, Math.floor(((i + 1) * finite.length) / columns));
    return finite.slice(from, to).reduce((sum, loss) => sum + loss, 0) / (to - from);
  });
  const chart = asciichart.plot(means, {
    height: 8,
    format: (value) => value.toFixed(3).padStart(9),
  });
  return [
    "",
    ...chart.split("\n").map((line) => line.trimEnd()),
    `${" ".repeat(11)}loss over ${count(losses.length)} steps`,
    "",
  ];
}

/** `150 tensors loaded, 1 resized (position), 2 started anew (head.weight, head.bias)`. */
function loadedText({ loaded, resized, fresh, unused }: LoadedFile): string {
  const named = (names: readonly string[], what: string) =>
    names.length === 0 ? [] : [`${names.length} ${what} (${few(names, ", ")})`];
  return [
    `${plural(loaded, "tensor")} loaded`,
    ...named(resized, "resized"),
    ...named(fresh, "started anew"),
    ...named(unused, "of the file unused"),
  ].join(", ");
}
