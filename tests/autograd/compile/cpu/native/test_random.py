"""Tests of `autograd/compile/cpu/native/random.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native import random as native
from pullback.backend.generic.random import random_bits_in_place

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


@pytest.mark.parametrize("worth", [0, 1 << 30])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 1001, 40000])
def test_the_words_are_those_of_numpy(n, worth, monkeypatch):
    monkeypatch.setattr(native, "WORTH", worth)
    drawn = pb.compile(lambda key: pb.random.bits(key, n), fast=True)
    for key in ([0, 0], [0xFFFFFFFF, 0xFFFFFFFF], [0x13198A2E, 0x03707344], [1, 0xFFFFFFF0]):
        words = np.array(key, np.uint32)
        drawn(words)
        np.testing.assert_array_equal(drawn(words), random_bits_in_place(words, n))
    assert ": kernel" in drawn.program(words)


def test_published_words():
    """The test vector of Random123 for a key and a counter of zeros."""
    drawn = pb.compile(lambda key: pb.random.bits(key, 2), fast=True)
    zero = np.zeros(2, np.uint32)
    drawn(zero)
    assert [hex(word) for word in drawn(zero)] == ["0x6b200159", "0x99ba4efe"]


def test_dropout_compiled_is_dropout():
    drop = pb.models.Dropout(0.3)
    loss = lambda x, key: pb.xp.sum(drop.training(x, key=key)[0] ** 2)
    compiled = pb.compile(pb.value_and_grad(loss), fast=True)
    x = np.random.default_rng(0).normal(size=(33, 65)).astype(np.float32)
    for seed in range(3):
        value, gradient = compiled(x, pb.random.key(seed))
        expected, slope = pb.value_and_grad(loss)(x, pb.random.key(seed))
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        np.testing.assert_allclose(gradient, slope, rtol=1e-6)
        assert np.array_equal(np.asarray(gradient) == 0, np.asarray(slope) == 0)
