// Numbers in one library's names and layout -> the same numbers in the other's, by a table of names.
import type { NameLink, NameTable, TheirTensor } from "./name-table.ts";

export type Numbers = Float32Array | Float64Array;

export interface NamedNumbers {
  readonly shape: readonly number[];
  readonly values: Numbers;
}

/** A tensor of ours from those of theirs that it joins, in the order of `link.names`. */
export function oursOf(link: NameLink, theirs: readonly Numbers[]): Numbers {
  const ours = likeFirst(theirs[0], elements(link.shape));
  theirs.forEach((values, part) => {
    const strides = link.strides.map(({ size, ours, theirs }) => ({
      size,
      from: theirs,
      to: ours,
    }));
    copy(strides, values, link.offset, ours, part * link.stackStride);
  });
  return ours;
}

/** A tensor of theirs; `read` gives ours by path. */
export function theirsOf(tensor: TheirTensor, read: (path: string) => Numbers): Numbers {
  const sources = tensor.from.map(({ link }) => read(link.path));
  const theirs = likeFirst(sources[0], elements(tensor.shape));
  if (tensor.filling !== undefined) theirs.fill(tensor.filling);
  tensor.from.forEach(({ link, part }, i) => {
    const strides = link.strides.map(({ size, ours, theirs }) => ({
      size,
      from: ours,
      to: theirs,
    }));
    copy(strides, sources[i]!, part * link.stackStride, theirs, link.offset);
  });
  return theirs;
}

export interface InOurNames {
  /** By path. */
  readonly values: ReadonlyMap<string, NamedNumbers>;
  /** Names of theirs that ours needs and that are not there. */
  readonly missing: readonly string[];
  /** Names that are there and mean nothing to ours. */
  readonly unused: readonly string[];
  /** Names whose shape is another one. */
  readonly unlike: readonly { readonly name: string; readonly shape: readonly number[]; readonly wanted: readonly number[] }[]; // prettier-ignore
}

/** All tensors of theirs as ours. What is missing or unlike is told and left out. */
export function toOurNames(
  table: NameTable,
  theirs: ReadonlyMap<string, NamedNumbers>,
): InOurNames {
  const values = new Map<string, NamedNumbers>();
  const wanted = table.theirs.filter(({ from }) => from.length > 0);
  const missing = wanted.filter(({ name }) => !theirs.has(name)).map(({ name }) => name);
  const unlike = wanted.flatMap(({ name, shape }) => {
    const found = theirs.get(name);
    return found && found.shape.join() !== shape.join()
      ? [{ name, shape: found.shape, wanted: shape }]
      : [];
  });
  const wrong = new Set([...missing, ...unlike.map(({ name }) => name)]);
  for (const link of table.ours) {
    if (link.names.some((name) => wrong.has(name))) continue;
    const parts = link.names.map((name) => theirs.get(name)!.values);
    values.set(link.path, { shape: link.shape, values: oursOf(link, parts) });
  }
  const known = new Set(table.theirs.map(({ name }) => name));
  const unused = [...theirs.keys()].filter((name) => !known.has(name));
  return { values, missing, unused, unlike };
}

/** All tensors of ours as theirs, with those that only theirs has where something says what they hold. */
export function toTheirNames(
  table: NameTable,
  ours: ReadonlyMap<string, Numbers>,
): ReadonlyMap<string, NamedNumbers> {
  const read = (path: string): Numbers => {
    const values = ours.get(path);
    if (values === undefined) throw new Error(`there are no values of ${path}`);
    return values;
  };
  return new Map(
    table.theirs
      .filter(({ from, filling }) => from.length > 0 || filling !== undefined)
      .map((tensor) => [tensor.name, { shape: tensor.shape, values: theirsOf(tensor, read) }]),
  );
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function likeFirst(first: Numbers | undefined, count: number): Numbers {
  return first instanceof Float64Array ? new Float64Array(count) : new Float32Array(count);
}

interface Course {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** Walks both tensors in step; the last stride is the innermost loop. */
function copy(
  courses: readonly Course[],
  source: Numbers,
  sourceStart: number,
  target: Numbers,
  targetStart: number,
  at = 0,
): void {
  const course = courses[at];
  if (course === undefined) {
    target[targetStart] = source[sourceStart]!;
    return;
  }
  const { size, from, to } = course;
  if (at === courses.length - 1) {
    for (let i = 0; i < size; i++) target[targetStart + i * to] = source[sourceStart + i * from]!;
    return;
  }
  for (let i = 0; i < size; i++)
    copy(courses, source, sourceStart + i * from, target, targetStart + i * to, at + 1);
}
