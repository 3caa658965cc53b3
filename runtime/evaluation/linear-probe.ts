// Features of labelled examples -> how well a linear classifier on them does: softmax regression, trained here on what
// the frozen net gave once for each example (the usual protocol since Zhang, Isola and Efros, 2016; as in He et al.,
// 2022, features are standardised first, so that one rate fits every net).
//
// Channels get mean 0 and deviation 1 over the fit examples, and all are divided by the root of the width, so that rows
// have a length of about 1 whatever the net: the rate then means the same for all. Weights start at 0; stochastic
// gradient descent with momentum 0.9 and no decay, the rate falling to 0 as a cosine; each epoch goes over the examples
// in an order drawn from the seed. In double precision, in one order: the same figures each time.
import { drawFrom, nameWord, seedKey, threefry2x32 } from "../data/draws.ts";
import type { LabelledFeatures } from "./nearest-neighbours.ts";

export interface ProbeSettings {
  readonly length: number;
  readonly unit: "epochs" | "steps";
  /** At the start. */
  readonly rate: number;
  /** Examples a step; the last of an epoch has what is left. */
  readonly batch: number;
  readonly seed: number;
}

export interface ProbeResult {
  /** Share of the test examples that are named right. */
  readonly accuracy: number;
  /** Of the examples that it was fitted to: far above `accuracy` where there are too few of them. */
  readonly fitAccuracy: number;
}

const momentum = 0.9;

/** `fit` and `test` have one width; labels count from 0. Of equal scores the smaller class counts. */
export function linearProbe(
  fit: LabelledFeatures,
  test: LabelledFeatures,
  settings: ProbeSettings,
): ProbeResult {
  const classes = fit.labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  const scaling = scalingOf(fit);
  const fitRows = scaled(fit, scaling);
  const probe = new Probe(fit.width, classes);
  train(probe, fitRows, fit.labels, settings);
  return {
    accuracy: accuracyOf(probe, scaled(test, scaling), test.labels),
    fitAccuracy: accuracyOf(probe, fitRows, fit.labels),
  };
}

function train(
  probe: Probe,
  rows: Float64Array,
  labels: Int32Array,
  { length, unit, rate, batch, seed }: ProbeSettings,
): void {
  const perEpoch = Math.ceil(labels.length / batch);
  const steps = Math.max(1, Math.round(unit === "epochs" ? length * perEpoch : length));
  let order = new Uint32Array();
  for (let step = 0; step < steps; step++) {
    const place = step % perEpoch;
    if (place === 0) order = shuffled(labels.length, seed, step / perEpoch);
    const now = (rate * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    probe.step(rows, labels, order.subarray(place * batch, (place + 1) * batch), now);
  }
}

/** Scores of a row are `row * weights + bias`; weights lie [width, classes]. */
class Probe {
  readonly width: number;
  readonly classes: number;
  readonly #weights: Float64Array;
  readonly #bias: Float64Array;
  readonly #slopes: Float64Array;
  readonly #biasSlopes: Float64Array;
  readonly #scores: Float64Array;

  constructor(width: number, classes: number) {
    this.width = width;
    this.classes = classes;
    this.#weights = new Float64Array(width * classes);
    this.#bias = new Float64Array(classes);
    this.#slopes = new Float64Array(width * classes);
    this.#biasSlopes = new Float64Array(classes);
    this.#scores = new Float64Array(classes);
  }

  /** One step of descent on the mean cross entropy of those examples. */
  step(rows: Float64Array, labels: Int32Array, examples: Uint32Array, rate: number): void {
    // slopes are the momentum: the gradient is added to what is left of them
    scaleBy(this.#slopes, momentum);
    scaleBy(this.#biasSlopes, momentum);
    for (const example of examples) this.addSlopes(rows, example, labels[example]!, 1 / examples.length); // prettier-ignore
    for (let i = 0; i < this.#weights.length; i++) this.#weights[i]! -= rate * this.#slopes[i]!;
    for (let i = 0; i < this.classes; i++) this.#bias[i]! -= rate * this.#biasSlopes[i]!;
  }

  /** The class with the largest score. */
  nameOf(rows: Float64Array, row: number): number {
    const scores = this.scoresOf(rows, row);
    let best = 0;
    for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
    return best;
  }

  private addSlopes(rows: Float64Array, row: number, label: number, share: number): void {
    const { width, classes } = this;
    const slopes = softmax(this.scoresOf(rows, row));
    slopes[label]! -= 1;
    for (let c = 0; c < classes; c++) this.#biasSlopes[c]! += share * slopes[c]!;
    for (let i = 0, at = 0; i < width; i++) {
      const x = share * rows[row * width + i]!;
      for (let c = 0; c < classes; c++, at++) this.#slopes[at]! += x * slopes[c]!;
    }
  }

  /** Valid until the next call. */
  private scoresOf(rows: Float64Array, row: number): Float64Array {
    const { width, classes } = this;
    const scores = this.#scores;
    scores.set(this.#bias);
    for (let i = 0, at = 0; i < width; i++) {
      const x = rows[row * width + i]!;
      for (let c = 0; c < classes; c++, at++) scores[c]! += x * this.#weights[at]!;
    }
    return scores;
  }
}

function scaleBy(values: Float64Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i]! *= factor;
}

/** In place. */
function softmax(scores: Float64Array): Float64Array {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i]! - largest);
  scaleBy(scores, 1 / sum);
  return scores;
}

function accuracyOf(probe: Probe, rows: Float64Array, labels: Int32Array): number {
  let right = 0;
  for (let row = 0; row < labels.length; row++)
    if (probe.nameOf(rows, row) === labels[row]) right++;
  return right / labels.length;
}

// ---- features ----

interface Scaling {
  readonly mean: Float64Array;
  readonly factor: Float64Array;
}

/** A channel that hardly varies beside the others is not blown up: a millionth of their mean variance is added. */
function scalingOf({ features, width, labels }: LabelledFeatures): Scaling {
  const count = labels.length;
  const mean = new Float64Array(width);
  const variance = new Float64Array(width);
  for (let i = 0; i < features.length; i++) mean[i % width]! += features[i]! / count;
  for (let i = 0; i < features.length; i++)
    variance[i % width]! += (features[i]! - mean[i % width]!) ** 2 / count;
  const least = (1e-6 * variance.reduce((sum, value) => sum + value, 0)) / width;
  const factor = variance.map((value) => (least > 0 ? 1 / Math.sqrt((value + least) * width) : 0));
  return { mean, factor };
}

function scaled({ features, width }: LabelledFeatures, { mean, factor }: Scaling): Float64Array {
  const rows = new Float64Array(features.length);
  for (let i = 0; i < rows.length; i++)
    rows[i] = (features[i]! - mean[i % width]!) * factor[i % width]!;
  return rows;
}

/** Fisher and Yates. */
function shuffled(count: number, seed: number, epoch: number): Uint32Array<ArrayBuffer> {
  const draw = drawFrom(threefry2x32(seedKey(seed), [nameWord("linear probe"), epoch]), 0);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = draw.below(i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
