"""`pb.linalg`'s dense and structured solvers: values, derivatives, shapes and dtypes, by table."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._solve import KINDS, SHAPES, _name, draw, host, shifted, solve

xp, la = pb.xp, pb.linalg


by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)

MIXES = [("real", "real"), ("real", "complex"), ("complex", "real"), ("complex", "complex")]


# ── values ────────────────────────────────────────────────────────────────────────────────────


@by_kind
@pytest.mark.parametrize("numbers", MIXES, ids="-".join)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_values_are_numpys(kind, numbers, shapes):
    M, b = draw(shapes[0], numbers[0]), draw(shapes[1], numbers[1], 1)
    v = solve(kind, M, b)
    wanted = np.linalg.solve(host(kind.make(xp.asarray(M))), b)
    assert v.shape == wanted.shape
    assert v.dtype == wanted.dtype
    np.testing.assert_allclose(host(v), wanted, atol=1e-11)


@by_kind
@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("shapes", SHAPES[:7], ids=str)
def test_values_on_every_library(kind, number, shapes, lib):
    M, b = draw(shapes[0], number), draw(shapes[1], number, 1)
    v = solve(kind, lib.asarray(M), lib.asarray(b))
    assert lib.is_raw(pb.autograd.core.array.backend_array(v))
    np.testing.assert_allclose(host(v, lib), host(solve(kind, M, b)), atol=1e-11)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_layouts(kind, order):
    A = host(kind.make(xp.asarray(draw((4, 4), "complex"))))
    strided = np.repeat(np.repeat(A, 2, 0), 2, 1)[::2, ::2]
    laid = {"C": A, "F": np.asfortranarray(A), "strided": strided}[order]
    laid.flags.writeable = False
    b = draw((4, 2), "complex")
    settings = {"assume": kind.name, **kind.settings}
    np.testing.assert_allclose(host(la.solve(laid, b, **settings)), np.linalg.solve(A, b))


# ── derivatives ───────────────────────────────────────────────────────────────────────────────


@by_kind
@pytest.mark.parametrize("numbers", MIXES, ids="-".join)
@pytest.mark.parametrize("shapes", SHAPES[:8], ids=str)
def test_first_and_second_derivatives(kind, numbers, shapes):
    M, b = draw(shapes[0], numbers[0]), draw(shapes[1], numbers[1], 1)
    order = 2 if len(shapes[1]) < 3 else 1
    pb.check_grads(functools.partial(solve, kind), (M, b), order=order, rtol=1e-5)


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3], KINDS[9], KINDS[11]], ids=lambda k: k.name)
def test_third_derivatives(kind):
    pb.check_grads(
        functools.partial(solve, kind), (draw((3, 3)), draw((3,))), order=3, rtol=1e-4, atol=1e-4
    )


@by_kind
@pytest.mark.parametrize("number", ["real", "complex"])
def test_gradients_on_every_library(kind, number, lib):
    M, b = draw((2, 3, 3), number), draw((3, 2), number, 1)

    def loss(M: Any, b: Any) -> Any:
        v = solve(kind, M, b)
        return xp.sum(xp.abs(v) ** 2)

    wanted = pb.grad(loss, argnums=(0, 1))(M, b)
    found = pb.grad(loss, argnums=(0, 1))(lib.asarray(M), lib.asarray(b))
    for mine, theirs in zip(found, wanted, strict=True):
        assert lib.is_raw(mine)
        np.testing.assert_allclose(lib.to_numpy(mine), theirs, atol=1e-11)


@by_kind
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_stays(kind, dtype, lib):
    number = "complex" if dtype == "complex64" else "real"
    M, b = lib.asarray(draw((4, 4), number), dtype), lib.asarray(draw((4,), number, 1), dtype)

    def loss(M: Any, b: Any) -> Any:
        return xp.sum(xp.abs(solve(kind, M, b)) ** 2)

    assert _name(solve(kind, M, b)) == dtype
    grads = pb.grad(loss, argnums=(0, 1))(M, b)
    double = pb.grad(loss, argnums=(0, 1))(
        *(lib.to_numpy(x).astype("complex128" if number == "complex" else "float64") for x in (M, b))
    )  # fmt: skip
    for g, d in zip(grads, double, strict=True):
        assert lib.to_numpy(g).dtype == dtype
        np.testing.assert_allclose(lib.to_numpy(g), d, rtol=2e-4, atol=2e-4)


def test_one_factorisation_for_all_orders(monkeypatch):
    from pullback.backend.numpy import lapack as _lapack

    calls = []
    getrf = _lapack.getrf
    monkeypatch.setattr(_lapack, "getrf", lambda a: calls.append(a.shape) or getrf(a))
    A, b = shifted(xp.asarray(draw((5, 5)))), draw((5,))
    A = host(A)

    def penalty(solver: Any) -> Any:
        inner = pb.grad(lambda A: xp.sum(solver(A, b) ** 2))
        return pb.grad(lambda A: xp.sum(inner(A) ** 2))(A)

    for solver in (la.solve, xp.linalg.solve, lambda A, b: la.factorize(A).solve(b)):
        calls.clear()
        penalty(solver)
        assert calls == [(5, 5)]
    calls.clear()
    pb.grad(lambda A: xp.linalg.slogdet(A)[1] * xp.linalg.slogdet(A)[1])(A)
    assert len(calls) == 2


# ── SciPy's solvers ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_solve_triangular(number, trans, lower, unit, lib):
    a, b = draw((4, 4), number) + 2 * np.eye(4), draw((4,), number, 1)
    settings = {"trans": trans, "lower": lower, "unit_diagonal": unit}
    wanted = scipy.linalg.solve_triangular(a, b, **settings)
    found = la.solve_triangular(lib.asarray(a), lib.asarray(b), **settings)
    np.testing.assert_allclose(host(found, lib), wanted, atol=1e-12)
    pb.check_grads(functools.partial(la.solve_triangular, **settings), (a, b), order=2)


def test_solvers_refuse_what_they_cannot_read():
    with pytest.raises(ValueError, match=r"\(…, 3, n\)"):
        la.solve_banded((1, 1), np.ones((2, 4)), np.ones(4))
    with pytest.raises(ValueError, match="trans=3"):
        la.solve_triangular(np.eye(2), np.ones(2), trans=3)
    with pytest.raises(ValueError, match="refine"):
        la.solve(np.eye(2), np.ones(2), assume="diagonal", refine=1)


# ── the standard's functions ──────────────────────────────────────────────────────────────────


def test_the_primitive_s_own_rules_agree():
    """`find("linalg.solve")` is what runs without a derivative; its rules say what the factor's do."""
    A, b = draw((3, 3)) + 4 * np.eye(3), draw((3,))
    f = lambda solve: pb.grad(lambda A, b: xp.sum(solve(A, b) ** 2), argnums=(0, 1))(A, b)
    for mine, theirs in zip(f(function_of(find("linalg.solve"))), f(xp.linalg.solve), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    g = lambda slogdet: pb.grad(lambda A: slogdet(A)[1])(A)
    np.testing.assert_allclose(g(function_of(find("linalg.slogdet"))), g(xp.linalg.slogdet))
