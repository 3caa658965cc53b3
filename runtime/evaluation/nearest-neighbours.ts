// Features of labelled examples -> how well they tell classes apart, without training anything: each test example is
// named by its k nearest by cosine, each voting by exp(similarity / 0.07) (Wu, Xiong, Yu and Lin, 2018).
// Beside it the spread of the features: 1 where they fill the sphere evenly, 0 where all have collapsed into one
// direction: the deviation of each channel of the normalised features, times the root of the width (Chen and He, 2021).

/** Rows of `width` numbers, one for each label. */
export interface LabelledFeatures {
  readonly features: Float32Array;
  readonly width: number;
  readonly labels: Int32Array;
}

export interface NeighbourResult {
  /** Share of the test examples that were named right. */
  readonly accuracy: number;
  /** Of the test features. */
  readonly spread: number;
}

const temperature = 0.07;

/** `fit` and `test` have one width; labels count from 0. Ties go to the smaller class. */
export function nearestNeighbours(
  fit: LabelledFeatures,
  test: LabelledFeatures,
  k: number,
): NeighbourResult {
  const { width } = fit;
  const fitRows = normalised(fit);
  const testRows = normalised(test);
  const classes = Math.max(...fit.labels, ...test.labels) + 1;
  const similarities = new Float32Array(fit.labels.length);
  let right = 0;
  for (let row = 0; row < test.labels.length; row++) {
    similaritiesTo(testRows, row, fitRows, width, similarities);
    const votes = new Float64Array(classes);
    for (const near of largest(similarities, Math.min(k, similarities.length)))
      votes[fit.labels[near]!]! += Math.exp(similarities[near]! / temperature);
    if (indexOfLargest(votes) === test.labels[row]) right++;
  }
  return { accuracy: right / test.labels.length, spread: spread(testRows, width) };
}

/** Each row divided by its length; a row of zeros stays. */
function normalised({ features, width, labels }: LabelledFeatures): Float32Array {
  const rows = new Float32Array(features.length);
  for (let row = 0; row < labels.length; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += features[i]! ** 2;
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let i = row * width; i < (row + 1) * width; i++) rows[i] = features[i]! * scale;
  }
  return rows;
}

function similaritiesTo(
  testRows: Float32Array,
  row: number,
  fitRows: Float32Array,
  width: number,
  into: Float32Array,
): void {
  const own = testRows.subarray(row * width, (row + 1) * width);
  for (let other = 0, at = 0; other < into.length; other++) {
    let sum = 0;
    for (let i = 0; i < width; i++, at++) sum += own[i]! * fitRows[at]!;
    into[other] = sum;
  }
}

/** Places of the `count` largest values, found by keeping the best so far in order; the first of equals comes first. */
function largest(values: Float32Array, count: number): readonly number[] {
  const best: number[] = [];
  for (let place = 0; place < values.length; place++) {
    if (best.length === count && values[place]! <= values[best[count - 1]!]!) continue;
    let at = best.length === count ? count - 1 : best.length;
    for (; at > 0 && values[best[at - 1]!]! < values[place]!; at--) best[at] = best[at - 1]!;
    best[at] = place;
  }
  return best;
}

function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function spread(rows: Float32Array, width: number): number {
  const count = rows.length / width;
  let deviations = 0;
  for (let channel = 0; channel < width; channel++) {
    let sum = 0;
    let squares = 0;
    for (let row = 0; row < count; row++) {
      const value = rows[row * width + channel]!;
      sum += value;
      squares += value * value;
    }
    deviations += Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  }
  return (deviations / width) * Math.sqrt(width);
}
