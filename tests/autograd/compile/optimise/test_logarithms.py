"""Tests of `autograd/compile/optimise/logarithms.py`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.optimise import logarithms
from pullback.autograd.compile.optimise.logarithms import SHARED, WORTH

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

xp = pb.xp


def positive(n: int, dtype: str = "float64"):
    return np.random.default_rng(0).random(n).astype(dtype) + np.dtype(dtype).type(0.1)


def listing(function, *arrays) -> str:
    compiled = pb.compile(function, fast=True)
    compiled(*arrays)
    compiled(*arrays)
    return compiled.source()


@pytest.mark.parametrize(
    ("function", "dtype", "goes"),
    [
        (xp.log, "float64", True),
        (xp.log, "float32", True),
        (lambda x: xp.sum(xp.log(x)), "float64", True),
        (lambda x: xp.sum(xp.log(x)), "float32", False),
        (lambda x: xp.sum(x * xp.log(x)), "float64", False),
        (xp.log1p, "float64", False),
        (xp.exp, "float64", False),
    ],
)
def test_which_go_to_numpy(function, dtype, goes):
    assert ("np_log" in listing(function, positive(WORTH, dtype))) == goes
    assert "np_log" not in listing(function, positive(WORTH - 1, dtype))


@pytest.mark.parametrize("n", [WORTH, SHARED + 1])
@pytest.mark.parametrize("reduced", [False, True])
def test_values_are_numpys(n, reduced):
    x = positive(n)
    compiled = pb.compile((lambda x: xp.sum(xp.log(x))) if reduced else xp.log, fast=True)
    compiled(x)
    if reduced:
        np.testing.assert_allclose(compiled(x), np.log(x).sum(), rtol=1e-12)
        return
    np.testing.assert_array_equal(compiled(x), np.log(x))
    np.testing.assert_array_equal(compiled(x[::-1]), np.log(x[::-1]))


def test_the_callers_errstate_holds_in_both_halves():
    x = np.zeros(SHARED)
    compiled = pb.compile(xp.log, fast=True)
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(x)
        assert np.isneginf(compiled(x)).all()
    assert "np_log_halves" in compiled.source()


def test_two_reductions_of_one_logarithm():
    x = positive(logarithms.WORTH)
    compiled = pb.compile(lambda x: (xp.sum(xp.log(x)), xp.max(xp.log(x))), fast=True)
    compiled(x)
    total, largest = compiled(x)
    np.testing.assert_allclose(total, np.log(x).sum(), rtol=1e-12)
    np.testing.assert_allclose(largest, np.log(x).max(), rtol=1e-12)
