// A stretch of time, the same for all that a clip has: so many frames at so many a second from a random moment, the
// sound that goes with them, and the words around their middle.
import { WorldError } from "../../errors.ts";
import { numberOf, sampleOf } from "../operation.ts";
import type { Sample, SampleEntry, SampleSound } from "../operation.ts";

export const randomWindow: SampleEntry = {
  name: "random_window",
  about: "a stretch of time at a random moment, of picture, sound and words alike",
  input: "record",
  settings: [
    { name: "frames", type: { kind: "int", least: 1 }, about: "frames of the video" },
    { name: "rate", type: { kind: "real", least: 0.01 }, about: "frames a second" },
  ],
  shape: { kind: "window", frames: "frames", rate: "rate" },
  values: "any",
  draws: true,
  transform: (sample, settings, draw) => {
    const { parts } = sampleOf(sample, "record");
    const [frames, rate] = [numberOf(settings, "frames"), numberOf(settings, "rate")];
    const seconds = frames / rate;
    const length = lengthOf(Object.values(parts));
    if (length < seconds) {
      throw new WorldError(
        "bad-setting",
        `random_window takes ${seconds} seconds, but a clip has ${length}`,
        "take fewer frames, or more of them a second",
      );
    }
    const start = draw.between(0, length - seconds);
    const cut = Object.entries(parts).map(([name, part]): [string, Sample] => [
      name,
      windowOf(part, start, frames, rate),
    ]);
    return { kind: "record", parts: Object.fromEntries(cut) };
  },
};

/** Of the video; the compiler has seen to it that there is one. */
function lengthOf(parts: readonly Sample[]): number {
  const video = parts.find((part) => part.kind === "stack" && part.rate !== undefined);
  if (video?.kind !== "stack" || video.rate === undefined)
    throw new TypeError("random_window needs a video");
  return video.images.length / video.rate;
}

function windowOf(part: Sample, start: number, frames: number, rate: number): Sample {
  const seconds = frames / rate;
  switch (part.kind) {
    case "stack": {
      const own = part.rate!;
      const last = part.images.length - 1;
      const images = Array.from({ length: frames }, (_, i) => {
        const place = Math.min(last, Math.floor((start + i / rate) * own));
        return part.images[place]!;
      });
      return { kind: "stack", images, rate };
    }
    case "sound":
      return soundWithin(part, start, seconds);
    case "text":
      return { ...part, at: start + seconds / 2 };
    default:
      return part;
  }
}

/** Silence where the sound ends before the picture. */
function soundWithin(sound: SampleSound, start: number, seconds: number): SampleSound {
  const { channels, rate } = sound;
  const data = new Float32Array(Math.round(seconds * rate) * channels);
  const from = Math.round(start * rate) * channels;
  data.set(sound.data.subarray(from, from + data.length));
  return { ...sound, data, seconds };
}
