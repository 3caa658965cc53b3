// A name and a count -> numbers in [-1, 1), each a function of the name and its own place alone: the same bits as
// `counter.py`. Threefry-2x32 with 20 rounds, keyed by two FNV-1a hashes of the name, counted by the place.
import { threefry2x32 } from "../../compiler/ops/threefry.ts";

/** Both words of the key: FNV-1a of the name's UTF-8, and of it with one byte more from another start. */
export function keyOf(name: string): readonly [number, number] {
  const bytes = new TextEncoder().encode(name);
  return [fnv1a(bytes, 0x811c9dc5), fnv1a([...bytes, 1], 0x01234567)];
}

/** Multiples of 2^-52. Not to be written to: who asks again gets the same array. */
export function uniform(name: string, count: number): Float64Array {
  const asked = `${name} ${count}`;
  const known = made.get(asked);
  if (known) return known;
  if (madeInAll + count > 2 ** 22) made.clear();
  madeInAll = made.size === 0 ? count : madeInAll + count;
  const numbers = fresh(keyOf(name), count);
  made.set(asked, numbers);
  return numbers;
}

/** Targets and steps ask for the same vectors. */
const made = new Map<string, Float64Array>();
let madeInAll = 0;

function fresh(key: readonly [number, number], count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, place) => {
    const [high, low] = threefry2x32(key, [place, 0], 20);
    return (high * 2 ** 21 + (low >>> 11)) / 2 ** 52 - 1;
  });
}

function fnv1a(bytes: Iterable<number>, basis: number): number {
  let hash = basis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
