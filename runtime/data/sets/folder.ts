// A folder of images, one sub-folder a class, as torchvision's ImageFolder has it: classes sorted by name, and within
// one, files by path. Examples go through the classes in turn, so that any slice holds them in proportion.
// A broken image stops the run and is named, unless `broken = skip`: then every file is decoded once on opening,
// and those left out are counted.
import type { CatalogSetting, DatasetFacts, Settings } from "../../../compiler/model/catalog.ts";
import { WorldError, isWorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { chosenRange, defineDataset, interleaveClasses, stringSetting } from "../dataset.ts";
import type { ExampleRecord, Opened } from "../dataset.ts";
import { imageFields } from "./idx.ts";

export interface FolderSource {
  readonly channels: 1 | 3;
  readonly paths: readonly string[];
  readonly labels: readonly number[];
}

const endings = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i;

/** Every set of image files has it. */
export const brokenSetting: CatalogSetting = {
  name: "broken",
  type: { kind: "choice", options: ["stop", "skip"] },
  default: "stop",
  about: "what to do about an image that cannot be read",
};

export const folder = defineDataset<FolderSource>({
  name: "folder",
  about: "images in a folder, one sub-folder a class",
  settings: [
    {
      name: "path",
      type: { kind: "string" },
      about: "the folder that holds the classes, or that holds one folder a split",
    },
    {
      name: "split",
      type: { kind: "string" },
      default: "all",
      about: "all, or the name of a folder in path such as train; a slice too, such as all[:90%]",
    },
    {
      name: "channels",
      type: { kind: "int", least: 1, most: 3 },
      default: 3,
      about: "3 for colour, 1 for grey; images of the other kind are converted",
    },
    brokenSetting,
  ],
  fields: null,
  classes: null,
  splits: null,
  look: (settings, host) => lookAtFolder(stringSetting(settings, "path"), settings, host),
  open: (settings, host) => openFolder(stringSetting(settings, "path"), settings, host),
  read: readImageFile,
});

export function lookAtFolder(path: string, settings: Settings, host: Host): DatasetFacts {
  const { classes, paths } = listed(path, settings, host);
  const size = settings.broken === "skip" ? null : paths.length; // known only once every image has been tried
  return { fields: imageFields(null, null, channelsOf(settings)), classes, size };
}

export async function openFolder(
  path: string,
  settings: Settings,
  host: Host,
): Promise<Opened<FolderSource>> {
  const found = listed(path, settings, host);
  const channels = channelsOf(settings);
  const { paths, labels, classes } = found;
  if (settings.broken !== "skip")
    return { source: { channels, paths, labels }, size: paths.length, classes, notes: {} };
  const good = await Promise.all(inTurns(paths, 4, (file) => canRead(file, channels, host)));
  const kept = good.flat();
  const source = {
    channels,
    paths: paths.filter((_, i) => kept[i]),
    labels: labels.filter((_, i) => kept[i]),
  };
  if (source.paths.length === 0)
    throw new WorldError(
      "missing-dataset",
      `none of the ${paths.length} images in ${path} can be read`,
      "check the files",
    );
  return {
    source,
    size: source.paths.length,
    classes,
    notes: { broken: paths.length - source.paths.length },
  };
}

export async function readImageFile(
  source: FolderSource,
  index: number,
  host: Host,
): Promise<ExampleRecord> {
  const { notes, ...image } = await host.images.decode(source.paths[index]!, source.channels);
  return { fields: { image, label: source.labels[index]! }, notes };
}

interface Listed {
  readonly classes: readonly string[];
  readonly paths: readonly string[];
  readonly labels: readonly number[];
}

function listed(path: string, settings: Settings, host: Host): Listed {
  const text = stringSetting(settings, "split");
  const name = text.replace(/\[.*$/, "");
  const root = name === "all" ? path : `${path}/${name}`;
  if (!host.files.isFolder(root)) {
    throw new WorldError(
      "missing-dataset",
      `there is no folder ${root}`,
      name === "all" ? "correct path" : `correct path, or make a folder ${name} in it`,
    );
  }
  const classes = host.files
    .list(root)
    .filter((entry) => !entry.startsWith(".") && host.files.isFolder(`${root}/${entry}`));
  const files = classes.map((entry) => imagesBelow(`${root}/${entry}`, host));
  const total = files.reduce((sum, list) => sum + list.length, 0);
  if (total === 0)
    throw new WorldError(
      "missing-dataset",
      `no images in the class folders of ${root}`,
      "put one folder a class there, with JPEG, PNG, WebP, GIF, TIFF or AVIF files inside",
    );
  const empty = files.findIndex((list) => list.length === 0);
  if (empty >= 0)
    throw new WorldError(
      "missing-dataset",
      `the class folder ${root}/${classes[empty]} has no images`,
      "remove the folder, or fill it",
    );
  const { from, to } = chosenRange("folder", text, { [name]: total });
  const order = interleaveClasses(files.map((list) => list.length)).slice(from, to);
  return {
    classes,
    paths: order.map(([label, place]) => files[label]![place]!),
    labels: order.map(([label]) => label),
  };
}

function imagesBelow(folderPath: string, host: Host): string[] {
  return host.files.list(folderPath).flatMap((entry) => {
    const path = `${folderPath}/${entry}`;
    if (entry.startsWith(".")) return [];
    if (host.files.isFolder(path)) return imagesBelow(path, host);
    return endings.test(entry) ? [path] : [];
  });
}

function channelsOf(settings: Settings): 1 | 3 {
  const channels = settings.channels ?? 3;
  if (channels === 1 || channels === 3) return channels;
  throw new WorldError(
    "bad-setting",
    `channels is ${JSON.stringify(channels)}`,
    "images have channels = 1 or channels = 3",
  );
}

async function canRead(path: string, channels: 1 | 3, host: Host): Promise<boolean> {
  try {
    await host.images.decode(path, channels);
    return true;
  } catch (error) {
    if (isWorldError(error) && error.code === "broken-image") return false;
    throw error;
  }
}

/** `lanes` stretches of the list, each gone through one item after the other. */
function inTurns<Item, Result>(
  items: readonly Item[],
  lanes: number,
  act: (item: Item) => Promise<Result>,
): Promise<Result[]>[] {
  const length = Math.ceil(items.length / lanes);
  return Array.from({ length: lanes }, async (_, lane) => {
    const results: Result[] = [];
    for (const item of items.slice(lane * length, (lane + 1) * length))
      results.push(await act(item));
    return results;
  });
}
