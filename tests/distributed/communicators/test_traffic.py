"""Tests of distributed/communicators/traffic.py: what is counted is what the formulas say, on all ranks together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pullback import distributed as d
from pullback.distributed.communicators.traffic import Count, Traffic, share


@pytest.mark.parametrize("P", [1, 2, 3, 5])
def test_counts_are_the_formulas(P):
    n, m = 7, 8 * 7  # numbers, and their bytes

    def run():
        w, x = d.world(), np.ones(n)
        w.all_reduce(x)
        w.all_reduce(x, "mean")
        w.all_gather(x)
        w.reduce_scatter(np.ones((P, n)))
        w.broadcast(x, P - 1)
        w.reduce(x, P - 1)
        w.agree("text")
        w.barrier()
        return w.rank, w.traffic

    for r, traffic in d.simulate(run, P):
        assert traffic["all_reduce"] == Count(2, 4 * (P - 1), 2 * math.ceil(2 * (P - 1) / P * m))
        assert traffic["all_gather"] == Count(1, P - 1, (P - 1) * m)
        assert traffic["reduce_scatter"] == Count(1, P - 1, (P - 1) * m)
        sends = r != (P - 2) % P if P > 1 else False
        assert traffic["broadcast"] == Count(1, int(sends), m * sends)
        assert traffic["reduce"] == Count(1, int(r != P - 1), m * (r != P - 1))
        assert traffic["agree"] == Count(8, 8 * (P - 1), 8 * 24 * (P - 1))


def test_totals_and_reset():
    traffic = Traffic()
    traffic.add("a", 1, 10)
    traffic.add("b", 2, 20)
    traffic.add("b", 2, 20)
    assert traffic.total() == Count(3, 5, 50)
    assert traffic["c"] == Count()
    assert list(traffic.counts) == ["a", "b"]
    traffic.reset()
    assert traffic.total() == Count()


def test_shares_are_rounded_up():
    assert [share(10, 3), share(10, 3, 2), share(10, 1), share(0, 4)] == [7, 14, 0, 0]
