"""Failure is loud, says why, and is the same on every library; and MKL, where it is installed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pullback as pb

from ._errors import ALMOST, INDEFINITE, ONES
from .direct._solve import host

xp, la = pb.xp, pb.linalg
LARGE = np.eye(40)
LARGE[39, 39] = 0
SINGULAR, NOT_POSITIVE = la.SingularMatrixError, la.NotPositiveDefiniteError

FAILURES = [
    ("general", ONES, SINGULAR, "infinite"),
    ("general", ALMOST, SINGULAR, "1.0e+17"),
    ("general", LARGE, SINGULAR, "infinite"),
    ("general", np.stack([np.eye(40), LARGE]), SINGULAR, "[1]"),
    ("general", np.stack([np.eye(3), ALMOST]), SINGULAR, "[1]"),
    ("symmetric", ONES, SINGULAR, "infinite"),
    ("symmetric", ALMOST, SINGULAR, "1.0e+17"),
    ("hermitian", ALMOST + 0j, SINGULAR, "1.0e+17"),
    ("positive", INDEFINITE, NOT_POSITIVE, "order 3"),
    ("positive", np.stack([np.eye(4), INDEFINITE]), NOT_POSITIVE, "matrix [1]"),
    ("positive", np.stack([np.eye(40), np.diag(np.r_[np.ones(39), -1])]), NOT_POSITIVE, "order 40"),
    ("positive", ALMOST, SINGULAR, "1.0e+17"),
    ("lower", np.diag([1.0, 0.0]), SINGULAR, "pivot 1"),
    ("upper", np.stack([np.eye(2), np.diag([1.0, 0.0])]), SINGULAR, "matrix [1]"),
    ("diagonal", np.diag([1.0, 0.0]), SINGULAR, "pivot 1"),
    ("tridiagonal", ALMOST, SINGULAR, "e+17"),
    ("banded", np.diag([1.0, 0.0, 1.0]), SINGULAR, "infinite"),
    ("circulant", ONES, SINGULAR, "condition number"),
]


@pytest.mark.parametrize(("assume", "A", "error", "says"), FAILURES)
def test_failures(assume, A, error, says, lib):
    """By the message, too, on NumPy; other libraries may find the failure, or the place of it, by other means."""
    given, b = lib.asarray(A), lib.asarray(np.ones(A.shape[-1], A.dtype))
    for call in (la.solve, lambda A, b, **how: la.factorize(A, **how).solve(b)):
        with pytest.raises(error) as found:
            call(given, b, assume=assume)
        assert isinstance(found.value, np.linalg.LinAlgError)
        if lib.name == "numpy":
            assert says in str(found.value) or (A.ndim == 3 and A.shape[-1] <= 32)
    with pytest.raises(error):  # under a derivative, too
        pb.grad(lambda A: xp.sum(xp.abs(la.solve(A, b, assume=assume))))(given)


@pytest.mark.parametrize(("assume", "A", "error", "says"), FAILURES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # divisions by 0 are what was asked for
def test_without_checks_nothing_is_raised(assume, A, error, says, lib):
    if lib.name == "array_api_strict":
        warnings.simplefilter("ignore")
    v = la.solve(lib.asarray(A), lib.asarray(np.ones(A.shape[-1], A.dtype)), assume=assume, check=False)  # fmt: skip
    v = host(v, lib)
    assert not np.all(np.abs(v) < 1e6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_limit_is_the_precision_of_the_dtype(dtype):
    eps = np.finfo(dtype).eps
    for assume in ("general", "symmetric", "hermitian", "positive", "tridiagonal"):
        bad, good = (np.diag([1, size, 1, 1]).astype(dtype) for size in (eps / 4, eps * 4))
        b = np.ones(4, dtype)
        with pytest.raises(SINGULAR):
            la.solve(bad, b, assume=assume)
        la.solve(good, b, assume=assume)


def test_nan_and_infinities_pass_through(lib):
    for value in (np.nan, np.inf):
        A = np.eye(3)
        A[1, 1] = value
        for assume in ("general", "symmetric", "lower", "diagonal"):
            v = host(la.solve(lib.asarray(A), lib.asarray(np.ones(3)), assume=assume), lib)
            assert v[0] == 1.0 or np.isnan(v[0])


# ── MKL ───────────────────────────────────────────────────────────────────────────────────────
