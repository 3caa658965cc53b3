// One image file, through a view made for a data set -> the numbers that a model receives for it, to predict.
// The file is decoded to the field's channels and, where the data set's images are all of one size, brought to it.
import type { CatalogField, ResolvedView } from "../../compiler/model/catalog.ts";
import { WorldError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { StoredImage } from "./dataset.ts";
import { resample } from "./resample.ts";
import { applyViews, asSample, viewShape } from "./view.ts";
import type { ViewShape } from "./view.ts";

/** Throws WorldError where the file is missing or broken. Draws, if the view has any, are those of seed 0. */
export async function viewOfFile(
  view: ResolvedView,
  fields: readonly CatalogField[],
  path: string,
  host: Host,
): Promise<{ readonly shape: ViewShape; readonly values: Float32Array }> {
  const field = fields.find((candidate) => candidate.name === view.field);
  if (view.field === null || field?.kind !== "image") {
    throw new WorldError(
      "unsupported",
      `the view ${view.name} does not start from images`,
      "name a view of a field that has images",
    );
  }
  if (!host.files.exists(path))
    throw new WorldError("missing-file", `there is no file ${path}`, "check the path");
  const [rows, cols, channels] = field.axes.map((axis) => axis.extent);
  const decoded = await host.images.decode(path, channels === 1 ? 1 : 3);
  const image = sized(decoded, rows ?? decoded.rows, cols ?? decoded.cols);
  const shape = viewShape(view, fields);
  const [values] = applyViews([view], { fields: { [view.field]: image }, notes: [] }, 0, {
    epoch: 0,
    index: 0,
    repeat: 0,
  });
  return { shape, values: values as Float32Array };
}

function sized(image: StoredImage, rows: number, cols: number): StoredImage {
  if (image.rows === rows && image.cols === cols) return image;
  const { data, channels } = resample(asSample(image), rows, cols);
  return { rows, cols, channels, bytes: Uint8Array.from(data, Math.round) };
}
