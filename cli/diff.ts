// `vit diff A B`: what differs between two models or recipes, what it costs and what it breaks.
// Exit codes as diff(1): 0 no difference, 1 a difference, 2 trouble.
import type { SemanticDiff } from "../compiler/diff/semantic-diff.ts";
import type { Change } from "../compiler/diff/merge-changes.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles, specFilesAt } from "../runtime/host/node-specs.ts";
import { diffSpecs } from "../runtime/spec/diff-specs.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { UsageError } from "./exit-codes.ts";
import { remarkDiagnostics } from "./explain-failure.ts";
import { count, short } from "./figures.ts";
import { shortened, table } from "./table.ts";
import { colors, say, sayJson, widthOf } from "./terminal.ts";

export interface DiffOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly rev?: string;
  readonly json?: boolean;
}

const outcome = { alike: 0, different: 1, trouble: 2 } as const;

/** With `--rev`, A is read as it was at that revision, and B may be left out: A as it is now. */
export function diff(a: string, b: string | undefined, options: DiffOptions): number {
  const { rev, set = {} } = options;
  if (b === undefined && rev === undefined) {
    throw new UsageError("vit diff compares two things", [
      "vit diff specs/vit.vit:ViT@S/16 specs/vit.vit:ViT@B/16",
      "vit diff examples/digits.vit --rev HEAD",
    ]);
  }
  const known = catalog(nodeHost);
  const now = { files: specFiles(), catalog: known, settings: set };
  const before =
    rev === undefined
      ? { ...now, settings: b === undefined ? set : {} }
      : { ...now, files: specFilesAt(rev) };
  const from = { target: parseTarget(a), options: before };
  const to = { target: parseTarget(b ?? a), options: now };
  const result = diffSpecs(from, to);
  if (result.kind === "wrong") {
    remarkDiagnostics(result.diagnostics, result.sources);
    return outcome.trouble;
  }
  if (result.kind === "unlike") {
    throw new UsageError(
      `${a} is a ${result.from} and ${b ?? a} a ${result.to}: they have nothing to be compared by`,
    );
  }
  if (options.json) sayJson(asJson(result.diff));
  else say(lines(result.diff).join("\n"));
  return result.diff.level === "same" ? outcome.alike : outcome.different;
}

function asJson({ level, changes, parameters, macs }: SemanticDiff) {
  const pathsOf = (kind: Change["kind"]) =>
    changes.filter((change) => change.kind === kind).map(({ path }) => path);
  return {
    level,
    added: pathsOf("added"),
    removed: pathsOf("removed"),
    changed: changes
      .filter(({ kind }) => kind === "changed")
      .map(({ path, setting, from, to, adaptation }) => ({
        path,
        setting,
        from,
        to,
        ...(adaptation === undefined ? {} : { adaptation }),
      })),
    parameters,
    macs,
  };
}

function lines(result: SemanticDiff): string[] {
  const rows = groupByPlace(visible(result)).map(row);
  const verdict = verdictOf(result);
  return rows.length === 0
    ? [verdict]
    : [...table(rows, { gap: 3, widest: 72 }), figures(result), verdict];
}

/** New shapes that follow from a new setting of their module say nothing new, unless a checkpoint can be adapted. */
function visible({ level, changes }: SemanticDiff): readonly Change[] {
  const reset = new Set(
    changes
      .filter(({ setting }) => setting !== "shape")
      .map(({ path, kind }) => (kind === "changed" ? path : "")),
  );
  return changes.filter(({ setting, path }) => {
    if (setting !== "shape" || level !== "breaking") return true;
    return !reset.has(ownerOf(path));
  });
}

/** Changes in one place, in the order of the model; new shapes in one module that are alike are one line. */
function groupByPlace(changes: readonly Change[]): Change[][] {
  const places = new Map<string, Change[]>();
  for (const change of changes) {
    const { path, kind, setting, from, to } = change;
    const key =
      setting === "shape"
        ? `${ownerOf(path)} ${from} ${to}`
        : setting === "path" || kind !== "changed" || change.isClause
          ? `${path} ${kind} ${setting}`
          : path;
    places.set(key, [...(places.get(key) ?? []), change]);
  }
  return [...places.values()];
}

function ownerOf(path: string): string {
  return path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
}

function row(changes: readonly Change[]): string[] {
  const paint = colors();
  const first = changes[0]!;
  const notes = [...new Set(changes.flatMap(({ adaptation }) => adaptation ?? []))];
  const sign = first.kind === "added" ? "+" : "-";
  const cost = first.parameters === 0 ? [] : [`${sign} ${count(first.parameters)} parameters`];
  const note = paint.dim([...cost, ...notes].join(", "));
  const times = first.count > 1 ? paint.dim(`  x ${first.count}`) : "";
  const tone = { added: paint.green, removed: paint.red, changed: paint.yellow }[first.kind];
  const mark = { added: "+", removed: "-", changed: "~" }[first.kind];
  const text =
    first.kind === "changed" ? changedText(changes) : shortened(first.what, roomForValues());
  return [tone(`${mark} ${placeOf(changes)}`) + times, text, note];
}

function placeOf([first, ...others]: readonly Change[]): string {
  if (first!.isClause) return first!.setting ?? "";
  const names = others.map(({ path }) => path.slice(path.lastIndexOf(".") + 1));
  if (first!.setting === "shape") return [first!.path, ...names].join(", ");
  return first!.path === "" ? "the whole" : first!.path;
}

function changedText(changes: readonly Change[]): string {
  const [first] = changes;
  const isPlain = first!.isClause || first!.setting === "shape" || first!.setting === "path";
  if (isPlain) return fromTo(first!);
  return changes.map((change) => `${change.setting} ${fromTo(change)}`).join(", ");
}

function fromTo({ from = "", to = "" }: Change): string {
  const room = roomForValues() / 2;
  const shown = (value: string) => shortened(value === "" ? "(none)" : value, room);
  return `${shown(from)} ${colors().bold("->")} ${shown(to)}`;
}

function roomForValues(): number {
  return Math.max(40, Math.min(widthOf(), 200) - 40);
}

function figures({ unchanged, parameters, macs }: SemanticDiff): string {
  const course = ({ from, to }: { readonly from: number; readonly to: number }, noun: string) =>
    from === to ? `${short(to)} ${noun}` : `${short(from)} -> ${short(to)} ${noun}`;
  return [
    `${count(unchanged)} modules unchanged`,
    course(parameters, "parameters"),
    course(macs, "multiply-adds"),
  ].join("    ");
}

function verdictOf({ level, adaptations }: SemanticDiff): string {
  const paint = colors();
  const meaning = {
    same: "no difference",
    text: "names of blocks, layout or comments alone",
    recipe: "the same network, trained in another way",
    compute:
      "the same parameters, another function: a checkpoint loads as it is, and gives other numbers",
    weights: `a checkpoint loads with ${adaptations === 1 ? "1 adaptation" : `${adaptations} adaptations`}`,
    breaking: "a checkpoint does not load: less than half of its numbers fit",
  }[level];
  const tone =
    level === "same" || level === "text"
      ? paint.green
      : level === "breaking"
        ? paint.red
        : paint.yellow;
  return `${tone(paint.bold(level))}: ${meaning}`;
}
