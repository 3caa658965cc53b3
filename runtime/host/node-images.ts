// Image files, through sharp (libvips): JPEG, PNG, WebP, GIF (first frame), TIFF, AVIF.
// Decided once for every odd kind, and noted so that it can be counted: grey is spread over three channels (colour
// folded into one), CMYK and any profile go to sRGB, 16 bits become 8, transparency is dropped as PIL does,
// and a photograph is turned as its EXIF tag says.
import type { Metadata, Sharp, SharpOptions } from "sharp";
import { WorldError, fileError } from "../errors.ts";
import type { DecodedImage, ImageNote, Images } from "./host.ts";

export const nodeImages: Images = { decode, writePng };

/** Loaded when the first image is: most threads never see one. */
async function open(input: string | Uint8Array, options: SharpOptions): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false); // each image is read once an epoch
  sharp.concurrency(1); // the loader's threads are the parallelism
  return sharp(input, options);
}

async function decode(path: string, channels: 1 | 3): Promise<DecodedImage> {
  try {
    const image = await open(path, { failOn: "truncated" });
    const notes = notesOf(await image.metadata(), channels);
    const colour = image
      .autoOrient()
      .removeAlpha()
      .toColourspace(channels === 1 ? "b-w" : "srgb");
    const { data, info } = await colour
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return {
      rows: info.height,
      cols: info.width,
      channels,
      bytes: inChannels(data, info.channels, channels),
      notes,
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new WorldError(
      "broken-image",
      `cannot read the image ${path}: ${reason}`,
      "replace or remove the file, or leave such files out with broken = skip",
      cause,
    );
  }
}

function notesOf(metadata: Metadata, channels: 1 | 3): ImageNote[] {
  const notes: ImageNote[] = [];
  const isGrey = metadata.space === "b-w" || metadata.space === "grey16";
  if (isGrey && channels === 3) notes.push("grey");
  if (!isGrey && channels === 1) notes.push("colour");
  if (metadata.space === "cmyk") notes.push("cmyk");
  if (metadata.depth !== "uchar") notes.push("16-bit");
  if (metadata.hasAlpha) notes.push("transparent");
  if ((metadata.orientation ?? 1) > 1) notes.push("turned");
  return notes;
}

/** libvips leaves a grey image at one channel even in sRGB. */
function inChannels(bytes: Uint8Array, found: number, wanted: number): Uint8Array {
  if (found === wanted) return bytes;
  const pixels = bytes.length / found;
  const result = new Uint8Array(pixels * wanted);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < wanted; channel++) {
      result[pixel * wanted + channel] = bytes[pixel * found + Math.min(channel, found - 1)]!;
    }
  }
  return result;
}

async function writePng(
  path: string,
  image: { rows: number; cols: number; channels: 1 | 3; bytes: Uint8Array },
): Promise<void> {
  const raw = { width: image.cols, height: image.rows, channels: image.channels };
  try {
    await (await open(image.bytes, { raw })).png().toFile(path);
  } catch (cause) {
    throw fileError(cause, `write ${path}`);
  }
}
