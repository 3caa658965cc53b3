// The common form of these diagnostics, and places inside of their text: an offset is turned into line and column only
// when the diagnostic is reported, since most sizes are never shown.
import type { Diagnostic, FileSpan, Sources } from "../../../../grammar/diagnostic.ts";
import { positionAt } from "../../../../grammar/diagnostic.ts";
import { nearestName } from "../../../model/nearest-name.ts";
import { showAxes, type Axis, type RoleTable } from "../axis.ts";
import { showTensor } from "../describe-value.ts";
import type { TensorValue } from "../value.ts";

export type Detail = Partial<Omit<Diagnostic, "severity" | "code" | "message" | "span">>;

export function error(
  code: string,
  message: string,
  at: FileSpan,
  detail: Detail = {},
): Diagnostic {
  return { severity: "error", code, message, span: at, ...detail };
}

/** `did you mean …?`, or the names there are where they are few. */
export function nearOr(wanted: string, names: readonly string[], what: string): readonly string[] {
  const nearest = nearestName(wanted, names);
  if (nearest !== undefined) return [`did you mean \`${nearest}\`?`];
  if (names.length === 0 || names.length > 16) return [];
  return [`${what}: ${names.join(", ")}`];
}

export function listed(names: readonly string[], joint = "and"): string {
  const quoted = names.map((name) => `\`${name}\``);
  if (quoted.length < 2) return quoted.join("");
  return `${quoted.slice(0, -1).join(", ")} ${joint} ${quoted.at(-1)}`;
}

// ---------------------------------------------------------------------------------------------- places in text

const mark = "\u0001";

/** Stands for `30:8` in a text. */
export function placeMark(at: FileSpan): string {
  return `${mark}${at.file}${mark}${at.start}${mark}`;
}

/** The text with its places as line and column; the file too where it is another one. */
export function withPlaces(text: string, here: string, sources: Sources): string {
  const pattern = new RegExp(`${mark}([^${mark}]*)${mark}(\\d+)${mark}`, "g");
  return text.replace(pattern, (_, file: string, start: string) => {
    const source = sources.get(file);
    if (source === undefined) return file;
    const { line, column } = positionAt(source, Number(start));
    return file === here ? `${line}:${column}` : `${file}:${line}:${column}`;
  });
}

/** `197 = 14 * 14 + 1, `prepend` at 30:8`; empty where nothing is known. */
export function sizeStory(axis: Axis): string {
  const { origin } = axis;
  if (origin === undefined) return "";
  const computed = origin.derivation === undefined ? "" : `${axis.size} = ${origin.derivation}, `;
  const where = origin.at === undefined ? "" : ` at ${placeMark(origin.at)}`;
  return `${computed}${origin.by}${where}`;
}

/** A row that shows a value and where one of its sizes came from. */
export function valueRow(
  what: string,
  value: TensorValue,
  names: RoleTable,
  axis?: Axis,
): readonly string[] {
  const story = axis === undefined ? "" : sizeStory(axis);
  return story === "" ? [what, showTensor(value, names)] : [what, showTensor(value, names), story];
}

export function axesText(axes: readonly Axis[], names: RoleTable): string {
  return showAxes(axes, names);
}
