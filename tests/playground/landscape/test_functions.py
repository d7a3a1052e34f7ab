"""Tests of `playground/landscape/functions.py`: minima where they are said to be, and starts that lead somewhere."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.playground.landscape.functions import FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_minima_are_minima(name):
    chosen = FUNCTIONS[name]
    for point in chosen.minima:
        w = np.asarray(point)
        assert np.linalg.norm(pb.to_numpy(pb.grad(chosen.f)(w))) < 1e-3
        assert np.linalg.eigvalsh(pb.to_numpy(pb.hessian(chosen.f)(w))).min() > 0
        left, right, bottom, top = chosen.extent
        assert left < point[0] < right
        assert bottom < point[1] < top
    assert float(chosen.f(np.asarray(chosen.start))) > float(chosen.f(np.asarray(chosen.minima[0])))
    assert (
        chosen.extent[1] - chosen.extent[0] == chosen.extent[3] - chosen.extent[2]
    )  # drawn as a square


def test_the_saddle_is_one():
    f = FUNCTIONS["saddle"].f
    np.testing.assert_array_equal(pb.to_numpy(pb.grad(f)(np.zeros(2))), 0)
    low, high = np.linalg.eigvalsh(pb.to_numpy(pb.hessian(f)(np.zeros(2))))
    assert low < 0 < high


def test_the_quadratic_has_the_condition_number_of_its_docstring():
    low, high = np.linalg.eigvalsh(pb.to_numpy(pb.hessian(FUNCTIONS["quadratic"].f)(np.zeros(2))))
    assert high / low == pytest.approx(25)
