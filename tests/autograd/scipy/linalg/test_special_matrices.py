"""Tests of `autograd/scipy/linalg/special_matrices.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.scipy import linalg

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._rows import TALL, WIDE, b, make, table_tests

MODES = ("full", "same", "valid")
ROWS = [
    make("toeplitz", "column", b), make("toeplitz", "complex", b + 1j * b[::-1]), make("toeplitz", "both", b,
    WIDE[0]), make("hankel", "column", b), make("hankel", "both", b, WIDE[0]), make("circulant", "plain", b),
    make("companion", "plain", b), make("khatri_rao", "plain", TALL, WIDE.T[:, :3]), make("block_diag", "two", TALL,
    WIDE), make("block_diag", "a vector", b, WIDE), make("diagsvd", "wide", b, M=4, N=6), make("diagsvd", "tall", b,
    M=6, N=4), *(make("convolution_matrix", f"{n} {mode}", b, n=n, mode=mode) for n in (3, 6) for mode in MODES),
]  # fmt: skip
globals().update(table_tests(ROWS, ("toeplitz", "block_diag")))


def test_blocks_of_numbers_and_dtypes():
    out = linalg.block_diag(1.0, np.asarray([[2 + 1j]]))
    assert out.dtype == np.complex128
    assert linalg.block_diag().shape == (1, 0)
    np.testing.assert_array_equal(
        pb.to_numpy(linalg.kron([[1.0, 2.0]], [[1.0], [3.0]])), [[1, 2], [3, 6]]
    )


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="as many columns"):
        linalg.khatri_rao(TALL, WIDE)
    with pytest.raises(ValueError, match="two dimensions"):
        linalg.block_diag(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="'full', 'same' or 'valid'"):
        linalg.convolution_matrix(b, 3, "half")
    with pytest.raises(ValueError, match="singular values"):
        linalg.diagsvd(b, 5, 6)
