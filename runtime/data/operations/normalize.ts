// (value - mean) / std, channel by channel. An image still in pixels (0..255) is brought to 0..1 first, so that the
// published means apply; `normalize(imagenet)` has those of ImageNet.
import { WorldError } from "../../errors.ts";
import type { SettingType, SettingValue } from "../../../compiler/model/catalog.ts";
import { affine } from "../operation.ts";
import type { OperationEntry } from "../operation.ts";

const known: Readonly<Record<string, { mean: readonly number[]; std: readonly number[] }>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};

const statistic: SettingType = {
  kind: "either",
  of: [
    { kind: "real" },
    { kind: "list", of: { kind: "real" } },
    { kind: "choice", options: Object.keys(known) },
  ],
};

export const normalize: OperationEntry = {
  name: "normalize",
  about: "values less a mean, over a standard deviation",
  input: "image",
  settings: [
    {
      name: "mean",
      type: statistic,
      about: "a number, one number a channel, or imagenet for both settings",
    },
    {
      name: "std",
      type: statistic,
      default: null,
      about: "likewise; none where mean names both, else 1",
    },
  ],
  shape: { kind: "same" },
  values: "frees",
  draws: false,
  apply: (image, settings) => {
    const mean = channelValues(settings.mean, "mean", image.channels);
    const std = channelValues(
      settings.std ?? (typeof settings.mean === "string" ? settings.mean : 1),
      "std",
      image.channels,
    );
    const unit = image.range?.[0] === 0 && image.range[1] === 255 ? 255 : 1;
    const factors = std.map((one) => 1 / (unit * one));
    const offsets = mean.map((one, channel) => -one / std[channel]!);
    const normal = affine(image, factors, offsets);
    return { ...normal, range: null };
  },
};

function channelValues(
  value: SettingValue | undefined,
  name: "mean" | "std",
  channels: number,
): readonly number[] {
  const values = typeof value === "string" ? known[value]?.[name] : value;
  if (typeof values === "number") return Array.from({ length: channels }, () => values);
  if (Array.isArray(values) && values.length === channels) return values as readonly number[];
  throw new WorldError(
    "bad-setting",
    `normalize has ${name} = ${JSON.stringify(value)}, but the image has ${channels} channel${channels === 1 ? "" : "s"}`,
    "give one number, or one for each channel",
  );
}
