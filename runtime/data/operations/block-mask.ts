// From nothing, rectangles at random places of a grid until `count` places are covered (Bao et al., 2022, "BEiT",
// algorithm 1; as the code of MaskFeat, Wei et al., 2022, has it). A rectangle's area is uniform between `least` and what
// is still to cover, its height over its width log-uniform; one that does not fit, adds nothing or covers too much is
// drawn again, ten times at most, after which the mask stays as it is: a few short of `count` now and then.
import { axesOfSetting } from "../../../compiler/model/view-type.ts";
import type { Draw } from "../draws.ts";
import { numberOf, rangeOf } from "../operation.ts";
import type { SampleEntry } from "../operation.ts";

const tries = 10;

export const blockMask: SampleEntry = {
  name: "block_mask",
  about: "a mask of random rectangles on a grid, for each example",
  input: "nothing",
  settings: [
    { name: "shape", type: { kind: "shape" }, about: "the two axes of the grid" },
    { name: "count", type: { kind: "int", least: 1 }, about: "places to cover" },
    {
      name: "least",
      type: { kind: "int", least: 1 },
      default: 16,
      about: "the least area of a rectangle",
    },
    {
      name: "aspect",
      type: { kind: "range", least: 0.01, most: 100 },
      default: [0.3, 1 / 0.3],
      about: "height over width of a rectangle",
    },
  ],
  shape: { kind: "mask", setting: "shape" },
  values: "any",
  draws: true,
  transform: (_, settings, draw) => {
    const [rows, cols] = axesOfSetting(settings.shape).map(({ extent }) => extent) as [
      number,
      number,
    ];
    const mask: Mask = { rows, cols, values: new Int32Array(rows * cols) };
    const count = numberOf(settings, "count");
    for (let covered = 0; covered < count;) {
      const added = addRectangle(mask, count - covered, settings, draw);
      if (added === 0) break;
      covered += added;
    }
    return { kind: "numbers", values: mask.values };
  },
};

interface Mask {
  readonly rows: number;
  readonly cols: number;
  readonly values: Int32Array;
}

/** How many places one more rectangle covers anew: at most `room`, 0 where none was found. */
function addRectangle(
  mask: Mask,
  room: number,
  settings: Parameters<SampleEntry["transform"]>[1],
  draw: Draw,
): number {
  const [low, high] = rangeOf(settings, "aspect");
  for (let attempt = 0; attempt < tries; attempt++) {
    const area = draw.between(numberOf(settings, "least"), room);
    const aspect = Math.exp(draw.between(Math.log(low), Math.log(high)));
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    if (height >= mask.rows || width >= mask.cols) continue;
    const top = draw.below(mask.rows - height + 1);
    const left = draw.below(mask.cols - width + 1);
    const places = placesWithin(mask, top, left, height, width);
    if (places.length === 0 || places.length > room) continue;
    for (const place of places) mask.values[place] = 1;
    return places.length;
  }
  return 0;
}

/** Those of a rectangle that are not covered yet. */
function placesWithin(
  { cols, values }: Mask,
  top: number,
  left: number,
  height: number,
  width: number,
): readonly number[] {
  const places: number[] = [];
  for (let row = top; row < top + height; row++)
    for (let col = left; col < left + width; col++)
      if (values[row * cols + col] === 0) places.push(row * cols + col);
  return places;
}
