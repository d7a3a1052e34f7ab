"""Tests of `autograd/core/namespaces.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import (
    A,
    numpy_is_active,  # noqa: F401 - one is a fixture
)

xp = pb.xp


def test_mixing_libraries_is_an_error_that_names_both():
    strict = pytest.importorskip("array_api_strict", reason="a second library is needed")
    other = strict.asarray([1.0, 2.0, 3.0])
    for call in (
        lambda: xp.asarray(A) + other,
        lambda: xp.asarray(other) * A,
        lambda: xp.concat([xp.asarray(A), other]),
        lambda: pb.grad(lambda x: xp.sum(x * other))(A),
        lambda: pb.grad(lambda x: xp.sum(xp.where(other > 0, x, x)))(A),
        lambda: xp.asarray(A) < other,
    ):
        with pytest.raises(TypeError, match=r"numpy.*array_api_strict|array_api_strict.*numpy"):
            call()


def test_two_libraries_live_in_one_program():
    strict = pytest.importorskip("array_api_strict", reason="a second library is needed")
    other = strict.asarray([1.0, 2.0, 3.0])
    g, h = pb.grad(
        lambda x, y: xp.sum(x * x) * float(pb.to_numpy(pb.stop_gradient(xp.sum(y)))), argnums=(0, 1)
    )(A, other)
    np.testing.assert_array_equal(g, 12 * A)
    assert type(h) is type(other)
