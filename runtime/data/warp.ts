// An image turned, sheared or shifted about its middle: each output pixel reads, bilinearly, the place that it comes from.
// What comes from outside is `fill`.
import type { SampleImage } from "./operation.ts";

/** Output (x, y), counted from the middle, reads (a x + b y + c, d x + e y + f). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export function warp(image: SampleImage, [a, b, c, d, e, f]: Affine, fill: number): SampleImage {
  const { rows, cols, channels } = image;
  const data = new Float32Array(image.data.length);
  const middleX = (cols - 1) / 2;
  const middleY = (rows - 1) / 2;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const x = col - middleX;
      const y = row - middleY;
      readBilinear(
        image,
        a * x + b * y + c + middleX,
        d * x + e * y + f + middleY,
        fill,
        data,
        (row * cols + col) * channels,
      );
    }
  }
  return { ...image, data };
}

export function rotation(degrees: number): Affine {
  const turn = (degrees * Math.PI) / 180;
  return [Math.cos(turn), -Math.sin(turn), 0, Math.sin(turn), Math.cos(turn), 0];
}

function readBilinear(
  image: SampleImage,
  x: number,
  y: number,
  fill: number,
  into: Float32Array,
  at: number,
): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  for (let channel = 0; channel < image.channels; channel++) {
    let sum = 0;
    for (let corner = 0; corner < 4; corner++) {
      const col = left + (corner & 1);
      const row = top + (corner >> 1);
      const weight = (1 - Math.abs(x - col)) * (1 - Math.abs(y - row));
      if (weight === 0) continue;
      const isInside = col >= 0 && row >= 0 && col < image.cols && row < image.rows;
      sum +=
        weight *
        (isInside ? image.data[(row * image.cols + col) * image.channels + channel]! : fill);
    }
    into[at + channel] = sum;
  }
}
