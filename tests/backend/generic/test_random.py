"""Tests of `backend/generic/random.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...autograd.functions.test_random import (
    host,
    key,  # noqa: F401 - a fixture
)

random = pb.random


# Random123's known answers for Threefry-2x32 with 20 rounds and a counter of zeros, and our reading of block 1.
@pytest.mark.parametrize(("seed", "words"), [(0, ["6b200159", "99ba4efe"])], ids=["zeros"])
def test_published_vectors(seed, words):
    assert [f"{int(word):08x}" for word in host(random.bits(random.key(seed), 2))] == words


def threefry(key, counter):  # noqa: F811 - a fixture
    """The algorithm as published, one block in Python's integers."""
    mask, rotations = 0xFFFFFFFF, [13, 15, 26, 6, 17, 29, 16, 24]
    keys = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x = [(counter[0] + keys[0]) & mask, (counter[1] + keys[1]) & mask]
    for i in range(20):
        x[0] = (x[0] + x[1]) & mask
        r = rotations[i % 8]
        x[1] = ((x[1] << r | x[1] >> (32 - r)) & mask) ^ x[0]
        if i % 4 == 3:
            j = i // 4 + 1
            x = [(x[0] + keys[j % 3]) & mask, (x[1] + keys[(j + 1) % 3] + j) & mask]
    return x


@pytest.mark.parametrize(
    ("key", "counter", "out"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_reference_of_the_next_test_is_random123s(key, counter, out):  # noqa: F811 - a fixture
    assert tuple(threefry(key, counter)) == out


@pytest.mark.parametrize("n", [0, 1, 2, 7, 40001])
@pytest.mark.parametrize("seed", [0, 1, 2**63 + 12345])
def test_bits_are_those_of_the_reference(seed, n):
    words = host(random.bits(random.key(seed), n))
    assert words.dtype == np.uint32
    half = (n + 1) // 2
    for i in {0, 1, half // 2, 16384, half - 1} & set(range(half)):
        x0, x1 = threefry((seed >> 32, seed & 0xFFFFFFFF), (0, i))
        assert words[i] == x0
        if half + i < n:
            assert words[half + i] == x1
