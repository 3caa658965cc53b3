// A sound at another number of samples a second: a triangle over the old samples around each new one, as wide as the
// coarser of the two, so that going down averages what would otherwise fold over.
import { numberOf, sampleOf } from "../operation.ts";
import type { SampleEntry, SampleSound } from "../operation.ts";

export const resample: SampleEntry = {
  name: "resample",
  about: "the sound at so many samples a second",
  input: "audio",
  settings: [{ name: "rate", type: { kind: "real", least: 1 }, about: "samples a second" }],
  shape: { kind: "samples", setting: "rate" },
  values: "any",
  draws: false,
  transform: (sample, settings) => resampled(sampleOf(sample, "sound"), numberOf(settings, "rate")),
};

function resampled(sound: SampleSound, rate: number): SampleSound {
  const { channels, seconds } = sound;
  const count = Math.round(seconds * rate);
  const step = sound.rate / rate;
  const reach = Math.max(1, step);
  const last = sound.data.length / channels - 1;
  const data = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    const centre = (i + 0.5) * step - 0.5;
    let total = 0;
    const first = Math.ceil(centre - reach);
    for (let place = first; place <= centre + reach; place++) {
      const weight = 1 - Math.abs(place - centre) / reach;
      if (weight <= 0) continue;
      total += weight;
      const from = Math.min(last, Math.max(0, place)) * channels;
      for (let channel = 0; channel < channels; channel++)
        data[i * channels + channel]! += weight * (sound.data[from + channel] ?? 0);
    }
    for (let channel = 0; channel < channels; channel++) data[i * channels + channel]! /= total;
  }
  return { ...sound, data, rate };
}
