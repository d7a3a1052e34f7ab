"""The table of what makes sparse matrices of sparse matrices: one function for `pb.sparse` and for `scipy.sparse`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as ss

import pullback as pb

ROWS, COLUMNS = [2, 0, 0, 3, 2, 2], [1, 0, 3, 2, 1, 4]  # an empty row, and one place twice


@dataclass(frozen=True)
class Row:
    """A function of sparse matrices.

    Attributes
    ----------
    name : str
        What it is called.
    call : callable
        call(s, A, B, C, D) with s `pb.sparse` or `scipy.sparse`; A (4, 5) with duplicates, B (4, 5), C (5, 3), and
        D (4, 5) dense.
    real : bool
        Whether it takes real elements alone.
    differs : str
        Why the dtype or the format is not SciPy's.
    """

    name: str
    call: Callable[..., Any]
    real: bool = False
    differs: str = ""

    def __repr__(self) -> str:
        return self.name


def R(name: str, call: Callable[..., Any], **more: Any) -> Row:
    return Row(name, call, **more)


VECTOR = "a vector is by coordinates here, by rows too in SciPy"
UNARY = ["sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh", "arctanh", "expm1", "log1p"]

TABLE = [
    R("A + B", lambda s, A, B, C, D: A + B),
    R("A - B", lambda s, A, B, C, D: A - B),
    R("A + A", lambda s, A, B, C, D: A + A),
    R("A.tocsc() + B.tocsr()", lambda s, A, B, C, D: A.tocsc() + B.tocsr()),
    R("-A", lambda s, A, B, C, D: -A),
    R("A * 2.5", lambda s, A, B, C, D: A * 2.5),
    R("A / 2.5", lambda s, A, B, C, D: A / 2.5, differs="SciPy's quotient of float32 by a number is float64"),
    R("A * B", lambda s, A, B, C, D: A * B),
    R("multiply", lambda s, A, B, C, D: A.multiply(B)),
    R("multiply by a row", lambda s, A, B, C, D: A.tocsr()[[2]].multiply(B)),
    R("multiply by a column", lambda s, A, B, C, D: A.tocsr()[:, [1]].multiply(B)),
    R("A @ C", lambda s, A, B, C, D: A @ C),
    R("A.T @ B", lambda s, A, B, C, D: A.T @ B),
    R("A @ A.T", lambda s, A, B, C, D: A @ A.T),
    R("csr @ csc", lambda s, A, B, C, D: A.tocsr() @ C.tocsc()),
    R("dot", lambda s, A, B, C, D: A.dot(C)),
    R("A @ v", lambda s, A, B, C, D: A.tocsr() @ C.tocsr()[:, 1]),
    R("v @ B", lambda s, A, B, C, D: A.tocsr()[:, 1] @ B.tocsr()),
    R("v @ v", lambda s, A, B, C, D: A.tocsr()[2] @ B.tocsr()[2]),
    R("v + v", lambda s, A, B, C, D: A.tocsr()[2] + B.tocsr()[2], differs=VECTOR),
    R("v * v", lambda s, A, B, C, D: A.tocsr()[2] * B.tocsr()[0], differs=VECTOR),
    R("v @ dense", lambda s, A, B, C, D: A.tocsr()[2] @ D[:2, :].T),
    R("dense @ v", lambda s, A, B, C, D: D.T @ A.tocsr()[:, 1]),
    R("v.sum", lambda s, A, B, C, D: A.tocsr()[2].sum()),
    R("v.reshape", lambda s, A, B, C, D: A.tocsr()[2].reshape(5, 1)),
    R("A.T", lambda s, A, B, C, D: A.T),
    R("transpose", lambda s, A, B, C, D: A.transpose().copy()),
    R("toarray", lambda s, A, B, C, D: A.toarray()),
    R("todense", lambda s, A, B, C, D: A.todense()),
    R("A + dense", lambda s, A, B, C, D: A + D),
    R("dense - A", lambda s, A, B, C, D: D - A),
    R("A + 0", lambda s, A, B, C, D: A + 0),
    R("A * dense", lambda s, A, B, C, D: A * D),
    R("A * row", lambda s, A, B, C, D: A * D[0, :]),
    R("A * column", lambda s, A, B, C, D: A * D[:, :1]),
    R("row * dense", lambda s, A, B, C, D: A.tocsr()[[2]] * D),
    R("A / dense", lambda s, A, B, C, D: A / D),
    R("sum", lambda s, A, B, C, D: A.sum()),
    R("sum(0)", lambda s, A, B, C, D: A.sum(axis=0)),
    R("sum(-1)", lambda s, A, B, C, D: A.sum(axis=-1)),
    R("mean", lambda s, A, B, C, D: A.mean()),
    R("mean(0)", lambda s, A, B, C, D: A.mean(axis=0)),
    R("mean(1)", lambda s, A, B, C, D: A.mean(axis=1)),
    R("diagonal", lambda s, A, B, C, D: A.diagonal()),
    R("diagonal(1)", lambda s, A, B, C, D: A.diagonal(1)),
    R("diagonal(-2)", lambda s, A, B, C, D: A.diagonal(k=-2)),
    R("diagonal(9)", lambda s, A, B, C, D: A.diagonal(k=9)),
    R("trace", lambda s, A, B, C, D: A.trace()),
    R("power", lambda s, A, B, C, D: A.power(3)),
    R("A ** 2", lambda s, A, B, C, D: A**2),
    R("sqrt", lambda s, A, B, C, D: (A * A).sqrt(), real=True),
    R("abs", lambda s, A, B, C, D: abs(A)),
    R("conj", lambda s, A, B, C, D: A.conj()),
    R("real", lambda s, A, B, C, D: A.real),
    R("imag", lambda s, A, B, C, D: A.imag),
    R("reshape", lambda s, A, B, C, D: A.reshape(10, 2)),
    R("reshape -1", lambda s, A, B, C, D: A.reshape((2, -1))),
    R("reshape F", lambda s, A, B, C, D: A.reshape((5, 4), order="F")),
    *[R(name, lambda s, A, B, C, D, name=name: getattr(A * 0.25, name)()) for name in UNARY],
    *[
        R(name, lambda s, A, B, C, D, name=name: getattr(A, name)(), real=True)
        for name in ["deg2rad", "rad2deg", "sign", "floor", "ceil", "rint", "trunc"]
    ],
    # parts
    R("A[2:4]", lambda s, A, B, C, D: A.tocsr()[2:4]),
    R("A[::-1]", lambda s, A, B, C, D: A.tocsr()[::-1]),
    R("A[1::2, ::2]", lambda s, A, B, C, D: A.tocsr()[1::2, ::2]),
    R("A[2]", lambda s, A, B, C, D: A.tocsr()[2]),
    R("A[1] empty", lambda s, A, B, C, D: A.tocsc()[1]),
    R("A[-1, 1:4]", lambda s, A, B, C, D: A.tocsr()[-1, 1:4]),
    R("A[:, 1]", lambda s, A, B, C, D: A.tocsr()[:, 1]),
    R("A[:, 1] by columns", lambda s, A, B, C, D: A.tocsc()[:, 1]),
    R("A[[2, 0, 2]]", lambda s, A, B, C, D: A.tocsr()[[2, 0, 2]]),
    R("A[:, [1, 0, 1]]", lambda s, A, B, C, D: A.tocsc()[:, [1, 0, 1]]),
    R("A[mask]", lambda s, A, B, C, D: A.tocsr()[np.asarray([True, False, True, False])]),
    R("A[...]", lambda s, A, B, C, D: A.tocsr()[...]),
    R("A[2, [1, 4]]", lambda s, A, B, C, D: A.tocsr()[2, [1, 4]]),
    R("A[ix_]", lambda s, A, B, C, D: A.tocsr()[np.ix_([2, 0], [1, 0, 3])]),
    R("A[2, 1] twice there", lambda s, A, B, C, D: A.tocsr()[2, 1]),
    R("A[1, -1] not there", lambda s, A, B, C, D: A.tocsr()[1, -1]),
    R("A[pairs]", lambda s, A, B, C, D: A.tocsr()[[2, 1, 0], [1, 1, 3]]),
    R("A[mask2]", lambda s, A, B, C, D: A.tocsr()[np.arange(20).reshape(4, 5) % 3 == 0]),
    R("A[pairs] by coordinates", lambda s, A, B, C, D: s.coo_array(A)[[2, 1, 0], [1, 1, 3]]),
    R("v[1]", lambda s, A, B, C, D: A.tocsr()[2][1]),
    R("v[1:4]", lambda s, A, B, C, D: A.tocsr()[2][1:4]),
    R("v[[4, 1]]", lambda s, A, B, C, D: A.tocsr()[2][[4, 1]]),
    # assembly
    R("kron", lambda s, A, B, C, D: s.kron(A, C)),
    R("kron csr", lambda s, A, B, C, D: s.kron(A, C, format="csr")),
    R("kron with dense", lambda s, A, B, C, D: s.kron(D[:2, :2], C)),
    R("kronsum", lambda s, A, B, C, D: s.kronsum(A @ A.T, C.T @ C)),
    R("block_array", lambda s, A, B, C, D: s.block_array([[A, None], [B, s.eye_array(4, 3)]])),
    R("block_array csc", lambda s, A, B, C, D: s.block_array([[A, B], [B, None]], format="csc")),
    R("block_diag", lambda s, A, B, C, D: s.block_diag([A, [[1.0, 2.0]], 3.0, C])),
    R("hstack", lambda s, A, B, C, D: s.hstack([A, B])),
    R("vstack", lambda s, A, B, C, D: s.vstack([A, B], format="csr")),
    R("vstack of vectors", lambda s, A, B, C, D: s.vstack([A, A.tocsr()[2]])),
    R("tril", lambda s, A, B, C, D: s.tril(A, k=1)),
    R("triu", lambda s, A, B, C, D: s.triu(A, -1, format="csr")),
    R("diags of a diagonal", lambda s, A, B, C, D: s.diags_array(A.diagonal()) @ A),
    R(
        "diags_array",
        lambda s, A, B, C, D: s.diags_array(
            [A.sum(axis=0), A.sum(axis=1), [2.0]], offsets=[0, -1, 2], shape=(5, 5)
        ),
        differs="numbers in lists are weak: they do not widen float32",
    ),
    R(
        "the Laplacian of a grid",
        lambda s, A, B, C, D: (
            s.kron(s.eye_array(4), s.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(4, 4)))
            + s.kron(s.diags_array(A.sum(axis=1)), s.eye_array(4))
        ),
        differs="SciPy's diagonals are in the format DIA",
    ),
]  # fmt: skip


def operands(dtype: str = "float64") -> tuple[Any, Any, Any, Any]:
    """SciPy's matrices A by coordinates with a duplicate, B by rows, C by columns, D dense."""
    rng = np.random.default_rng(0)

    def values(n: int) -> Any:
        out = rng.uniform(0.3, 0.9, n) * rng.choice([-1.0, 1.0], n)
        if np.dtype(dtype).kind == "c":
            out = out + 1j * rng.uniform(-0.5, 0.5, n)
        return out.astype(dtype)

    first = values(6) if np.dtype(dtype).kind == "c" else np.abs(values(6))
    A = ss.coo_array((first, (ROWS, COLUMNS)), shape=(4, 5))
    B = ss.csr_array((values(5), [0, 1, 1, 2, 4], [0, 1, 1, 4, 5]), shape=(4, 5))
    C = ss.csc_array((values(4), [0, 1, 4, 4], [0, 1, 2, 4]), shape=(5, 3))
    return A, B, C, (np.arange(1.0, 21.0) / 10).reshape(4, 5).astype(dtype)


def ours(given: Any, there: Any) -> Any:
    """The same matrix in `pb.sparse`, elements and indices made by `there`."""
    if isinstance(given, np.ndarray):
        return pb.xp.asarray(there(given))
    if given.format == "coo":
        lines = tuple(there(x) for x in given.coords)
        return pb.sparse.coo_array((there(given.data), lines), shape=given.shape)
    kind = pb.sparse.csr_array if given.format == "csr" else pb.sparse.csc_array
    return kind((there(given.data), there(given.indices), there(given.indptr)), shape=given.shape)


def dense(x: Any) -> Any:
    """A result as a dense array."""
    return x.toarray() if pb.sparse.is_sparse(x) else x
