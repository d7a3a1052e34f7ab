"""The words of what may go wrong in a factorisation."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backend.common import errors


def test_a_singular_matrix_has_its_condition_number():
    text = str(errors.singular(1e-20, np.dtype("float64")))
    assert text.startswith(
        "matrix is singular to working precision: its condition number is about 1.0e+20"
    )
    assert "float64 has 16 digits" in text
    assert "infinite" in str(errors.singular(0.0, np.dtype("float32")))


def test_a_matrix_of_a_batch_is_named():
    for error in (errors.singular(0.0, np.dtype("float64"), (2, 0)), errors.zero_pivot(3, (2, 0))):
        assert str(error).startswith("matrix [2, 0] is singular")
    assert str(errors.not_positive(1, (4,))).startswith("matrix [4] is not positive definite")


def test_pivot_and_order():
    assert "pivot 3 is exactly zero" in str(errors.zero_pivot(3))
    assert "minor of order 2" in str(errors.not_positive(2))


@pytest.mark.parametrize("error", [errors.zero_pivot(0), errors.not_positive(1)])
def test_numpy_s_exception_catches_them(error):
    assert isinstance(error, np.linalg.LinAlgError)
