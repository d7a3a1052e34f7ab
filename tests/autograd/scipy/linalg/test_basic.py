"""Tests of `autograd/scipy/linalg/basic.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.scipy import linalg

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._rows import NEAR_ONE, POSITIVE, RNG, TALL, A, B, b, make, table_tests

COLUMN, ROW = np.asarray([4.0, 1.0, 0.3]), np.asarray([4.0, 2.0, 0.5])
BANDS = np.asarray([[0.0, 1.0, 2.0], [4.0, 5.0, 6.0], [1.0, 2.0, 0.0]])
ONES, LONG = np.asarray([1.0, 2.0, 3.0]), RNG.standard_normal(6)
LOW_RANK = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])

ROWS = [
    make("solve", "vector", A, b),
    make("solve", "matrix", A, B),
    make("solve", "transposed", A, B, transposed=True),
    *(
        make(
            "solve",
            f"{assume} lower={lower}",
            POSITIVE,
            b,
            assume_a=assume,
            lower=lower,
            symmetrised=True,
        )
        for assume in ("pos", "sym", "her")
        for lower in (False, True)
    ),
    make("solve", "upper", NEAR_ONE, b, assume_a="upper triangular"),
    *(
        make("solve_triangular", f"{trans} {lower}", NEAR_ONE, b, trans=trans, lower=lower)
        for trans in (0, "T", "C")
        for lower in (False, True)
    ),
    make(
        "solve_banded",
        "tridiagonal",
        BANDS,
        ONES,
        both=lambda m: lambda ab, b: m.solve_banded((1, 1), ab, b),
        order=1,
    ),
    make("solveh_banded", "upper", np.asarray([[0.0, 1.0, 1.0], [4.0, 5.0, 6.0]]), ONES),
    make(
        "solveh_banded", "lower", np.asarray([[4.0, 5.0, 6.0], [1.0, 1.0, 0.0]]), ONES, lower=True
    ),
    make(
        "solve_toeplitz",
        "both",
        COLUMN,
        ROW,
        ONES,
        both=lambda m: (
            lambda c, r, b: m.solve_toeplitz(
                (
                    np.asarray(c) if isinstance(c, list) else c,
                    np.asarray(r) if isinstance(r, list) else r,
                ),
                b,
            )
        ),
        rtol=1e-9,
    ),
    make("matmul_toeplitz", "symmetric", COLUMN, ONES),
    make("solve_circulant", "plain", np.asarray([2.0, 2.0, 4.0]), ONES),
    make("inv", "general", A),
    make("inv", "positive", POSITIVE, assume_a="pos", symmetrised=True),
    make("det", "general", A),
    make("pinv", "tall", TALL),
    make("pinv", "low rank", LOW_RANK, order=0),
    make("pinvh", "lower", POSITIVE, symmetrised=True),
    make("lstsq", "full rank", TALL, LONG, both=lambda m: lambda a, b: m.lstsq(a, b)[:2]),
    make("lstsq", "wide", TALL.T.copy(), ONES, both=lambda m: lambda a, b: m.lstsq(a, b)[0]),
    *(
        make("norm", f"matrix {order}", TALL, ord=order)
        for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    ),
    *(make("norm", f"vector {order}", b, ord=order) for order in (None, 1, 3, np.inf, -1)),
    make("norm", "axis", TALL, axis=1, ord=1),
    make("norm", "kept", TALL, axis=0, keepdims=True),
    make("norm", "all kept", TALL, keepdims=True),
    make("norm", "two axes", RNG.standard_normal((2, 3, 4)), axis=(0, 2), ord=1),
]
globals().update(table_tests(ROWS, ("solve", "inv", "det", "norm")))


def test_which_triangle_is_read():
    """Of a matrix that is not symmetric, SciPy reads one triangle: the upper one by default."""
    for assume in ("pos", "sym"):
        for lower in (False, True):
            x = POSITIVE.copy()
            x[np.triu_indices(4, 1) if lower else np.tril_indices(4, -1)] = 9.0
            got = linalg.solve(x, b, lower=lower, assume_a=assume)
            wanted = scipy.linalg.solve(x, b, lower=lower, assume_a=assume)
            np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-10)


def test_least_squares_of_low_rank():
    got = linalg.lstsq(LOW_RANK, [1.0, 2.0, 2.0])
    wanted = scipy.linalg.lstsq(LOW_RANK, [1.0, 2.0, 2.0])
    np.testing.assert_allclose(pb.to_numpy(got[0]), wanted[0], rtol=1e-10)
    assert got[1].shape == (0,)
    assert got[2] == wanted[2] == 1
    # scaled as a whole, x is as 1/scale
    slope = pb.grad(
        lambda t: pb.xp.sum(linalg.lstsq(t * pb.asarray(LOW_RANK), [1.0, 2.0, 2.0])[0][0])
    )(1.0)
    np.testing.assert_allclose(slope, -wanted[0][0], rtol=1e-9)


def test_least_squares_compiled():
    """One program for all ranks, by the pseudo-inverse; the rank is an array."""
    b = np.array([1.0, 2.0, 2.0])
    program = pb.compile(lambda a, b: linalg.lstsq(a, b))
    slope = pb.compile(pb.grad(lambda a, b: pb.xp.sum(linalg.lstsq(a, b)[0]), argnums=(0, 1)))
    for a in (LOW_RANK, LOW_RANK + np.eye(3, 2)):
        got, wanted = program(a, b), scipy.linalg.lstsq(a, b)
        for y, ref in zip((got[0], got[2], got[3]), (wanted[0], wanted[2], wanted[3]), strict=True):
            np.testing.assert_allclose(pb.to_numpy(y), ref, rtol=1e-10, atol=1e-12)
        eager = pb.grad(lambda a, b: pb.xp.sum(linalg.lstsq(a, b)[0]), argnums=(0, 1))(a, b)
        for y, ref in zip(slope(a, b), eager, strict=True):
            np.testing.assert_allclose(pb.to_numpy(y), pb.to_numpy(ref), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(pb.to_numpy(got[1]), wanted[1], rtol=1e-10)


def test_what_is_not_finite_is_seen_as_scipy_sees_it():
    bad = np.asarray([[1.0, np.nan], [0.0, 1.0]])
    for f in (linalg.inv, linalg.det, linalg.norm, linalg.pinv):
        with pytest.raises(ValueError, match="must not contain infs or NaNs"):
            f(bad)
    assert np.isnan(pb.to_numpy(linalg.norm(bad, check_finite=False)))


def test_what_is_refused():
    with pytest.raises(ValueError, match="assume_a='diag'"):
        linalg.solve(A, b, assume_a="diag")
    with pytest.raises(NotImplementedError, match=r"pb\.linalg\.solve_circulant"):
        linalg.solve_circulant(COLUMN, ONES, singular="lstsq")
    with pytest.raises(np.linalg.LinAlgError):
        linalg.solve(np.zeros((2, 2)), [1.0, 1.0])


def test_functions_without_a_derivative():
    np.testing.assert_allclose(
        pb.to_numpy(linalg.null_space([[1.0, 1.0]])), scipy.linalg.null_space([[1.0, 1.0]])
    )
    with pytest.raises(TypeError, match=r"scipy\.linalg\.schur of a traced array.*use eig"):
        pb.grad(lambda x: pb.xp.sum(linalg.schur(x)[0]))(A)
    assert not [name for name in linalg.CONSTANT if not callable(getattr(linalg, name))]
    every = {name for name in scipy.linalg.__all__ if callable(getattr(scipy.linalg, name))}
    apart = {
        "find_best_blas_type",
        "get_blas_funcs",
        "get_lapack_funcs",
        "cdf2rdf",
        "LinAlgWarning",
    }
    assert every - apart <= set(dir(linalg))
