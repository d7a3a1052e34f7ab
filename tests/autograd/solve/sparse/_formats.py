"""Helpers of `test_formats.py` and the test files split from it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb

sparse = pb.sparse


FORMATS = [sparse.csr_array, sparse.csc_array, sparse.coo_array]


def rng(seed=0):
    return np.random.default_rng(seed)


def matrix(n=6, m=6, dtype="float64", seed=0, shift=3.0):
    """A SciPy matrix by rows with an empty row where it is not square."""
    r = rng(seed)
    A = ss.random_array((m, n), density=0.4, rng=r, format="lil")
    if m == n:
        A = A + shift * ss.eye_array(n)
    else:
        A[m // 2] = 0
    A = A.tocsr()
    if np.dtype(dtype).kind == "c":
        A = (A + 1j * ss.random_array((m, n), density=0.3, rng=r)).tocsr()
    A.sum_duplicates()
    return A.astype(dtype)


def host(x):
    return pb.to_numpy(x)


@pytest.fixture(params=FORMATS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param
