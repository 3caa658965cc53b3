// Attention and its gradients in float64, one row of scores at a time: the meaning of the attention ops.
//   s = scale * q k^T,  p = softmax(s),  out = p v,  statistics = log sum exp(s) of each row
//   dP = dOut v^T,  dS = p (dP - sum(dOut * out)),  dQ = scale * dS k,  dK = scale * dS^T q,  dV = p^T dOut
import type { Values } from "./op.ts";

export interface AttentionExtents {
  /** All leading axes together: batch and heads. */
  readonly outer: number;
  readonly queries: number;
  readonly keys: number;
  readonly channels: number;
  readonly valueChannels: number;
}

/** sum over c of a[aStart + c] * b[bStart + c] */
function dotRow(a: Values, aStart: number, b: Values, bStart: number, count: number): number {
  let sum = 0;
  for (let c = 0; c < count; c++) sum += a[aStart + c]! * b[bStart + c]!;
  return sum;
}

/** to[toStart + c] += factor * from[fromStart + c] */
function addRow(
  to: Values,
  toStart: number,
  factor: number,
  from: Values,
  fromStart: number,
  count: number,
): void {
  for (let c = 0; c < count; c++) to[toStart + c]! += factor * from[fromStart + c]!;
}

function scores(
  row: Values,
  q: Values,
  k: Values,
  outer: number,
  query: number,
  scale: number,
  extents: AttentionExtents,
): void {
  const { queries, keys, channels } = extents;
  const fromQ = (outer * queries + query) * channels;
  for (let j = 0; j < keys; j++)
    row[j] = scale * dotRow(q, fromQ, k, (outer * keys + j) * channels, channels);
}

/** log sum exp of a row. */
function statistic(row: Values): number {
  let largest = -Infinity;
  for (let j = 0; j < row.length; j++) largest = Math.max(largest, row[j]!);
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += Math.exp(row[j]! - largest);
  return largest + Math.log(sum);
}

export function attentionStatistics(
  q: Values,
  k: Values,
  scale: number,
  extents: AttentionExtents,
): Values {
  const out = new Float64Array(extents.outer * extents.queries);
  const row = new Float64Array(extents.keys);
  for (let outer = 0; outer < extents.outer; outer++)
    for (let query = 0; query < extents.queries; query++) {
      scores(row, q, k, outer, query, scale, extents);
      out[outer * extents.queries + query] = statistic(row);
    }
  return out;
}

export function attentionForward(
  q: Values,
  k: Values,
  v: Values,
  scale: number,
  extents: AttentionExtents,
): Values {
  const { queries, keys, valueChannels } = extents;
  const out = new Float64Array(extents.outer * queries * valueChannels);
  const row = new Float64Array(keys);
  for (let outer = 0; outer < extents.outer; outer++)
    for (let query = 0; query < queries; query++) {
      scores(row, q, k, outer, query, scale, extents);
      const normaliser = statistic(row);
      const target = (outer * queries + query) * valueChannels;
      for (let j = 0; j < keys; j++)
        addRow(
          out,
          target,
          Math.exp(row[j]! - normaliser),
          v,
          (outer * keys + j) * valueChannels,
          valueChannels,
        );
    }
  return out;
}

export interface AttentionSaved {
  readonly q: Values;
  readonly k: Values;
  readonly v: Values;
  readonly out: Values;
  readonly statistics: Values;
  readonly dOut: Values;
}

/** The gradient by one of q, k and v. */
export function attentionBackward(
  by: "q" | "k" | "v",
  { q, k, v, out, statistics, dOut }: AttentionSaved,
  scale: number,
  extents: AttentionExtents,
): Values {
  const { queries, keys, channels, valueChannels } = extents;
  const result = new Float64Array({ q: q, k: k, v: v }[by].length);
  const row = new Float64Array(keys);
  for (let outer = 0; outer < extents.outer; outer++)
    for (let query = 0; query < queries; query++) {
      scores(row, q, k, outer, query, scale, extents);
      const place = outer * queries + query;
      const fromOut = place * valueChannels;
      const delta = by === "v" ? 0 : dotRow(dOut, fromOut, out, fromOut, valueChannels);
      for (let j = 0; j < keys; j++) {
        const weight = Math.exp(row[j]! - statistics[place]!);
        const key = outer * keys + j;
        if (by === "v") {
          addRow(result, key * valueChannels, weight, dOut, fromOut, valueChannels);
          continue;
        }
        const dWeight = dotRow(dOut, fromOut, v, key * valueChannels, valueChannels);
        const dScore = scale * weight * (dWeight - delta);
        if (by === "q") addRow(result, place * channels, dScore, k, key * channels, channels);
        else addRow(result, key * channels, dScore, q, place * channels, channels);
      }
    }
  return result;
}
