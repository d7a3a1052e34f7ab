"""Helpers of `test_mutation.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

import pullback as pb

GENERAL = np.asarray([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 5.0]])


B = np.asarray([1.0, 2.0, 3.0])


TIGHT = {"rtol": 1e-13}


KINDS = ("general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "unit upper", "diagonal",
         "tridiagonal", "banded", "circulant")  # fmt: skip


def _agree(got, want):
    np.testing.assert_allclose(pb.to_numpy(got), want, rtol=1e-9, atol=1e-11)
