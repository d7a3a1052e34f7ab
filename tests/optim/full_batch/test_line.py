"""Tests of `optim/full_batch/line.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


optim = pb.optim


def test_searches_come_back_from_outside_the_domain(lib):
    """``x − log x`` from 1 towards 0: long steps leave the domain, where it is NaN."""
    x, d = lib.asarray([5.0]), lib.asarray([1.0])
    g = lambda x: xp.sum(x - xp.log(x))
    for method in ("wolfe", "armijo", "halving", "exact"):
        found = optim.line_search(g, x, -d, method=method, first=100.0)
        assert 0 < float(lib.to_numpy(found.x)[0]) < 5
        assert lib.is_raw(found.x)


UPHILL = {
    "uphill": (lambda x: xp.sum(x**2), np.ones(2), np.ones(2), "not a descent direction"),
    "across": (
        lambda x: xp.sum(x**2),
        np.ones(2),
        np.asarray([1.0, -1.0]),
        "not a descent direction",
    ),
    "zero": (lambda x: xp.sum(x**2), np.ones(2), np.zeros(2), "not a descent direction"),
}


@pytest.mark.parametrize("method", ["wolfe", "armijo", "backtracking", "halving", "exact", 0.1])
@pytest.mark.parametrize(("f", "x", "d", "message"), UPHILL.values(), ids=UPHILL)
def test_directions_that_do_not_descend(method, f, x, d, message):
    with pytest.raises(optim.SearchError, match=message):
        optim.line_search(f, x, d, method=method)
