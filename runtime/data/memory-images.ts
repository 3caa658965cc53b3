// Small data sets that are held in memory whole: equal images and their labels, in memory that all threads share.
import type { ExampleRecord } from "./dataset.ts";

export interface MemoryImages {
  readonly rows: number;
  readonly cols: number;
  readonly channels: number;
  /** Over SharedArrayBuffers, so that sending them to a thread copies nothing. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
}

/** Room for `count` images, all zero. */
export function allocateImages(
  count: number,
  rows: number,
  cols: number,
  channels: number,
): MemoryImages {
  const images = new Uint8Array(new SharedArrayBuffer(count * rows * cols * channels));
  const labels = new Int32Array(new SharedArrayBuffer(count * 4));
  return { rows, cols, channels, images, labels };
}

export function readMemoryImage(source: MemoryImages, index: number): ExampleRecord {
  const { rows, cols, channels } = source;
  const length = rows * cols * channels;
  const bytes = source.images.subarray(index * length, (index + 1) * length);
  return {
    fields: { image: { rows, cols, channels, bytes }, label: source.labels[index]! },
    notes: [],
  };
}
