"""The ends of what a system may be: of order 0, without right-hand sides or matrices, of zeros, of other precisions."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._degenerate_systems import KINDS

xp, la = pb.xp, pb.linalg
SHAPES = [
    ((0, 0), (0,)), ((0, 0), (0, 2)), ((2, 2), (2, 0)), ((0, 2, 2), (0, 2, 1)), ((3, 0, 0), (3, 0, 2)),
    ((2, 2), (0, 2, 3)),
]  # fmt: skip


def matrices(shape):
    return np.zeros(shape) if 0 in shape else np.eye(shape[-1])


def both_gradients(f, A, b):
    """Of the shapes of A and b, and nothing but zeros or nothing at all."""
    for g, x in zip(
        pb.grad(lambda A, b: xp.sum(f(A, b)), argnums=(0, 1))(A, b), (A, b), strict=True
    ):
        assert g.shape == x.shape
        assert not pb.to_numpy(g).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("A", "b"), SHAPES)
def test_empty_dense_systems(A, b, kind, lib):
    A, b = lib.asarray(matrices(A)), lib.asarray(np.zeros(b))
    f = lambda A, b: la.solve(A, b, assume=kind)
    assert f(A, b).shape == b.shape
    made = la.factorize(A, assume=kind)
    assert made.solve(b).shape == b.shape
    if lib.name == "numpy":
        both_gradients(f, A, b)
        assert made.slogdet()[1].shape == A.shape[:-2]
        assert np.all(pb.to_numpy(made.logdet()) == 0)


@pytest.mark.parametrize("rows", [(0,), (0, 2)])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("width", [0, 1, 2])
def test_empty_bands_and_circulants(width, lower, rows, lib):
    b = lib.asarray(np.zeros(rows))
    calls = [
        (lambda ab, b: la.solveh_banded(ab, b, lower=lower), (width + 1, 0)),
        (lambda ab, b: la.solve_banded((width, 1), ab, b), (width + 2, 0)),
        (la.solve_circulant, (0,)),
        (lambda A, b: la.solve_triangular(A, b, lower=lower), (0, 0)),
    ]
    for f, shape in calls:
        A = lib.asarray(np.zeros(shape))
        assert f(A, b).shape == rows
        both_gradients(f, A, b)


@pytest.mark.parametrize("solver", ["cg", "minres", "gmres", "bicgstab", "lsmr", "lstsq"])
def test_empty_iterations(solver, lib):
    def f(A, b):
        out = getattr(la, solver)(A, b)
        return out[0] if isinstance(out, tuple) else out

    shapes = [((0, 0), (0,)), *([((0, 3), (0,)), ((3, 0), (3,))] if solver[:2] == "ls" else [])]
    for A, b in shapes:
        A, b = lib.asarray(np.zeros(A)), lib.asarray(np.ones(b))
        x = f(A, b)
        assert x.shape == (A.shape[1],)
        assert not pb.to_numpy(x).any()
        both_gradients(f, A, b)
    if solver == "lsmr":
        assert la.lsmr(np.zeros((0, 3)), np.zeros(0), damp=0.1)[1].converged


def test_empty_sparse_systems():
    A = pb.sparse.csr_array((np.zeros(0), np.zeros(0, int), np.zeros(1, int)), shape=(0, 0))
    assert la.spsolve(A, np.zeros(0)).shape == (0,)
    assert la.spsolve(A, np.zeros((0, 2))).shape == (0, 2)


# ── zeros ─────────────────────────────────────────────────────────────────────────────────────


# ── precisions ────────────────────────────────────────────────────────────────────────────────
