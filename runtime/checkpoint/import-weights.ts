// A file of tensors and what we want of it -> our tensors, and a report of what became of each. All is planned and
// checked on shapes alone before the first number is read: a checkpoint that does not fit is refused whole.
import type { Adaptation } from "../../compiler/names/adaptations.ts";
import { oursOf } from "../../compiler/names/apply-names.ts";
import type { Numbers } from "../../compiler/names/apply-names.ts";
import { refit } from "../../compiler/names/link.ts";
import type { NameLink, NameTable } from "../../compiler/names/name-table.ts";
import { nearestName } from "../../compiler/model/nearest-name.ts";
import { WorldError } from "../errors.ts";
import { planResize } from "./resize-weights.ts";
import type { Resizing } from "./resize-weights.ts";
import type { StoredTensor } from "./safetensors.ts";
import { asFloat32, asNumbers } from "./stored-values.ts";

/** Tensors by name, wherever they are stored. */
export interface Source {
  readonly path: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly read: (name: string) => StoredTensor;
  /** Where in a file they were found, if not at its top. */
  readonly within?: string;
}

export interface Wanted {
  readonly path: string;
  readonly shape: readonly number[];
}

export interface ImportRequest {
  readonly wanted: readonly Wanted[];
  /** What the file calls them; without it they have our names. */
  readonly table?: NameTable;
  readonly changes: readonly Adaptation[];
  /** The net or part that is loaded: what is said of it begins there. */
  readonly root?: string;
}

export interface ImportReport {
  /** As they lie in the file, or with axes in another order, joined or parted. */
  readonly loaded: readonly Loaded[];
  readonly reshaped: readonly Loaded[];
  readonly resized: readonly (Loaded & { readonly how: string })[];
  /** Of ours that start anew: those that are asked to, and those that the format does not have. */
  readonly fresh: readonly string[];
  /** Of ours that start anew and that the file does not have either. */
  readonly missing: readonly string[];
  /** Of the file's that nothing of ours takes. */
  readonly unused: readonly string[];
}

export interface Loaded {
  readonly path: string;
  readonly names: readonly string[];
  /** Of the file's first. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

export interface PlannedImport {
  readonly report: ImportReport;
  /** The numbers of ours, by path; undefined where it starts anew. */
  readonly read: (path: string) => Numbers | undefined;
}

/** @throws WorldError `unlike-checkpoint` that names all that is missing or does not fit */
export function planImport(source: Source, request: ImportRequest): PlannedImport {
  const planner = new Planner(source, request);
  for (const wanted of request.wanted) planner.plan(wanted);
  planner.refuseWhatDoesNotFit();
  return { report: planner.report(), read: (path) => planner.readers.get(path)?.() };
}

class Planner {
  readonly readers = new Map<string, () => Numbers>();
  private readonly source: Source;
  private readonly request: ImportRequest;
  private readonly links: ReadonlyMap<string, NameLink>;
  private readonly loaded: Loaded[] = [];
  private readonly reshaped: Loaded[] = [];
  private readonly resized: (Loaded & { how: string })[] = [];
  private readonly fresh: string[] = [];
  private readonly missing: string[] = [];
  private readonly taken = new Set<string>();
  private readonly absent: string[] = [];
  private readonly unfit: string[] = [];
  private firstUnfit: string | undefined;

  constructor(source: Source, request: ImportRequest) {
    this.source = source;
    this.request = request;
    const links = request.table?.ours ?? request.wanted.map(sameName(source));
    this.links = new Map(links.map((link) => [link.path, link]));
  }

  plan({ path, shape }: Wanted): void {
    const link = this.links.get(path);
    const change = this.changeOf(path);
    if (link === undefined || change?.kind === "fresh") {
      this.fresh.push(path);
      if (link !== undefined && !link.names.every((name) => this.source.shapes.has(name)))
        this.missing.push(path);
      return;
    }
    const absent = link.names.filter((name) => !this.source.shapes.has(name));
    this.absent.push(...absent);
    this.firstUnfit ??= absent.length > 0 ? path : undefined;
    if (absent.length > 0) return;
    for (const name of link.names) this.taken.add(name);
    const from = this.source.shapes.get(link.names[0]!)!;
    const fits = link.names.every(
      (name) => this.source.shapes.get(name)!.join() === link.theirShape.join(),
    );
    if (fits) this.take(link, from, shape);
    else if (change === undefined) this.doesNotFit(link, from);
    else this.resize(link, from, shape, change);
  }

  private take(link: NameLink, from: readonly number[], to: readonly number[]): void {
    const { path, names } = link;
    this.readers.set(path, () =>
      oursOf(
        link,
        names.map((name) => this.numbers(name)),
      ),
    );
    const isAsItLies = names.length === 1 && from.join() === to.join() && link.strides.length <= 1;
    (isAsItLies ? this.loaded : this.reshaped).push({ path, names, from, to });
  }

  private resize(
    link: NameLink,
    from: readonly number[],
    to: readonly number[],
    change: Resizing,
  ): void {
    const { path, names } = link;
    const old = names.length === 1 ? refit(link, from, change.from, change.fromBefore) : undefined;
    const plan = old && planResize(old.shape, to, change);
    if (old === undefined || plan === undefined) {
      this.doesNotFit(
        link,
        from,
        "say what grid it is, as in resize(bicubic, from = (14, 14), from_before = 1)",
      );
    } else if ("fault" in plan) this.doesNotFit(link, from, plan.fault);
    else {
      const sized: NameLink = { ...link, ...old.walk, shape: old.shape };
      this.readers.set(path, () => {
        const old = oursOf(sized, [this.numbers(names[0]!)]);
        const values = plan.apply(old);
        return old instanceof Float64Array ? values : Float32Array.from(values);
      });
      this.resized.push({ path, names, from, to, how: plan.said });
    }
  }

  private doesNotFit(link: NameLink, from: readonly number[], why?: string): void {
    const wanted = `\`${link.names[0]}\` is [${from.join(", ")}], not [${link.theirShape.join(", ")}]`;
    this.firstUnfit ??= link.path;
    this.unfit.push(why === undefined ? wanted : `${wanted}, and cannot be resized: ${why}`);
  }

  private numbers(name: string): Numbers {
    const tensor = this.source.read(name);
    return tensor.dtype === "F64" ? Float64Array.from(asNumbers(tensor)) : asFloat32(tensor);
  }

  /** The innermost adaptation that is about a path. */
  private changeOf(path: string): Adaptation | undefined {
    return this.request.changes
      .filter((change) => path === change.path || path.startsWith(`${change.path}.`))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
  }

  refuseWhatDoesNotFit(): void {
    const { path } = this.source;
    const { absent, unfit } = this;
    if (absent.length + unfit.length === 0) return;
    const lacks =
      absent.length === 0 ? [] : [`it has no ${few(absent.map((name) => `\`${name}\``))}`];
    throw new WorldError(
      "unlike-checkpoint",
      `${path} does not fit: ${[...lacks, ...unfit.slice(0, 4), ...moreOf(unfit)].join("; ")}`,
      this.hint(),
    );
  }

  private hint(): string {
    const [name] = this.absent;
    const { shapes } = this.source;
    if (name !== undefined) {
      const before = startOfAll(name, [...shapes.keys()]);
      if (before !== undefined)
        return `its names begin with ${before}: say so, --within ${before}, or { within = "${before}" } where it is loaded`;
      const near = nearestName(name, shapes.keys());
      if (this.absent.length > this.request.wanted.length / 2)
        return `are these its names? It has ${few([...shapes.keys()])}`;
      if (near !== undefined)
        return `it has \`${near}\`; is this the variant that it was made for?`;
    }
    const { root } = this.request;
    const part = root === undefined ? this.firstUnfit : this.firstUnfit?.slice(root.length + 1);
    const resized =
      this.unfit.length > 0 ? `resize a grid, { ${part} = resize(bicubic) }, or ` : "";
    return `use the variant that it was made for, ${resized}start the part anew: { ${part} = fresh }`;
  }

  report(): ImportReport {
    const known = new Set(
      (this.request.table?.theirs ?? [])
        .filter(({ from }) => from.length === 0)
        .map(({ name }) => name),
    );
    const unused = [...this.source.shapes.keys()].filter(
      (name) => !this.taken.has(name) && !known.has(name),
    );
    const { loaded, reshaped, resized, fresh, missing } = this;
    return { loaded, reshaped, resized, fresh, missing, unused };
  }
}

/** Our own names, with or without the net's in front: whichever the file has. */
function sameName(source: Source): (wanted: Wanted) => NameLink {
  return ({ path, shape }) => {
    const within = path.slice(path.indexOf(".") + 1);
    const name = source.shapes.has(path) || !source.shapes.has(within) ? path : within;
    const count = shape.reduce((product, size) => product * size, 1);
    return {
      path,
      shape,
      names: [name],
      isState: false,
      theirShape: shape,
      strides: [{ size: count, ours: 1, theirs: 1 }],
      stackStride: 0,
      offset: 0,
    };
  };
}

/** `module` where a file has `module.blocks.0…` for `blocks.0…`. */
function startOfAll(name: string, names: readonly string[]): string | undefined {
  const whole = names.find((each) => each.endsWith(`.${name}`) || each.endsWith(`/${name}`));
  return whole?.slice(0, -name.length - 1);
}

function few(names: readonly string[]): string {
  return [...names.slice(0, 4), ...moreOf(names)].join(", ");
}

function moreOf(names: readonly string[]): readonly string[] {
  return names.length > 4 ? [`and ${names.length - 4} more`] : [];
}
