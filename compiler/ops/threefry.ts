// Counter-based random bits: Threefry-2x32 with 13 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC 2011; the smallest number of rounds that passes BigCrush there).
// Every target makes these very bits. The value of element i of a stream is the first word of
//     threefry2x32(key = (fnv1a(stream name) ^ seed, step), counter = (i, 0))
// all words u32, all sums modulo 2^32; i is the row-major position in the `random_bits` node's shape.
//
//   k2 = 0x1BD11BDA ^ k0 ^ k1
//   x0 += k0, x1 += k1
//   round r = 0 .. 12:  x0 += x1;  x1 = rotate_left(x1, rotation[r % 8]);  x1 ^= x0
//     after each fourth round, with j = (r + 1) / 4:  x0 += k[j % 3];  x1 += k[(j + 1) % 3] + j

export const threefryRounds = 13;
export const threefryRotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** Skein's key schedule parity, truncated to 32 bits. */
export const threefryParity = 0x1bd11bda;

/** Both words of a block. Known answers are in the test (Random123's kat_vectors). */
export function threefry2x32(
  key: readonly [number, number],
  counter: readonly [number, number],
  rounds: number = threefryRounds,
): [number, number] {
  const k = [key[0] | 0, key[1] | 0, threefryParity ^ key[0] ^ key[1]] as const;
  let x0 = (counter[0] + k[0]) | 0;
  let x1 = (counter[1] + k[1]) | 0;
  for (let round = 0; round < rounds; round++) {
    const distance = threefryRotations[round % 8]!;
    x0 = (x0 + x1) | 0;
    x1 = (x1 << distance) | (x1 >>> (32 - distance));
    x1 ^= x0;
    if (round % 4 !== 3) continue;
    const j = (round + 1) / 4;
    x0 = (x0 + k[j % 3]!) | 0;
    x1 = (x1 + k[(j + 1) % 3]! + j) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** FNV-1a over the UTF-16 code units' low and high bytes: a stream's name as a u32. */
export function streamHash(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** The bits of one element of a stream. */
export function randomBits(stream: number, seed: number, step: number, element: number): number {
  return threefry2x32([(stream ^ seed) >>> 0, step >>> 0], [element >>> 0, 0])[0];
}
