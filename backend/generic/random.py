"""Random bits by counting: Threefry-2x32 with 20 rounds, the same on every backend.

Source: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011. A key of 64 bits turns the
counters 0, 1, 2, … into blocks of two words that look drawn. No state is kept anywhere, so the same key gives the
same numbers on a CPU, on a GPU, and when a stretch of a program is run again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common.typing import XP

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_MASK = 0xFFFFFFFF


def random_bits(xp: XP, key: Any, n: int) -> Any:
    """The n random words uint32 (n,) of a key uint32 (2,): the first words of all blocks, then the second ones."""
    half = (n + 1) // 2
    word = key.dtype
    first = xp.zeros_like(xp.arange_like(half, key))
    second = xp.astype(xp.arange_like(half, key), word)
    k0, k1 = key[0:1], key[1:2]
    parity = xp.full_like(k0, _PARITY)
    keys = (k0, k1, xp.bitwise_xor(xp.bitwise_xor(k0, k1), parity))
    x0, x1 = xp.astype(first, word) + k0, second + k1
    for block in range(5):
        for turn in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            left = xp.bitwise_left_shift(x1, xp.full_like(k0, turn))
            right = xp.bitwise_right_shift(x1, xp.full_like(k0, 32 - turn))
            x1 = xp.bitwise_xor(xp.bitwise_or(left, right), x0)
        x0 = x0 + keys[(block + 1) % 3]
        x1 = x1 + keys[(block + 2) % 3] + xp.full_like(k0, block + 1)
    return xp.concat([x0, x1])[:n]


def random_bits_in_place(key: np.ndarray, n: int) -> np.ndarray:
    """The random words by NumPy, in four buffers, a block of the counters at a time to stay in the second cache."""
    half = (n + 1) // 2
    out = np.empty((2, half), np.uint32)
    k0, k1 = (int(word) for word in key)
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    for start in range(0, half, _BLOCK):
        x0, x1 = out[0, start : start + _BLOCK], out[1, start : start + _BLOCK]
        x0[:] = k0
        x1[:] = np.arange(start, start + len(x0), dtype=np.uint32)
        x1 += np.uint32(k1)
        left = np.empty_like(x0)
        for block in range(5):
            for turn in _ROTATIONS[block % 2]:
                x0 += x1
                np.left_shift(x1, np.uint32(turn), out=left)
                np.right_shift(x1, np.uint32(32 - turn), out=x1)
                x1 |= left
                x1 ^= x0
            x0 += np.uint32(keys[(block + 1) % 3])
            x1 += np.uint32((keys[(block + 2) % 3] + block + 1) & _MASK)
    return out.reshape(-1)[:n] if n % 2 == 0 else np.concatenate([out[0], out[1, : n - half]])


_BLOCK = 16384
