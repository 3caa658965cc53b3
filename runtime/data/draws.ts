// Seed, epoch, example, view and operation -> a stream of random numbers that depends on nothing else.
// Counter-based (Threefry-2x32 with 20 rounds: Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3"),
// so any worker can compute any example's draws, in any order, and a resumed run needs no replay.

/** Two 32-bit words out of two words of key and two of counter. */
export type Words = readonly [number, number];

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const parity = 0x1bd11bda;

export function threefry2x32(key: Words, counter: Words): Words {
  const keys = [key[0] | 0, key[1] | 0, key[0] ^ key[1] ^ parity] as const;
  let x = (counter[0] + keys[0]) | 0;
  let y = (counter[1] + keys[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const by = rotations[round & 7]!;
    x = (x + y) | 0;
    y = ((y << by) | (y >>> (32 - by))) ^ x;
    if ((round & 3) !== 3) continue;
    const injection = (round >> 2) + 1; // the key comes in again after every fourth round
    x = (x + keys[injection % 3]!) | 0;
    y = (y + keys[(injection + 1) % 3]! + injection) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/** Whole seeds up to 2^53 as a key. */
export function seedKey(seed: number): Words {
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

/** 32 bits of FNV-1a over UTF-16 units: a name as a counter. */
export function nameWord(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Which example's draws: `repeat` counts the copies that `repeat_each` makes of one example. */
export interface Example {
  readonly epoch: number;
  readonly index: number;
  readonly repeat: number;
}

/** Random numbers for one operation on one example, in the order in which they are asked for. */
export interface Draw {
  /** Uniform in [0, 1), a multiple of 2^-32. */
  readonly uniform: () => number;
  /** Uniform in [low, high). */
  readonly between: (low: number, high: number) => number;
  /** A whole number in [0, count). */
  readonly below: (count: number) => number;
  /** True with this probability: never for 0, always for 1. */
  readonly chance: (probability: number) => boolean;
  /** Standard normal. */
  readonly normal: () => number;
}

/** The draws of the operation at `position` of view `view`, for one example. */
export function openDraw(seed: number, view: string, position: number, example: Example): Draw {
  const operationKey = threefry2x32(seedKey(seed), [nameWord(view), position]);
  return drawFrom(threefry2x32(operationKey, [example.epoch, example.index]), example.repeat);
}

/** A stream under a key; streams of one key differ by `lane`. */
export function drawFrom(key: Words, lane: number): Draw {
  return new CounterDraw(key, lane);
}

/** A class, since one is made for every operation on every example and closures would cost more than the numbers. */
class CounterDraw implements Draw {
  readonly #key: Words;
  readonly #lane: number;
  #count = 0;
  #spare: number | null = null;

  constructor(key: Words, lane: number) {
    this.#key = key;
    this.#lane = lane;
  }

  uniform(): number {
    return this.#word() / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Box and Muller (1958); the second normal of a pair is not kept. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  #word(): number {
    const spare = this.#spare;
    if (spare !== null) {
      this.#spare = null;
      return spare;
    }
    const [first, second] = threefry2x32(this.#key, [this.#count++, this.#lane]);
    this.#spare = second;
    return first;
  }
}
