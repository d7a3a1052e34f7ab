"""Random bits by counting (`backend/generic/random.py`), every word in registers from its counter to its last round.

NumPy passes over memory a hundred times for the same words; a loop over vectors takes a twentieth of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .jit import inlined, kernel
from .record import Native
from .threads import halves

# Words from which the helper thread is worth its time.
WORTH = 1 << 18


@inlined
def turned(x0: Any, x1: Any, turn: int) -> Any:
    """One round: the second word turned by so many bits, and mixed with the sum of both."""
    x0 = np.uint32(x0 + x1)
    left = np.uint32(x1 << np.uint32(turn))
    right = np.uint32(x1 >> np.uint32(32 - turn))
    return x0, np.uint32(np.uint32(left | right) ^ x0)


@inlined
def four_rounds(x0: Any, x1: Any, a: int, b: int, c: int, d: int) -> Any:
    """Four rounds, between which no words of the key are added."""
    x0, x1 = turned(x0, x1, a)
    x0, x1 = turned(x0, x1, b)
    x0, x1 = turned(x0, x1, c)
    return turned(x0, x1, d)


@kernel()
def threefry(key: Any, out: Any, start: int, stop: int) -> None:
    """The words of the blocks from `start` to `stop`: first words lie in front of all second ones."""
    half = out.shape[0] // 2
    first, second = out[start:stop], out[half + start : half + stop]
    k0, k1 = np.uint32(key[0]), np.uint32(key[1])
    k2 = np.uint32(np.uint32(k0 ^ k1) ^ np.uint32(0x1BD11BDA))
    k1_start = np.uint32(k1 + np.uint32(start))
    for i in range(first.shape[0]):
        x0, x1 = k0, np.uint32(np.uint32(i) + k1_start)
        x0, x1 = four_rounds(x0, x1, 13, 15, 26, 6)
        x0, x1 = np.uint32(x0 + k1), np.uint32(x1 + np.uint32(k2 + np.uint32(1)))
        x0, x1 = four_rounds(x0, x1, 17, 29, 16, 24)
        x0, x1 = np.uint32(x0 + k2), np.uint32(x1 + np.uint32(k0 + np.uint32(2)))
        x0, x1 = four_rounds(x0, x1, 13, 15, 26, 6)
        x0, x1 = np.uint32(x0 + k0), np.uint32(x1 + np.uint32(k1 + np.uint32(3)))
        x0, x1 = four_rounds(x0, x1, 17, 29, 16, 24)
        x0, x1 = np.uint32(x0 + k1), np.uint32(x1 + np.uint32(k2 + np.uint32(4)))
        x0, x1 = four_rounds(x0, x1, 13, 15, 26, 6)
        first[i] = np.uint32(x0 + k2)
        second[i] = np.uint32(x1 + np.uint32(k0 + np.uint32(5)))


def _takes(op: Op) -> bool:
    key = op.args[0]
    return (
        type(key) is Value
        and key.value_type == ARRAY
        and key.shape == (2,)
        and np.dtype(key.dtype) == np.uint32
    )


def _make(op: Op) -> Callable[..., None]:
    n = op.result.shape[0]
    even = n + n % 2  # the last block has a second word that nobody asked for
    run = threefry.compiled((np.uint32, 1, "C", "read"), (np.uint32, 1), int, int)
    padded = np.empty(even, np.uint32) if even != n else None

    def random_bits(key: Any, out: Any) -> None:
        target = out if padded is None else padded
        halves(
            lambda start, stop, part: run(key, target, start, stop), even // 2, parallel=n >= WORTH
        )
        if padded is not None:
            out[:] = padded[:n]

    return random_bits


RANDOM_BITS = Native("random_bits", takes=_takes, make=_make)
