"""Sums of numbers that travel with 16 bits: rounded once on the way and once in the sum, the same bits everywhere."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic.rounding import rounded

d = pb.distributed


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("op", ["sum", "mean"])
def test_the_sum_of_rounded_numbers_is_rounded(size, n, op):
    rng = np.random.default_rng(n)
    xs = [rng.standard_normal(n).astype(np.float32) for _ in range(size)]

    def rank():
        buffer = xs[d.rank()].copy()
        request = d.world().start_all_reduce(buffer, op, travel="bfloat16")
        request.test()
        assert request.wait() is buffer
        assert request.wait() is buffer
        return buffer

    total = np.zeros(n, np.float32)
    for x in xs:
        total = total + rounded(x, "bfloat16")
    expected = rounded(total / np.float32(size) if op == "mean" else total, "bfloat16")
    for found in d.simulate(rank, size):
        np.testing.assert_array_equal(found, expected)


def test_complex_numbers_and_what_is_not_finite():
    def rank():
        z = np.asarray([1 + 2j, np.inf - 1j, complex(np.nan, 0.5)])
        return d.world().start_all_reduce(z, travel="bfloat16").wait()

    for found in d.simulate(rank, 2):
        assert found.dtype == np.complex128
        np.testing.assert_array_equal(found.real, [2, np.inf, np.nan])
        np.testing.assert_array_equal(found.imag, [4, -2, 1])


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="float8"):
        d.simulate(lambda: d.world().start_all_reduce(np.ones(2), travel="float8"), 2)


def test_half_the_bytes():
    def rank():
        d.world().start_all_reduce(np.ones(8, np.float32), travel="bfloat16").wait()
        return d.world().traffic

    for traffic in d.simulate(rank, 4):
        assert traffic["all_to_all"].bytes + traffic["all_gather"].bytes == 2 * 3 * 8 * 2 // 4
        assert traffic["all_to_all"].messages + traffic["all_gather"].messages == 6
