"""Solvers and their gradients against torch's and lineax's, where they have the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ._solve import draw

la = pb.linalg


def weights(shape: tuple[int, ...], number: str) -> np.ndarray:
    return draw(shape, number, 9)


def ours(f: Callable[..., Any], args: tuple[np.ndarray, ...]) -> tuple[Any, ...]:
    """The value, and the gradients of Re Σ w f."""
    out = np.asarray(pb.to_numpy(f(*args)))
    w = weights(out.shape, "complex" if np.iscomplexobj(out) else "real")

    def loss(*xs: Any) -> Any:
        total = pb.xp.sum(w * f(*xs))
        return pb.xp.real(total) if np.iscomplexobj(w) else total

    return out, *pb.grad(loss, argnums=tuple(range(len(args))))(*args)


def matrices(kind: str, number: str) -> np.ndarray:
    M = draw((2, 4, 4), number)
    if kind == "positive":
        return M @ M.conj().mT + 4 * np.eye(4)
    return M + 4 * np.eye(4)


TORCH = {
    "general": (la.solve, lambda t: t.linalg.solve),
    "positive": (
        lambda A, b: la.solve(A, b, assume="positive"),
        lambda t: lambda A, b: t.cholesky_solve(b, t.linalg.cholesky(A)),
    ),
    "lower": (
        lambda A, b: la.solve(A, b, assume="lower"),
        lambda t: lambda A, b: t.linalg.solve_triangular(A, b, upper=False),
    ),
    "unit upper": (
        lambda A, b: la.solve(A, b, assume="unit upper"),
        lambda t: lambda A, b: t.linalg.solve_triangular(A, b, upper=True, unitriangular=True),
    ),
    "lu": (
        lambda A, b: la.factorize(A).solve(b, adjoint=True),
        lambda t: lambda A, b: t.linalg.lu_solve(*t.linalg.lu_factor(A), b, adjoint=True),
    ),
    "lstsq": (la.lstsq, lambda t: lambda A, b: t.linalg.lstsq(A, b).solution),
}


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("name", TORCH)
def test_torch(name, number):
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    f, theirs = TORCH[name]
    A, b = matrices(name, number), draw((2, 4, 3), number, 1)
    if name == "lstsq":
        A = draw((2, 6, 4), number)
        b = draw((2, 6, 3), number, 1)
    A = np.tril(A) if name == "lower" else np.triu(A) if name == "unit upper" else A
    value, *gradients = ours(f, (A, b))
    given = [torch.tensor(x, requires_grad=True) for x in (A, b)]
    out = theirs(torch)(*given)
    loss = (torch.tensor(weights(value.shape, number)) * out).sum().real
    wanted = torch.autograd.grad(loss, given)
    np.testing.assert_allclose(value, out.detach().numpy(), atol=1e-12)
    for place, (mine, other) in enumerate(zip(gradients, wanted, strict=True)):
        other = other.resolve_conj().numpy()
        if name == "positive" and place == 0:  # torch's, of the triangle that it reads
            other = 0.5 * (other + other.conj().mT)
        np.testing.assert_allclose(mine, other, atol=1e-12)


LINEAX = {
    "general": ((), "AutoLinearSolver", "general"),
    "positive": (("positive_semidefinite_tag",), "Cholesky", "positive"),
    "lower": (("lower_triangular_tag",), "Triangular", "lower"),
    "diagonal": (("diagonal_tag",), "Diagonal", "diagonal"),
    "tridiagonal": (("tridiagonal_tag",), "Tridiagonal", "tridiagonal"),
}


@pytest.mark.parametrize("name", LINEAX)
def test_lineax(name):
    lx = pytest.importorskip("lineax", reason="lineax is a peer, not a dependency")
    import jax

    jax.config.update("jax_enable_x64", True)
    tags, solver, assume = LINEAX[name]
    A, b = matrices(name, "real")[0], draw((4,), seed=1)
    A = np.tril(A) if name == "lower" else np.diag(np.diag(A)) if name == "diagonal" else A
    A = np.triu(np.tril(A, 1), -1) if name == "tridiagonal" else A
    value, A_bar, b_bar = ours(lambda A, b: la.solve(A, b, assume=assume), (A, b))
    chosen = getattr(lx, solver)(*([True] if solver == "AutoLinearSolver" else []))

    def theirs(A: Any, b: Any) -> Any:
        operator = lx.MatrixLinearOperator(A, tuple(getattr(lx, tag) for tag in tags))
        return lx.linear_solve(operator, b, chosen).value

    w = weights(value.shape, "real")
    np.testing.assert_allclose(value, theirs(A, b), atol=1e-12)
    wanted = jax.grad(lambda A, b: (w * theirs(A, b)).sum(), argnums=(0, 1))(A, b)
    np.testing.assert_allclose(b_bar, wanted[1], atol=1e-12)
    other = np.asarray(wanted[0])
    symmetric = lambda X: 0.5 * (X + X.T)
    if name == "positive":
        other = symmetric(other)
    elif name != "general":
        other = np.where(A != 0, other, 0)
    np.testing.assert_allclose(A_bar, other, atol=1e-12)
