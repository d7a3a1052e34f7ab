"""Tests of `autograd/functions/set.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ..rules.test_manipulation import pulled

xp = pb.xp


@pytest.mark.parametrize("name", ["unique_values", "unique_all", "unique_counts", "unique_inverse"])
def test_unique_values_belong_to_their_first_occurrences(name):
    def values(x):
        out = getattr(xp, name)(x)
        return getattr(out, "values", out)

    got = pulled(values, [[3.0, 1.0, 3.0], [2.0, 1.0, 3.0]], [1.0, 10.0, 100.0])
    np.testing.assert_array_equal(got, [[100, 1, 0], [10, 0, 0]])
    second = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(values(y) ** 3))(x)))
    np.testing.assert_array_equal(second(np.asarray([2.0, 1.0, 2.0])), [12, 6, 0])


strict = pytest.importorskip("array_api_strict")


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse", "unique_values"])
def test_unique_gives_the_standard_s_fields(name, lib):
    x = pb.xp.asarray(lib.asarray([[2.0, 1.0], [2.0, np.nan]]))
    got = getattr(pb.xp, name)(x)
    if name == "unique_values":
        np.testing.assert_array_equal(lib.to_numpy(got.value), [1.0, 2.0, np.nan])
        return
    expected = getattr(strict, name)(strict.asarray([[2.0, 1.0], [2.0, np.nan]]))
    assert got._fields == expected._fields
    for y, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(lib.to_numpy(y.value), np.asarray(wanted))


def test_sets(lib):
    x = lib.asarray([3.0, 1.0, 3.0, 2.0])
    assert int(xp.nunique(x)) == 3
    assert xp.nunique(xp.asarray(x)).device == lib.device
    if lib.name == "array_api_strict":
        pytest.skip("isin takes integers only")
    g = pb.grad(lambda x: xp.sum(xp.setdiff1d(x, lib.asarray([1.0])) ** 2))(x)
    np.testing.assert_array_equal(lib.to_numpy(g), [6.0, 0.0, 0.0, 4.0])
    out = xp.setdiff1d(x, lib.asarray([1.0]), assume_unique=True)
    np.testing.assert_array_equal(pb.to_numpy(out), [3.0, 3.0, 2.0])
