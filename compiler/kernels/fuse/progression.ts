// Places in memory -> a few axes that walk them with fixed steps: what lies alike in each of many layers, and several
// times in each, is one place for each point of [layer, time].

/** One axis: so many points, and for each buffer how far it is from one to the next. */
export interface Pace {
  readonly extent: number;
  readonly steps: readonly number[];
}

/** Members `first` to `first + count`, the first of them at its own places, the others at sums of steps from there. */
export interface Progression {
  readonly first: number;
  readonly count: number;
  /** Outermost first. */
  readonly paces: readonly Pace[];
}

/** The longest progression in a list of members, each given by a place in every one of some buffers. */
export function longestProgression(members: readonly (readonly number[])[]): Progression {
  let longest: Progression = { first: 0, count: Math.min(1, members.length), paces: [] };
  for (let first = 0; members.length - first > longest.count; first++) {
    const found = progressionFrom(members, first);
    if (found.count > longest.count) longest = found;
  }
  return longest;
}

/** Grows one axis after the other, as far as each goes, around what was found so far. */
function progressionFrom(members: readonly (readonly number[])[], first: number): Progression {
  const paces: Pace[] = [];
  let block = 1;
  while (first + 2 * block <= members.length) {
    const steps = stepsBetween(members, first, first + block);
    const follows = (start: number): boolean =>
      start + block <= members.length &&
      Array.from({ length: block }, (_, i) => start + i).every((at) =>
        stepsBetween(members, at - block, at).every((step, slot) => step === steps[slot]),
      );
    let extent = 1;
    while (follows(first + extent * block)) extent++;
    if (extent === 1) break;
    paces.unshift({ extent, steps });
    block *= extent;
  }
  return { first, count: block, paces };
}

function stepsBetween(
  members: readonly (readonly number[])[],
  from: number,
  to: number,
): readonly number[] {
  return members[to]!.map((place, slot) => place - members[from]![slot]!);
}
