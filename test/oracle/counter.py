"""A name and a count -> numbers in [-1, 1), each a function of the name and its own place alone.

The same bits as `counter.ts`: Threefry-2x32 with 20 rounds (Salmon et al., SC 2011), keyed by two FNV-1a hashes of the
name, counted by the place. Of the 64 bits that come out, the upper 53 make the number.
"""

import numpy as np

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA


def _fnv1a(data: bytes, basis: int) -> int:
    value = basis
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def key_of(name: str) -> tuple[int, int]:
    data = name.encode()
    return _fnv1a(data, 0x811C9DC5), _fnv1a(data + b"\x01", 0x01234567)


def _threefry(key: tuple[int, int], places: np.ndarray, rounds: int = 20) -> tuple[np.ndarray, np.ndarray]:
    words = (key[0], key[1], _PARITY ^ key[0] ^ key[1])
    k = [np.uint32(word) for word in words]
    with np.errstate(over="ignore"):
        x0 = places.astype(np.uint32) + k[0]
        x1 = np.zeros_like(x0) + k[1]
        for turn in range(rounds):
            distance = np.uint32(_ROTATIONS[turn % 8])
            x0 = x0 + x1
            x1 = (x1 << distance) | (x1 >> np.uint32(32 - int(distance)))
            x1 = x1 ^ x0
            if turn % 4 == 3:
                j = (turn + 1) // 4
                x0 = x0 + k[j % 3]
                x1 = x1 + k[(j + 1) % 3] + np.uint32(j)
    return x0, x1


def uniform(name: str, count: int) -> np.ndarray:
    """[count] float64 in [-1, 1), multiples of 2^-52."""
    high, low = _threefry(key_of(name), np.arange(count))
    bits = high.astype(np.float64) * 2.0**21 + (low >> np.uint32(11)).astype(np.float64)
    return bits / 2.0**52 - 1.0


if __name__ == "__main__":
    for name in ("weight", "blocks.0.attn.qkv.weight", "été"):
        print(name, key_of(name), [repr(float(value)) for value in uniform(name, 3)])
