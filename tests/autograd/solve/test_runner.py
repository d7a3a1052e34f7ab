"""Tests of `autograd/solve/runner.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._degenerate_systems import KINDS
from .direct._solve import draw

xp = pb.xp


la = pb.linalg


@pytest.mark.parametrize(
    ("A", "b", "says"),
    [
        ((3, 2), (3,), "square"),
        ((3,), (3,), "square"),
        ((3, 3), (2,), r"has to be\s+\(3,\)"),
        ((3, 3), (3, 2, 1), "does not fit"),
        ((3, 3), (), "does not fit"),
    ],
)
def test_shapes_that_do_not_fit(A, b, says):
    with pytest.raises(ValueError, match=says):
        la.solve(np.ones(A), np.ones(b))
    with pytest.raises(ValueError, match=r"square|does not fit|has to be"):
        la.factorize(np.ones(A), check=False).solve(np.ones(b))


def test_mixed_precisions():
    A, b = draw((3, 3)).astype("float32"), draw((3,))
    v = la.solve(A, b)
    assert v.dtype == np.float64
    grads = pb.grad(lambda A, b: xp.sum(la.solve(A, b)), argnums=(0, 1))(A, b)
    assert [g.dtype.name for g in grads] == ["float32", "float64"]
    assert la.solve(np.asarray([[2, 0], [0, 4]]), [1, 1]).dtype == np.float64


BY_LAPACK = {
    **{f"solve {kind}": (lambda A, b, kind=kind: la.solve(A, b, assume=kind)) for kind in KINDS},
    "factorize": lambda A, b: la.factorize(A).solve(b),
    "solve_triangular": la.solve_triangular,
    "solve_banded": lambda A, b: la.solve_banded((1, 1), A, b),
    "solveh_banded": la.solveh_banded,
    "solve_circulant": lambda A, b: la.solve_circulant(b, b),
    "lstsq": la.lstsq,
    "ridge": lambda A, b: la.ridge(A, b, 0.1),
    "the gradient of xp.linalg.solve": lambda A, b: pb.grad(
        lambda b: xp.sum(xp.real(xp.linalg.solve(A, b)))
    )(b),
    "the gradient of slogdet": lambda A, b: pb.grad(lambda A: xp.real(xp.linalg.slogdet(A)[1]))(A),
}  # fmt: skip


PRECISIONS = [
    name for name in ("float16", "longdouble", "clongdouble")
    if np.dtype(name) not in (np.dtype("float64"), np.dtype("complex128"))
]  # fmt: skip


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", BY_LAPACK)
def test_precisions_that_lapack_lacks_are_refused_by_name(name, dtype):
    with pytest.raises(TypeError, match=str(np.dtype(dtype))):
        BY_LAPACK[name](np.eye(3, dtype=dtype), np.ones(3, dtype))
    with pytest.raises(TypeError, match=r'x\.astype\("(float32|float64|complex128)"\)'):
        la.solve(np.eye(3, dtype=dtype), np.ones(3, dtype))


@pytest.mark.parametrize("dtype", [name for name in PRECISIONS if name != "float16"])
@pytest.mark.parametrize("name", ["cg", "minres", "gmres", "bicgstab", "lsmr"])
def test_iterations_run_in_wider_precisions(name, dtype):
    v, info = getattr(la, name)(2 * np.eye(3, dtype=dtype), np.ones(3, dtype))
    assert info.converged
    assert pb.to_numpy(v).dtype == dtype
    np.testing.assert_allclose(pb.to_numpy(v), 0.5)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint16"])
def test_integers_are_solved_in_double_precision(dtype):
    v = la.solve(np.eye(3, dtype=dtype), np.ones(3, dtype))
    assert v.dtype == "float64"
    np.testing.assert_array_equal(v, 1)
