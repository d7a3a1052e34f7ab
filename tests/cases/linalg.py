"""Rows for the extension `linalg`, `tensordot` and `vecdot`.

What a row cannot say is in `autograd/rules/test_linalg.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import array_api_compat.numpy
import numpy as np

import pullback as pb
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from ._table import Case, K, P, R, X, Z, row


def matrix(
    *shape: int, complex: bool = False, seed: int = 0, values: tuple[float, ...] = ()
) -> Any:
    """A matrix, or a batch, whose eigenvalues and singular values lie well apart: a diagonal and some noise."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-0.4, 0.4, shape)
    if complex:
        noise = noise + 1j * rng.uniform(-0.4, 0.4, shape)
    rows, columns = shape[-2:]
    middle = np.zeros((rows, columns))
    k = min(rows, columns)
    middle[range(k), range(k)] = values or [1.5 * (i + 1) for i in range(k)]
    return X(noise + middle)


def of(f: Callable[..., Any]) -> dict[str, Any]:
    """A function of a namespace and arrays, as a row runs it."""
    return {
        "_call": functools.partial(f, pb.xp),
        "_ref": functools.partial(f, array_api_compat.numpy),
    }


def adjoint(xp: Any, a: Any) -> Any:
    return xp.conj(xp.matrix_transpose(a))


def hermitian(xp: Any, a: Any) -> Any:
    return 0.5 * (a + adjoint(xp, a))


def projector(xp: Any, V: Any) -> Any:
    """V Vᴴ, which depends on the span of the columns alone."""
    return V @ adjoint(xp, V)


def first(x: Any) -> Any:
    """The first column, if there is one: the standard has no slices beyond the end."""
    return x[..., : min(1, x.shape[-1])]


def polar(a: Any) -> Any:
    U, _, Vh = np.linalg.svd(a, full_matrices=False)
    return U @ Vh


# ── products ──────────────────────────────────────────────────────────────────────────────────

TENSORDOTS = [
    ("2", (2, 3, 4), (3, 4, 2), 2),
    ("1", (2, 3), (3, 2), 1),
    ("0", (2,), (2, 2), 0),
    ("all", (2, 3), (2, 3), 2),
    ("pairs", (2, 3, 2), (4, 2, 2), ((0, 2), (2, 1))),
    ("from the end", (2, 3), (3, 2), ((-2,), (-1,))),
    ("crossed", (2, 3, 4), (4, 2, 3), ((0, 1, 2), (1, 2, 0))),
    ("empty", (2, 0), (0, 3), 1),
    ("vectors", (3,), (3,), 1),
]

VECDOTS = [
    ("vectors", (3,), (3,), -1),
    ("batch", (2, 3), (2, 3), -1),
    ("stretched", (2, 1, 3), (4, 3), -1),
    ("batch by vector", (2, 3), (3,), -1),
    ("axis −2", (3, 2), (2, 3, 1), -2),
    ("axis 0", (3, 2), (3, 1), 0),
    ("empty", (2, 0), (2, 0), -1),
]

CROSSES = [
    ("vectors", (3,), (3,), -1),
    ("batch by vector", (2, 3), (3,), -1),
    ("stretched", (2, 1, 3), (4, 3), -1),
    ("axis −2", (2, 3, 1), (3, 2), -2),
    ("empty batch", (0, 3), (3,), -1),
]


FROM_FRONT = {"array_api_strict": "counts the axis from the end"}


def products(M: Callable[..., Any], kind: str) -> list[Case]:
    return [
        *(
            row("tensordot", kind + label, M(*a), M(*b), axes=axes)
            for label, a, b, axes in TENSORDOTS
        ),
        *(row("vecdot", kind + label, M(*a), M(*b), axis=axis, _skip=FROM_FRONT if axis >= 0 else {})
          for label, a, b, axis in VECDOTS),
        *(
            row("linalg.cross", kind + label, M(*a), M(*b), axis=axis)
            for label, a, b, axis in CROSSES
        ),
        row("linalg.outer", kind + "vectors", M(3), M(2)),
        row("linalg.outer", kind + "empty", M(0), M(2)),
        *(
            row("linalg.diagonal", f"{kind}offset {k}", M(2, 3, 4), offset=k)
            for k in (0, 1, -1, 3, -2)
        ),
        row("linalg.diagonal", kind + "beyond", M(2, 3), offset=5),
        *(row("linalg.trace", f"{kind}offset {k}", M(2, 3, 4), offset=k) for k in (0, 2, -1)),
        row("linalg.trace", kind + "one matrix", M(3, 3)),
        row("linalg.trace", kind + "empty", M(2, 0, 3)),
    ]  # fmt: skip


MIXED = [
    row("tensordot", "real by complex", R(2, 3), Z(3, 2), axes=1),
    row("vecdot", "real by complex", R(3), Z(2, 3)),
    row("vecdot", "complex by real", Z(2, 3), R(3)),
    row("linalg.cross", "real by complex", R(3), Z(2, 3)),
    row("linalg.solve", "real by complex", matrix(2, 2), Z(2, 2)),
    row("linalg.solve", "complex by real vector", matrix(3, 2, 2, complex=True), R(2)),
    row("linalg.solve", "the matrix alone", matrix(2, 2), K([1.0, -2.0])),
    row("linalg.solve", "the right-hand side alone", K([[2.0, 1.0], [0.5, -1.0]]), R(3, 2, 1)),
    row("linalg.trace", "dtype", R(3, 3), dtype=np.float64, _skip={"float32": "asks for float64"}),
    row("divide_where_separated", "no zeros", R(2, 3), P(3), K([True, False, True]), _order=3,
        _call=function_of(find("divide_where_separated")), _ref=lambda x1, x2, condition: x1 / x2),
    *(row("polar", f"{kind}{label}", matrix(*shape, complex=kind != ""), _order=3,
          _call=function_of(find("polar")), _ref=polar)
      for kind in ("", "complex ") for label, shape in (("square", (3, 3)), ("tall", (2, 3, 2)), ("wide", (2, 3)))),
]  # fmt: skip

# ── determinants, inverses, solves ────────────────────────────────────────────────────────────


def singular(n: int, rank: int, *, complex: bool = False) -> Any:
    """A matrix of a lower rank."""
    return X(
        np.asarray(matrix(n, rank, complex=complex).values)
        @ matrix(rank, n, complex=complex, seed=1).values
    )


def nearly_singular(complex: bool) -> np.ndarray:
    """A matrix 4 × 4 with a singular value of 1e-12."""
    U, _, Vh = np.linalg.svd(matrix(4, 4, complex=complex, seed=5).values)
    return (U * np.asarray([2.0, 1.4, 0.9, 1e-12])) @ Vh


SOLVES = [
    ("vector", (3, 3), (3,)),
    ("matrix", (3, 3), (3, 2)),
    ("batch by vector", (2, 3, 3), (3,)),
    ("batch", (2, 3, 3), (2, 3, 2)),
    ("batch by matrix", (2, 3, 3), (3, 2)),
    ("matrix by batch", (3, 3), (2, 3, 1)),
    ("stretched", (2, 1, 2, 2), (3, 2, 1)),
    ("square right-hand side", (2, 2, 2), (2, 2)),
    ("empty", (0, 0), (0, 2)),
    ("no right-hand side", (2, 2), (2, 0)),
]


def inverses(complex: bool, kind: str) -> list[Case]:
    m = functools.partial(matrix, complex=complex)
    M = Z if complex else R
    low = functools.partial(singular, complex=complex)
    return [
        *(row("linalg.det", f"{kind}{n}", M(n, n), _order=3) for n in (0, 1, 2, 3)),
        *(
            row(
                "linalg.det",
                f"{kind}{n}",
                m(n, n, values=(1.0, -1.2, 0.8, 1.5, -0.7)[:n]),
                _order=3,
            )
            for n in (4, 5)
        ),
        row("linalg.det", kind + "batch", m(2, 3, 4, 4)),
        row("linalg.det", kind + "empty batch", M(0, 4, 4)),
        row("linalg.det", kind + "3, rank 2", low(3, 2), _order=3),
        row("linalg.det", kind + "3, rank 1", low(3, 1), _order=3),
        row(
            "linalg.det",
            kind + "4, rank 3",
            low(4, 3),
            _order=3,
            _skip={"float32": "its rank is 4 there"},
        ),
        row(
            "linalg.det",
            kind + "4, rank 2",
            low(4, 2),
            _order=3,
            _skip={"float32": "its rank is 4 there"},
        ),
        row(
            "linalg.det",
            kind + "equal singular values",
            X(np.eye(4) * (1 + 0j if complex else 1.0)),
            _order=3,
        ),
        row("linalg.det", kind + "nearly singular", X(nearly_singular(complex)), _order=2),
        row(
            "linalg.det",
            kind + "batch of regular and singular",
            X(
                np.stack(
                    [
                        m(4, 4).values,
                        low(4, 3).values,
                        nearly_singular(complex),
                        low(4, 2).values,
                        m(4, 4, seed=3, values=(1.0, -1.2, 0.8, 1.5)).values,
                        np.diag([1.0, 2.0, 3.0, 0.0]),
                    ]
                ).reshape(3, 2, 4, 4)
            ),
            _skip={"float32": "the rank of some is higher there"},
        ),
        row("linalg.slogdet", kind + "matrix", m(3, 3)),
        row("linalg.slogdet", kind + "batch", m(2, 2, 2)),
        row("linalg.slogdet", kind + "negative", m(2, 2, values=(-1.5, 2.0))),
        row("linalg.slogdet", kind + "empty", M(0, 0)),
        row("linalg.inv", kind + "matrix", m(3, 3), _order=3),
        row("linalg.inv", kind + "batch", m(2, 1, 2, 2)),
        row("linalg.inv", kind + "empty", M(0, 0)),
        *(row("linalg.solve", kind + label, m(*a), M(*b)) for label, a, b in SOLVES),
        *(
            row("linalg.matrix_power", f"{kind}{n}", m(2, 2, 2, values=(1.0, -1.3)), n)
            for n in (-3, -1, 0, 1, 2, 5)
        ),
        row("linalg.matrix_power", kind + "empty", M(0, 0), 3),
        row("linalg.pinv", kind + "square", m(3, 3)),
        row("linalg.pinv", kind + "tall", m(3, 2)),
        row("linalg.pinv", kind + "wide", m(2, 2, 3)),
        row("linalg.pinv", kind + "rtol", m(2, 3), rtol=1e-3),
        row("linalg.pinv", kind + "empty", M(0, 2)),
    ]


# ── factors ───────────────────────────────────────────────────────────────────────────────────


def cholesky(xp: Any, a: Any, *, upper: bool = False) -> Any:
    return xp.linalg.cholesky(hermitian(xp, a), upper=upper)


def qr(xp: Any, a: Any, *, mode: str = "reduced") -> Any:
    """Q and R; of the columns that complete Q the space that they span."""
    Q, R = xp.linalg.qr(a, mode=mode)
    n = min(a.shape[-2:])
    return Q[..., :n], R, projector(xp, Q[..., n:])


def eigh(xp: Any, a: Any) -> Any:
    w, V = xp.linalg.eigh(hermitian(xp, a))
    return w, projector(xp, first(V)), xp.abs(V)


def eig(xp: Any, a: Any) -> Any:
    """Sorted, since an order may change with the last bit; the eigenvalues' moduli lie apart."""
    w, V = xp.linalg.eig(a)
    order = xp.argsort(xp.abs(w), axis=-1)
    V = xp.take_along_axis(V, xp.broadcast_to(order[..., None, :], V.shape), axis=-1)
    return xp.take_along_axis(w, order, axis=-1), projector(xp, first(V)), xp.abs(V)


def eigvals(xp: Any, a: Any) -> Any:
    w = xp.linalg.eigvals(a)
    return xp.take_along_axis(w, xp.argsort(xp.abs(w), axis=-1), axis=-1)


def eigvals_sums(xp: Any, a: Any) -> Any:
    """Symmetric functions of the eigenvalues, whatever their order."""
    w = xp.linalg.eigvals(a)
    return xp.sum(w * w * w, axis=-1), xp.sum(xp.abs(w) ** 1.5, axis=-1)


def eig_sums(xp: Any, a: Any) -> Any:
    w, V = xp.linalg.eig(a)
    return xp.sum(xp.exp(w)), xp.sum(xp.abs(V) * xp.abs(w), axis=-1)


def svd(xp: Any, a: Any, *, full_matrices: bool = True) -> Any:
    U, S, Vh = xp.linalg.svd(a, full_matrices=full_matrices)
    k = S.shape[-1]
    V = adjoint(xp, Vh)
    spans = [projector(xp, x) for x in (first(U), first(V), U[..., k:], V[..., k:])]
    return S, U[..., :k] @ Vh[..., :k, :], *spans


def symmetric_values(xp: Any, a: Any) -> Any:
    return xp.linalg.eigvalsh(hermitian(xp, a))


SHAPES = [
    ("square", (3, 3)),
    ("tall", (4, 2)),
    ("wide", (2, 3)),
    ("batch", (2, 3, 2)),
    ("one column", (3, 1)),
]


def factors(complex: bool, kind: str) -> list[Case]:
    m = functools.partial(matrix, complex=complex)
    M = Z if complex else R
    turns = np.asarray([[0.5, 2.0, 0.1], [-1.5, 0.3, 0.2], [0.3, -0.1, -1.2]]) * (
        1 + 0.2j if complex else 1
    )
    return [
        *(row("linalg.cholesky", f"{kind}upper {up}", m(3, 3, values=(2.0, 3.0, 1.5)), upper=up, _order=3,
              **of(cholesky)) for up in (False, True)),
        row("linalg.cholesky", kind + "batch", m(2, 2, 2), **of(cholesky)),
        row("linalg.cholesky", kind + "empty", M(0, 0), **of(cholesky)),
        *(row("linalg.qr", kind + label, m(*shape), **of(qr)) for label, shape in SHAPES),
        *(row("linalg.qr", f"{kind}complete {label}", m(*shape), mode="complete", **of(qr)) for label, shape in SHAPES),
        row("linalg.qr", kind + "empty", M(2, 0), **of(qr)),
        row("linalg.eigh", kind + "matrix", m(3, 3), _order=3, **of(eigh)),
        row("linalg.eigh", kind + "batch", m(2, 2, 2), **of(eigh)),
        row("linalg.eigh", kind + "empty", M(0, 0), **of(eigh)),
        row("linalg.eigvalsh", kind + "matrix", m(3, 3), _order=3, **of(symmetric_values)),
        row("linalg.eigvalsh", kind + "batch", m(2, 2, 2), **of(symmetric_values)),
        row("linalg.eigvalsh", kind + "empty", M(0, 0), **of(symmetric_values)),
        row("linalg.eig", kind + "matrix", m(3, 3), **of(eig)),
        row("linalg.eig", kind + "batch", m(2, 2, 2), **of(eig)),
        row("linalg.eig", kind + "complex pairs", X(turns), **of(eig_sums)),
        row("linalg.eigvals", kind + "complex pairs", X(turns), _order=3, **of(eigvals_sums)),
        row("linalg.eigvals", kind + "matrix", m(3, 3), _order=3, **of(eigvals)),
        row("linalg.eigvals", kind + "batch", m(2, 2, 2), **of(eigvals)),
        *(row("linalg.svd", kind + label, m(*shape), full_matrices=False, **of(svd)) for label, shape in SHAPES),
        *(row("linalg.svd", f"{kind}full {label}", m(*shape), **of(svd)) for label, shape in SHAPES),
        row("linalg.svd", kind + "empty", M(0, 2), full_matrices=False, **of(svd)),
        *(row("linalg.svdvals", kind + label, m(*shape)) for label, shape in SHAPES),
        row("linalg.svdvals", kind + "empty", M(0, 2)),
    ]  # fmt: skip


# ── norms ─────────────────────────────────────────────────────────────────────────────────────

SITUATIONS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("vector", (4,), {}),
    ("all axes", (2, 3), {}),
    ("axis", (2, 3), {"axis": 0}),
    ("axes, keepdims", (2, 3, 2), {"axis": (0, -1), "keepdims": True}),
    ("keepdims", (2, 2), {"keepdims": True}),
    ("0-d", (), {}),
]


def norms(complex: bool, kind: str) -> list[Case]:
    m = functools.partial(matrix, complex=complex)
    M = Z if complex else P
    zeros = np.asarray([[0.0, 2.0, -1.0], [0.0, 0.0, 0.0]]) * (1j if complex else 1)
    return [
        *(row("linalg.vector_norm", f"{kind}ord {p}, {label}", M(*shape), ord=p, **settings)
          for p in (2, 1, 3, math.inf, -math.inf) for label, shape, settings in SITUATIONS),
        *(row("linalg.vector_norm", f"{kind}ord {p}", M(2, 3), axis=-1, ord=p)
          for p in (0, 0.5, 1.5, 2.0, 2.5, -1, -2.5)),
        row("linalg.vector_norm", kind + "zeros", X(zeros), axis=-1, _order=1, _skip={"differences": "a kink"}),
        row("linalg.vector_norm", kind + "empty", M(0, 2), axis=0),
        *(row("linalg.matrix_norm", f"{kind}ord {p}, keepdims {keep}", m(2, 3), ord=p, keepdims=keep)
          for p in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf) for keep in (False, True)),
        *(row("linalg.matrix_norm", f"{kind}ord {p}, batch", m(2, 1, 3, 2), ord=p)
          for p in ("fro", "nuc", 1, -2, math.inf)),
        row("linalg.matrix_norm", kind + "ord None", M(2, 3), ord=None),
        row("linalg.matrix_norm", kind + "empty", M(0, 2)),
    ]  # fmt: skip


CASES = [
    *products(R, ""),
    *products(Z, "complex "),
    *MIXED,
    *inverses(False, ""),
    *inverses(True, "complex "),
    *factors(False, ""),
    *factors(True, "complex "),
    *norms(False, ""),
    *norms(True, "complex "),
]
