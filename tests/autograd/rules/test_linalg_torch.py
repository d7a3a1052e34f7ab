"""Linear algebra against PyTorch's gradients, real and complex."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...cases.linalg import hermitian, matrix

xp = pb.xp
la = pb.xp.linalg
ORDS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)

# name: the function here, the one of torch.linalg and a matrix, the matrix's shape
PAIRS: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "det": (la.det, lambda T, x: T.det(x), (2, 4, 4)),
    "slogdet": (lambda x: la.slogdet(x)[1], lambda T, x: T.slogdet(x)[1], (3, 3)),
    "inv": (la.inv, lambda T, x: T.inv(x), (2, 3, 3)),
    "pinv": (la.pinv, lambda T, x: T.pinv(x), (4, 3)),
    "power": (lambda x: la.matrix_power(x, -3), lambda T, x: T.matrix_power(x, -3), (3, 3)),
    "cholesky": (
        lambda x: la.cholesky(hermitian(xp, x)),
        lambda T, x: T.cholesky(0.5 * (x + x.mH)),
        (2, 3, 3),
    ),
    "upper": (
        lambda x: la.cholesky(hermitian(xp, x), upper=True),
        lambda T, x: T.cholesky(0.5 * (x + x.mH), upper=True),
        (3, 3),
    ),
    "qr": (lambda x: la.qr(x)[1], lambda T, x: T.qr(x)[1], (4, 3)),
    "wide qr": (lambda x: la.qr(x)[0], lambda T, x: T.qr(x)[0], (2, 3)),
    "eigh": (lambda x: xp.abs(la.eigh(x)[1]), lambda T, x: T.eigh(x)[1].abs(), (3, 3)),
    "eigvalsh": (la.eigvalsh, lambda T, x: T.eigvalsh(x), (2, 3, 3)),
    "eigvals": (
        lambda x: xp.sum(la.eigvals(x) ** 3),
        lambda T, x: (T.eigvals(x) ** 3).sum(),
        (3, 3),
    ),
    "eig": (lambda x: xp.abs(la.eig(x)[1]), lambda T, x: T.eig(x)[1].abs(), (3, 3)),
    "svd": (
        lambda x: xp.abs(la.svd(x, full_matrices=False)[0]),
        lambda T, x: T.svd(x, full_matrices=False)[0].abs(),
        (4, 3),
    ),
    "svdvals": (la.svdvals, lambda T, x: T.svdvals(x), (2, 3, 4)),
    "solve": (lambda x: la.solve(x, x[0]), lambda T, x: T.solve(x, x[0]), (3, 3)),
    "cross": (lambda x: la.cross(x, x[0]), lambda T, x: T.cross(x, x[:1].expand(4, 3)), (4, 3)),
    "vecdot": (lambda x: xp.vecdot(x, x[0]), lambda T, x: T.vecdot(x, x[:1]), (4, 3)),
    **{
        f"matrix norm {p}": (
            functools.partial(la.matrix_norm, ord=p),
            lambda T, x, p=p: T.matrix_norm(x, ord=p),
            (2, 3, 2),
        )
        for p in ORDS
    },
    **{
        f"vector norm {p}": (
            functools.partial(la.vector_norm, ord=p),
            lambda T, x, p=p: T.vector_norm(x, ord=p),
            (2, 3),
        )
        for p in (2, 1, 3, -1, 0.5, math.inf, -math.inf)
    },
}


def torch_gradient(f: Any, x: np.ndarray, weights: Any) -> np.ndarray:
    """Of Re Σ w f(torch.linalg, x), by torch."""
    torch = pytest.importorskip("torch", reason="the comparison needs PyTorch")
    x = torch.tensor(x, requires_grad=True)
    y = f(torch.linalg, x)
    (y * torch.as_tensor(weights(tuple(y.shape), y.is_complex()))).real.sum().backward()
    return x.grad.resolve_conj().numpy()


def random_weights(shape: tuple[int, ...], complex: bool) -> np.ndarray:
    draw = np.random.default_rng(3)
    return draw.normal(size=shape) + (1j * draw.normal(size=shape) if complex else 0)


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", PAIRS)
def test_against_torch(name, complex):
    here, there, shape = PAIRS[name]
    x = np.asarray(matrix(*shape, complex=complex).values)
    if name == "eigh":
        x = 0.5 * (x + x.conj().T)

    def f(x):
        y = here(x)
        w = random_weights(y.shape, xp.isdtype(y.dtype, "complex floating"))
        return xp.sum(xp.real(y * w))

    wanted = torch_gradient(there, x, random_weights)
    if name in ("eigh", "eigvalsh"):  # torch leaves it to the reader to symmetrise
        wanted = 0.5 * (wanted + np.conj(np.swapaxes(wanted, -1, -2)))
    np.testing.assert_allclose(pb.grad(f)(x), wanted, rtol=1e-9, atol=1e-10)
