// A window of an image, perhaps reaching over its edges, where `fill` stands.
import { WorldError } from "../errors.ts";
import type { SampleImage } from "./operation.ts";

export interface Window {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly cols: number;
}

export function crop(image: SampleImage, window: Window, fill = 0): SampleImage {
  const { channels } = image;
  const data = new Float32Array(window.rows * window.cols * channels).fill(fill);
  const fromCol = Math.max(0, -window.left);
  const toCol = Math.min(window.cols, image.cols - window.left);
  for (let row = 0; row < window.rows; row++) {
    const source = row + window.top;
    if (source < 0 || source >= image.rows || fromCol >= toCol) continue;
    const start = (source * image.cols + window.left) * channels;
    data.set(
      image.data.subarray(start + fromCol * channels, start + toCol * channels),
      (row * window.cols + fromCol) * channels,
    );
  }
  return { ...image, rows: window.rows, cols: window.cols, data, square: false };
}

/** Cropping never makes up pixels: an image that is too small is the author's to resize. */
export function requireRoom(
  image: SampleImage,
  size: readonly [number, number],
  padding: number,
  operation: string,
): void {
  if (image.rows + 2 * padding >= size[0] && image.cols + 2 * padding >= size[1]) return;
  throw new WorldError(
    "bad-setting",
    `${operation} takes ${size[0]} by ${size[1]} pixels, but an image has ${image.rows} by ${image.cols}${padding ? ` and padding ${padding}` : ""}`,
    `put a resize before ${operation}`,
  );
}
