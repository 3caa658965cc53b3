// A part of the discrete Fourier transform's matrix: row k, column n is cos or -sin of 2 pi k n / size.
//   settings {size, part = real | imaginary, rows = size}; `rows` keeps the lowest frequencies.
import { OpError } from "../op.ts";
import type { Generator, Settings } from "./generator.ts";
import { count, word } from "./generator.ts";

function extents(settings: Settings) {
  const size = count(settings, "size");
  const rows = settings["rows"] === undefined ? size : count(settings, "rows");
  if (rows > size) throw new OpError(`\`rows\` is at most \`size\`, ${size}`);
  return { size, rows };
}

export const dft: Generator = {
  name: "dft",
  shape(settings) {
    const { size, rows } = extents(settings);
    return [rows, size];
  },
  fill(settings) {
    const { size, rows } = extents(settings);
    const isReal = word(settings, "part", ["real", "imaginary"]) === "real";
    const out = new Float64Array(rows * size);
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < size; col++) {
        // The angle is taken modulo a whole turn first: exact for any size.
        const angle = (2 * Math.PI * ((row * col) % size)) / size;
        out[row * size + col] = isReal ? Math.cos(angle) : -Math.sin(angle);
      }
    return out;
  },
};
