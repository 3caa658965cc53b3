// Images with boxes and what they are called, in the format of LVIS (Gupta et al., 2019): for each split a JSON file of
// images, annotations and categories. An image is asked for the names of what is on it and of what is known not to be:
// nothing else about it is certain. Boxes are shares of the square around the image, which stands at its upper left.
import type { CatalogField, DatasetFacts, Settings } from "../../../compiler/model/catalog.ts";
import { parseSplit } from "../../../compiler/model/split.ts";
import { WorldError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { chosenRange, defineDataset, stringSetting } from "../dataset.ts";
import { imageFields } from "./idx.ts";

/** As many objects and queries as an example has room for (Minderer et al., 2022); query 0 is empty. */
const [mostObjects, mostQueries] = [100, 100];

interface Scene {
  readonly image: string;
  readonly queries: readonly string[];
  /** Centre, width and height of each object, one after the other. */
  readonly boxes: readonly number[];
  /** Of each object, its place among the queries. */
  readonly names: readonly number[];
}

const fields: readonly CatalogField[] = [
  ...imageFields(null, null, 3).filter(({ name }) => name === "image"),
  { name: "queries", kind: "text", axes: [{ name: "queries", extent: mostQueries }], dtype: "i32" },
  {
    name: "boxes",
    kind: "array",
    axes: [
      { name: "objects", extent: mostObjects },
      { name: "box", extent: 4 },
    ],
    dtype: "f32",
  },
  {
    name: "labels",
    kind: "array",
    axes: [
      { name: "objects", extent: mostObjects },
      { name: "queries", extent: mostQueries },
    ],
    dtype: "i32",
  },
];

export const lvis = defineDataset<readonly Scene[]>({
  name: "lvis",
  about:
    "images with boxes and names: SPLIT.json has images, annotations and categories, as LVIS does",
  settings: [
    {
      name: "split",
      type: { kind: "string" },
      default: "train",
      about: "the name of a .json file, perhaps a slice of its images",
    },
    {
      name: "path",
      type: { kind: "string" },
      default: "lvis",
      about: "the folder of these files; images are named from there",
    },
  ],
  fields,
  classes: [],
  splits: null,
  look: (settings, host): DatasetFacts => ({
    fields,
    classes: [],
    size: scenes(settings, host).length,
  }),
  open: async (settings, host) => {
    const source = scenes(settings, host);
    return { source, size: source.length, classes: [], notes: {} };
  },
  read: async (source, index, host) => {
    const scene = source[index]!;
    const { notes, ...image } = await host.images.decode(scene.image, 3);
    const sentences = Array.from({ length: mostQueries }, (_, i) => ({
      text: scene.queries[i] ?? "",
      from: 0,
      to: 0,
    }));
    const boxes = new Float32Array(mostObjects * 4);
    boxes.set(scene.boxes);
    const labels = new Int32Array(mostObjects * mostQueries);
    scene.names.forEach((query, object) => (labels[object * mostQueries + query] = 1));
    return { fields: { image, queries: { sentences }, boxes, labels }, notes };
  },
});

interface Annotated {
  readonly images: readonly {
    readonly id: number;
    readonly width: number;
    readonly height: number;
    readonly file_name?: string;
    readonly coco_url?: string;
    readonly neg_category_ids?: readonly number[];
  }[];
  readonly annotations: readonly {
    readonly image_id: number;
    readonly category_id: number;
    readonly bbox: readonly [number, number, number, number];
  }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}

function scenes(settings: Settings, host: Host): readonly Scene[] {
  const folder = stringSetting(settings, "path");
  const split = stringSetting(settings, "split");
  const name = parseSplit(split)?.name ?? split;
  const path = `${folder}/${name}.json`;
  if (!host.files.exists(path)) {
    throw new WorldError(
      "missing-dataset",
      `the annotations are not here: there is no file ${path}`,
      `put LVIS's annotations there, and its images into ${folder}`,
    );
  }
  const all = read(path, host);
  const names = new Map(all.categories.map(({ id, name: text }) => [id, text.replaceAll("_", " ").toLowerCase()])); // prettier-ignore
  const { from, to } = chosenRange("lvis", split, { [name]: all.images.length });
  const objects = new Map<number, Annotated["annotations"][number][]>();
  for (const one of all.annotations) {
    const known = objects.get(one.image_id);
    if (known) known.push(one);
    else objects.set(one.image_id, [one]);
  }
  return all.images.slice(from, to).map((image) => {
    const kept = (objects.get(image.id) ?? []).slice(0, mostObjects);
    const asked = [...kept.map(({ category_id: id }) => id), ...(image.neg_category_ids ?? [])];
    const queries = ["", ...new Set(asked.map((id) => names.get(id) ?? ""))].slice(0, mostQueries);
    const side = Math.max(image.width, image.height);
    return {
      image: `${folder}/${image.file_name ?? (image.coco_url ?? "").split("/").slice(-2).join("/")}`,
      queries,
      boxes: kept.flatMap(({ bbox: [x, y, w, h] }) =>
        [x + w / 2, y + h / 2, w, h].map((value) => value / side),
      ),
      names: kept.map(({ category_id: id }) => Math.max(0, queries.indexOf(names.get(id) ?? ""))),
    };
  });
}

function read(path: string, host: Host): Annotated {
  let found: Partial<Annotated> = {};
  try {
    found = JSON.parse(new TextDecoder().decode(host.files.read(path))) as Partial<Annotated>;
  } catch {
    // said below
  }
  const { images, annotations, categories } = found;
  if (Array.isArray(images) && Array.isArray(annotations) && Array.isArray(categories))
    return { images, annotations, categories };
  throw new WorldError(
    "broken-file",
    `${path} has no annotations that can be read`,
    "it must be JSON with images, annotations and categories, as LVIS and COCO have it",
  );
}
