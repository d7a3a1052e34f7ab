"""Linear algebra of Dask's arrays.

Matrices that are in one chunk, batches of them too, go to the library of the blocks. Of matrices in several chunks
Dask has the algorithms by blocks: QR and singular values of tall and wide ones, solutions and Cholesky factors of
those in square chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.typing import XP
from ..factors import DENSE, Factor, Inverse, dense_matrix
from . import blocks, reductions
from .blocks import zeros
from .shapes import refuse_unknown, told

# name: signature, kinds of results ("": that of the argument, "real", "complex")
WHOLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "linalg.det": ("(n,n)->()", ("",)),
    "linalg.slogdet": ("(n,n)->(),()", ("", "real")),
    "linalg.inv": ("(n,n)->(n,n)", ("",)),
    "linalg.cholesky": ("(n,n)->(n,n)", ("",)),
    "linalg.eigh": ("(n,n)->(n),(n,n)", ("real", "")),
    "linalg.eigvalsh": ("(n,n)->(n)", ("real",)),
    "linalg.eig": ("(n,n)->(n),(n,n)", ("complex", "complex")),
    "linalg.eigvals": ("(n,n)->(n)", ("complex",)),
    "linalg.pinv": ("(m,n)->(n,m)", ("",)),
    "linalg.matrix_rank": ("(m,n)->()", ("int",)),
    "expm": ("(n,n)->(n,n)", ("",)),
}


def _dtype(x: Any, kind: str) -> Any:
    """The dtype of a result, by that of the argument."""
    given = np.dtype(x.dtype)
    if kind == "int":
        return np.dtype(np.int64)
    if kind == "real":
        return np.empty(0, given).real.dtype
    return np.result_type(given, np.complex64) if kind == "complex" else given


def in_one_chunk(x: Any) -> bool:
    """Whether each matrix of a batch is in one chunk."""
    return x.ndim >= 2 and x.numblocks[-1] == 1 == x.numblocks[-2]


def matrices(name: str, x: Any, **settings: Any) -> Any:
    """A function of whole matrices, block by block over a batch."""
    signature, kinds = WHOLE[name]
    dtypes = [_dtype(x, kind) for kind in kinds]
    if len(kinds) == 1:
        return blocks.along(name, signature, x, dtype=dtypes[0], **settings)
    return blocks.along(name, signature, x, parts=len(kinds), dtype=dtypes, **settings)


def whole_matrices(name: str) -> Callable[..., Any]:
    """A function of the main namespace, of matrices that are put into one chunk: its rule makes them of several."""
    return lambda x: matrices(name, x.rechunk({x.ndim - 2: -1, x.ndim - 1: -1}))


def _by(name: str) -> Callable[..., Any]:
    return lambda x, /, **settings: matrices(name, x, **settings)


def bind(xp: XP) -> dict[str, Callable[..., Any]]:
    """The functions of `linalg`."""
    by_chunks = xp.linalg

    def cholesky(x: Any, /, *, upper: bool = False) -> Any:
        if in_one_chunk(x):
            return matrices("linalg.cholesky", x, upper=upper)
        _square_chunks("linalg.cholesky", x)
        import dask.array as da  # the arrays are Dask's: it is there

        return da.linalg.cholesky(x, lower=not upper)  # whose default is the upper one

    def inv(x: Any, /) -> Any:
        if in_one_chunk(x):
            return matrices("linalg.inv", x)
        _square_chunks("linalg.inv", x)
        return by_chunks.inv(x)

    def solve(x1: Any, x2: Any, /) -> Any:
        if in_one_chunk(x1):
            return _solve(x1, x2)
        _square_chunks("linalg.solve", x1)
        if x2.ndim > 2:
            raise NotImplementedError(
                "linalg.solve: a Dask matrix in several chunks takes a vector or one matrix on the right; "
                "x1.rechunk({0: -1, 1: -1}) puts it into one chunk"
            )
        rows = x1.chunks[0]
        if x2.ndim == 1:
            return by_chunks.solve(x1, x2.rechunk({0: rows}))
        return by_chunks.solve(x1, x2.rechunk({0: rows, 1: -1}))

    def qr(x: Any, /, *, mode: str = "reduced") -> Any:
        if in_one_chunk(x):
            return _qr(x, mode)
        _tall("linalg.qr", x)
        if mode != "reduced":
            raise NotImplementedError(
                "linalg.qr: of matrices in several chunks there is mode='reduced' alone"
            )
        return tuple(told(part) for part in by_chunks.qr(x))

    def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
        if in_one_chunk(x):
            return _svd(x, full_matrices)
        if full_matrices and x.shape[0] != x.shape[1]:
            raise NotImplementedError(
                "linalg.svd: of matrices in several chunks there is full_matrices=False alone"
            )
        if x.numblocks[-1] > 1:
            refuse_unknown("linalg.svd", x.shape)
            _tall("linalg.svd", x.T)
            V, s, Uh = by_chunks.svd(x.T, full_matrices=False)
            return told(Uh.T), told(s), told(V.T)
        _tall("linalg.svd", x)
        return tuple(told(part) for part in by_chunks.svd(x, full_matrices=False))

    def svdvals(x: Any, /) -> Any:
        if in_one_chunk(x):
            m, n = x.shape[-2:]
            return blocks.along(
                "linalg.svdvals", "(m,n)->(k)", x, dtype=_dtype(x, "real"), sizes={"k": min(m, n)}
            )
        return svd(x, full_matrices=False)[1]

    def matrix_power(x: Any, n: int, /) -> Any:
        return blocks.along(
            _power, "(n,n)->(n,n)", x, dtype=x.dtype, called="linalg.matrix_power", n=n
        )

    def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
        import dask.array as da  # the arrays are Dask's: it is there

        lines = [da.moveaxis(x, axis, -1) for x in (x1, x2)]
        out = blocks.along("linalg.cross", "(n),(n)->(n)", *lines, called="linalg.cross", axis=-1)
        return da.moveaxis(out, -1, axis)

    def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
        if 0 in x.shape and ord == "fro":
            return zeros((*x.shape[:-2], *((1, 1) if keepdims else ())), abs(x))
        if ord not in ("nuc", 2, -2):
            return scaled["matrix_norm"](x, keepdims=keepdims, ord=ord)
        s = svdvals(x)
        out = {"nuc": s.sum, 2: s.max, -2: s.min}[ord](axis=-1)
        return out[..., None, None] if keepdims else out

    scaled = reductions.scaled(xp)
    names = ("det", "slogdet", "eigh", "eigvalsh", "eig", "eigvals", "pinv", "matrix_rank")
    return {
        **{name: _by(f"linalg.{name}") for name in names}, "cholesky": cholesky, "inv": inv, "solve": solve, "qr": qr,
        "svd": svd, "svdvals": svdvals, "matrix_power": matrix_power, "cross": cross, "matrix_norm": matrix_norm,
        "vector_norm": scaled["vector_norm"],
    }  # fmt: skip


def _power(xp: Any, x: Any, *, n: int) -> Any:
    return xp.linalg.matrix_power(x, n)


def _solve(x1: Any, x2: Any) -> Any:
    """Systems that are in one chunk each."""
    signature = "(n,n),(n)->(n)" if x2.ndim == 1 else "(n,n),(n,k)->(n,k)"
    return blocks.along(
        "linalg.solve", signature, x1, x2, free="k", dtype=np.result_type(x1.dtype, x2.dtype)
    )  # fmt: skip


def _qr(x: Any, mode: str) -> Any:
    m, n = x.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return blocks.along(
        "linalg.qr", "(m,n)->(m,k),(k,n)", x, parts=2, dtype=[x.dtype, x.dtype], sizes={"k": k}, mode=mode
    )  # fmt: skip


def _svd(x: Any, full: bool) -> Any:
    m, n = x.shape[-2:]
    k = min(m, n)
    return blocks.along(
        "linalg.svd", "(m,n)->(m,p),(k),(q,n)", x, parts=3, dtype=[x.dtype, _dtype(x, "real"), x.dtype],
        sizes={"k": k, "p": m if full else k, "q": n if full else k}, full_matrices=full,
    )  # fmt: skip


def _square_chunks(name: str, x: Any) -> None:
    """Refuse matrices whose chunks are not square.

    Raises
    ------
    NotImplementedError
        If they are not.
    """
    refuse_unknown(name, x.shape[-2:])
    if x.ndim == 2 and x.chunks[0] == x.chunks[1] and len(set(x.chunks[0])) == 1:
        return
    n = x.shape[-1]
    side = max((k for k in range(1, x.chunks[-2][0] + 1) if n % k == 0), default=n)
    raise NotImplementedError(
        f"{name}: the Dask array of shape {x.shape} is in chunks {x.chunks}; each matrix has to be in one chunk, "
        f"x.rechunk({{{x.ndim - 2}: -1, {x.ndim - 1}: -1}}), or a single matrix in square chunks of one size, "
        f"x.rechunk(({side}, {side}))"
    )


def _tall(name: str, x: Any) -> None:
    """Refuse matrices that are neither in one chunk nor tall, with all columns in one.

    Raises
    ------
    NotImplementedError
        If they are not.
    """
    if x.ndim != 2 or x.numblocks[1] > 1:
        raise NotImplementedError(
            f"{name}: the Dask array of shape {x.shape} is in chunks {x.chunks}; Dask has it of single matrices in "
            f"chunks of whole rows, x.rechunk({{{x.ndim - 1}: -1}}), or of matrices in one chunk, "
            f"x.rechunk({{{x.ndim - 2}: -1, {x.ndim - 1}: -1}})"
        )
    refuse_unknown(name, x.shape[1:])
    if x.shape[0] < x.shape[1]:
        raise NotImplementedError(
            f"{name}: the Dask array of shape {x.shape} is wide, and in {x.numblocks[0]} chunks of rows; "
            "x.rechunk(-1) puts it into one chunk"
        )


# ── factors ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class LazyFactor(Factor):
    """A matrix, or a batch of them, that each block's own library factorises where the blocks are computed.

    What the library finds wrong (a singular matrix, one that is not positive definite) is raised there.
    """

    xp: Any
    A: Any
    settings: dict[str, Any]

    def _form(self) -> str:
        structure = self.settings["structure"]
        if structure in ("diagonal", "circulant"):
            return "(n)"
        return "(d,n)" if structure.endswith("banded") else "(n,n)"

    def solve(self, b: Any, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        if b.ndim == 1:
            return self.solve(b[:, None], transposed)[..., 0]
        return blocks.along(
            _solution, f"{self._form()},(n,k)->(n,k)", self.A, b, called="solve", free="k", transposed=transposed,
            dtype=np.result_type(self.A.dtype, b.dtype), **self.settings,
        )  # fmt: skip

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        return blocks.along(
            _slogdet, f"{self._form()}->(),()", self.A, parts=2, called="slogdet",
            dtype=[self.A.dtype, _dtype(self.A, "real")], **self.settings,
        )  # fmt: skip

    def inverse(self) -> Any:
        """The inverse A⁻¹."""
        return blocks.along(
            _inverse,
            f"{self._form()}->(n,n)",
            self.A,
            called="inv",
            dtype=self.A.dtype,
            **self.settings,
        )


def _solution(xp: Any, A: Any, b: Any, *, transposed: bool, **settings: Any) -> Any:
    return xp.factor(A, **settings).solve(b, transposed)


def _slogdet(xp: Any, A: Any, **settings: Any) -> Any:
    return xp.factor(A, **settings).slogdet()


def _inverse(xp: Any, A: Any, **settings: Any) -> Any:
    return xp.factor(A, **settings).inverse()


def factor_of(extended: Callable[[], Any]) -> Callable[..., Any]:
    """`factor`: of matrices in one chunk each, or of a single one in square chunks."""

    def factor(A: Any, *, structure: str, check: bool | str = True, bandwidths: Any = None) -> Any:
        if structure in DENSE and not in_one_chunk(A):
            _square_chunks("solve", A)
            xp = extended()
            return Inverse(xp, xp.linalg.inv(dense_matrix(xp, A, structure)))
        settings = {"structure": structure, "check": check, "bandwidths": bandwidths}
        return LazyFactor(extended(), A, settings)

    return factor
