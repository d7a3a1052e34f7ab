"""Tests of `autograd/solve/sparse/elementwise.py`: what its rows in `_assembly.py` leave out."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

TWICE = pb.sparse.coo_array((np.asarray([1.0, 2.0, 4.0]), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))


def test_elements_at_one_place_are_added_up_before_a_function():
    """(1 + 2)² is 9, not 5; the gradient of a square is 2 (1 + 2) at both."""
    assert float(TWICE.power(2)[0, 1]) == 9.0
    assert float(abs(TWICE - 2 * TWICE)[0, 1]) == 3.0
    g = pb.grad(lambda A: pb.xp.sum(A.power(2).data))(TWICE)
    np.testing.assert_array_equal(g.data, [6, 6, 8])
    assert g.nnz == 3


def test_powers_that_fill_the_matrix_are_refused():
    for n in (0, 0.0):
        with pytest.raises(NotImplementedError, match="every zero would become 1"):
            TWICE.power(n)
    with pytest.raises(NotImplementedError, match="has to be a number"):
        TWICE.power([1, 2])
    with pytest.raises(NotImplementedError, match="has to be a number"):
        TWICE ** np.ones(2)


def test_power_has_the_dtype_that_is_asked_for():
    assert TWICE.power(2, dtype="float32").dtype == "float32"
    with pytest.raises(TypeError, match="floating-point"):
        TWICE.power(2, dtype=int)


def test_an_exponent_may_be_traced():
    f = lambda n: pb.xp.sum(TWICE.power(n).data)
    np.testing.assert_allclose(pb.grad(f)(2.0), 9 * np.log(3) + 16 * np.log(4))
