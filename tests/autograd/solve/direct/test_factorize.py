"""`factorize`, `lstsq`, `ridge`, refinement: values, derivatives, gathered cotangents."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.autograd.solve.direct.dense import Dense

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._solve import KINDS, draw, host, shifted
from .test_solve import by_kind

xp, la = pb.xp, pb.linalg


def factorize(kind: Any, M: Any, **more: Any) -> Any:
    return la.factorize(kind.make(xp.asarray(M)), assume=kind.name, **kind.settings, **more)


# ── factorize ─────────────────────────────────────────────────────────────────────────────────


@by_kind
@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_all_methods_have_second_derivatives(kind, number, batch):
    M, b = draw((*batch, 3, 3), number), draw((3,), number, 1)
    B, C = draw((*batch, 3, 2), "complex", 2), draw((4, *(1 for _ in batch), 3, 1), seed=3)

    def f(M, b, B, C):
        F = factorize(kind, M)
        out = [F.solve(b), F.solve(B, transposed=True), F.solve(B, adjoint=True)]
        out += [F.solve(F.solve(C)), F.inv()]
        if kind.name not in ("tridiagonal", "banded"):
            out += [F.logdet(), F.det(), F.slogdet()[0]]
        return out

    pb.check_grads(f, (M, b, B, C), order=2, rtol=1e-5)


@by_kind
@pytest.mark.parametrize("number", ["real", "complex"])
def test_values(kind, number, lib):
    M, b = draw((3, 3), number), draw((3, 2), number, 1)
    A = host(kind.make(xp.asarray(M)))
    F = factorize(kind, lib.asarray(M))
    b_ = lib.asarray(b)
    np.testing.assert_allclose(host(F.solve(b_), lib), np.linalg.solve(A, b))
    np.testing.assert_allclose(host(F.solve(b_, transposed=True), lib), np.linalg.solve(A.T, b))
    np.testing.assert_allclose(host(F.solve(b_, adjoint=True), lib), np.linalg.solve(A.conj().T, b))
    np.testing.assert_allclose(host(F.inv(), lib), np.linalg.inv(A), atol=1e-14)
    assert F.shape == (3, 3)
    assert kind.name in repr(F)
    np.testing.assert_allclose(host(F.det(), lib), np.linalg.det(A))
    np.testing.assert_allclose(host(F.logdet(), lib), np.linalg.slogdet(A)[1])
    if kind.name in ("tridiagonal", "banded"):
        with pytest.raises(NotImplementedError, match="general"):
            F.condition()
        return
    if kind.name not in ("diagonal", "circulant"):
        condition = np.linalg.cond(A, 1)
        found = float(F.condition()) if lib.name == "numpy" else float(lib.to_numpy(F.condition()))
        assert condition / 3 < found < condition * 1.0001  # an estimate, from below


def test_methods_refuse_what_they_cannot_do():
    F = la.factorize(np.eye(2, dtype="float32"))
    with pytest.raises(TypeError, match="float64"):
        F.solve(np.ones(2))
    with pytest.raises(ValueError, match="choose one"):
        F.solve(np.ones(2, "float32"), transposed=True, adjoint=True)
    double = la.factorize(np.eye(2))
    assert double.solve(np.ones(2, "float32")).dtype == np.float64


@pytest.mark.parametrize("assume", ["general", "symmetric", "positive"])
def test_many_solves_make_one_product(assume, monkeypatch):
    """However often a factor is used, A's cotangent is laid out once."""
    calls = []
    matrix_bar = Dense.matrix_bar
    monkeypatch.setattr(
        Dense, "matrix_bar", lambda self, row, *rest: calls.append(row.shape) or matrix_bar(self, row, *rest)
    )  # fmt: skip
    M = draw((4, 4))
    A = M @ M.T + np.eye(4)
    bs = [draw((4,), seed=k) for k in range(6)]

    def one_by_one(A):
        return sum(xp.sum(la.solve(A, b, assume=assume) ** 2) for b in bs)

    def by_one_factor(A):
        F = la.factorize(A, assume=assume)
        return sum(xp.sum(F.solve(b) ** 2) for b in bs) + 0 * F.logdet()

    wanted = pb.grad(one_by_one)(A)
    assert len(calls) == 6
    calls.clear()
    np.testing.assert_allclose(pb.grad(by_one_factor)(A), wanted, rtol=1e-12)
    assert calls == [(4, 6)]
    pb.check_grads(lambda M: by_one_factor(M @ M.T + np.eye(4)), (M,), order=3, rtol=1e-4)


def test_solves_of_different_batches_are_summed_apart():
    M, B, C = draw((2, 3, 3)), draw((2, 3, 1)), draw((4, 1, 3, 2))
    pb.check_grads(
        lambda M: [(F := la.factorize(shifted(M))).solve(B), F.solve(C), F.solve(C[0, 0, :, 0])],
        (M,),
        order=2,
    )


def test_a_factor_made_outside_is_constant():
    A = shifted(xp.asarray(draw((3, 3))))
    F = la.factorize(A)
    b = draw((3,))
    np.testing.assert_allclose(
        pb.grad(lambda b: xp.sum(F.solve(b)))(b), np.linalg.solve(host(A).T, np.ones(3))
    )
    pb.check_grads(lambda b: F.solve(F.solve(b) * b), (b,), order=2)


def test_transforms():
    A, b = host(shifted(xp.asarray(draw((3, 3))))), draw((3,))
    f = lambda A: la.factorize(A).solve(b) + la.solve(A, b) + xp.linalg.solve(A, b)
    J = pb.jacobian(f)(A)
    v = np.linalg.solve(A, b)
    wanted = -3 * np.einsum("ij,k->ijk", np.linalg.inv(A), v)
    np.testing.assert_allclose(J, wanted, atol=1e-12)
    d = draw((3, 3), seed=5)
    np.testing.assert_allclose(pb.jvp(f, (A,), (d,))[1], np.einsum("ijk,jk->i", wanted, d))
    np.testing.assert_allclose(pb.grad(lambda A: xp.sum(pb.checkpoint(f)(A)))(A), wanted.sum(0))
    with pb.Tape() as tape:
        x = tape.watch(A)
        y = xp.sum(f(x))
    np.testing.assert_allclose(host(tape.gradient(y, [x])[0]), wanted.sum(0))
    with pb.debug_nans():
        pb.grad(lambda A: xp.sum(f(A)))(A)


def test_a_gaussian_process_needs_one_factorisation(monkeypatch):
    from pullback.backend.numpy import lapack as _lapack

    calls = []
    potrf = _lapack.potrf
    monkeypatch.setattr(_lapack, "potrf", lambda *args: calls.append(1) or potrf(*args))
    x, y = np.linspace(0, 1, 8), np.sin(5 * np.linspace(0, 1, 8))

    def loss(p):
        K = p[0] * xp.exp(-(((x[:, None] - x) / p[1]) ** 2)) + 0.01 * np.eye(8)
        K = la.factorize(K, assume="positive")
        return 0.5 * (y @ K.solve(y) + K.logdet())

    p = np.asarray([1.0, 0.3])
    pb.value_and_grad(loss)(p)
    assert len(calls) == 1
    pb.check_grads(loss, (p,), order=2)


@pytest.mark.usefixtures("only_new_objects")
def test_no_cycles_are_left():
    A, b = np.eye(30) * 2, np.ones(30)

    def step():
        pb.grad(lambda A: xp.sum((F := la.factorize(A)).solve(b)) + F.logdet())(A)

    step()
    gc.collect()
    gc.disable()
    try:
        step()
        assert gc.collect() == 0
    finally:
        gc.enable()


# ── iterative refinement ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS[:8], ids=lambda k: k.name)
def test_refinement_gives_single_precision_all_its_digits(kind, lib):
    M = draw((20, 20)).astype("float32")
    b = draw((20, 2), seed=1).astype("float32")
    M[0] *= 1e-3  # so that there is something to gain
    # made once, on the host: a product on a device is rounded otherwise, and its system has another solution
    A = host(kind.make(xp.asarray(M)))
    wanted = np.linalg.solve(A.astype("float64"), b)
    errors = []
    for steps in (0, 2):
        settings = {"assume": kind.name, "refine": steps}
        v = la.solve(xp.asarray(lib.asarray(A)), lib.asarray(b), **settings)
        assert v.dtype == np.float32
        errors.append(np.max(np.abs(host(v, lib) - wanted)) / np.max(np.abs(wanted)))
    # the last correction is added in double precision: what remains is one rounding, half a unit in the last place
    assert errors[1] <= 2.0**-24
    assert errors[1] <= errors[0]


def test_refinement_of_hilbert_s_matrix():
    A, b = scipy.linalg.hilbert(5).astype("float32"), np.ones(5, "float32")
    wanted = np.linalg.solve(A.astype("float64"), b)
    error = lambda v: np.max(np.abs(host(v) - wanted)) / np.max(np.abs(wanted))
    assert error(la.solve(A, b)) > 1e-4
    assert error(la.solve(A, b, refine=3)) < 1e-7
    g = pb.grad(lambda b: xp.sum(la.solve(A, b, refine=3)))(b)
    np.testing.assert_allclose(g, np.linalg.solve(A.T.astype("float64"), np.ones(5)), rtol=1e-6)
    pb.check_grads(lambda A, b: la.solve(shifted(A), b, refine=1), (draw((3, 3)), draw((3,))), order=2)  # fmt: skip
    F = la.factorize(A, refine=2)
    assert error(F.solve(b)) < 1e-5
    np.testing.assert_allclose(float(F.det()), np.linalg.det(A.astype("float64")), rtol=1e-2)


# ── least squares ─────────────────────────────────────────────────────────────────────────────
