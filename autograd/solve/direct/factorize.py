"""`factorize`: one factor for many right-hand sides, determinants and inverses, with one cotangent of A.

Every solve with A has a share −λ vᵀ in Ā. Taken one by one, these are n × n arrays to be written and added up, which
for single right-hand sides costs more than the solves. So a factorised A stands on the tape as itself
(`collect_cotangents`), and what comes back to it are the vectors alone (`Shares`): when the sweep reaches A, all λ side
by side times all v is one product of matrices.

The determinant: d log|det A| = Re tr(A⁻¹ dA), so Ā = c A⁻ᵀ, and for a complex sign d sign = i sign Im tr(A⁻¹ dA). The
inverse Y is made from the factor: Ȳ gives −Yᵀ Ȳ Yᵀ. All are cut to the structure of A.

Sources: Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008;
Rasmussen and Williams, Gaussian processes for machine learning, 2006, §5.4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.array import Array, backend_array
from ...core.cotangents import DEFERRED
from ...core.defvjp import function_of
from ...core.defvjp import library_defvjp as defvjp
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.namespaces import namespace_of
from ...core.registry import attach_kernel, find
from ...core.typing import XP, Cotangent, DType, RawArray, Value
from ..runner import inexact, own, promoted, run_adjoint, square
from ..sparse.base import is_sparse
from ..sparse.solve import SparseFactorization
from .dense import ALIASES, STRUCTURES, check_structure, dense
from .solve import STRUCTURED, stored_form

# ── rules ─────────────────────────────────────────────────────────────────────────────────────


@attach_kernel("slogdet_by")
def _slogdet(A: Any, *, solver: Any, factor: Any) -> tuple[Any, Any]:
    """The sign, or phase, of det A, and log |det A|, by a factor of A that is there already."""
    return solver.slogdet(factor)


@attach_kernel("inverse_by")
def _inverse(A: Any, *, solver: Any, factor: Any) -> Any:
    """A⁻¹, by a factor of A that is there already."""
    return solver.inverse(factor)


def _slogdet_by(
    sign_bar: Any, logabsdet_bar: Any, sign: Any, A: Value, solver: Any, factor: Any, xp: XP
) -> Any:
    """(logabsdet_bar + i Im(sign_bar sign)) A⁻ᵀ, cut to the structure of A; a real sign has derivative 0."""
    c = logabsdet_bar
    if sign_bar is not None and is_complex(A.dtype):
        turn = xp.imag(sign_bar * sign) * 1j  # in this order: NumPy keeps its own scalars
        c = turn if c is None else c + turn
    if getattr(solver, "stored", False):  # by solves, for what is not stored as a matrix
        n = solver.order(A)
        i = xp.arange_like(n, A)
        eye = xp.astype(i[:, None] == i[None, :], A.dtype)
        solve_by = find("solve_by").kernel_in(xp)
        row = solve_by(A, eye, solver=solver, factor=factor, transposed=True)
        c = xp.zeros_like(logabsdet_bar if sign_bar is None else sign_bar) if c is None else c
        return solver.matrix_bar(-c[..., None, None] * row, eye, xp)
    if c is None:
        return solver.cut(xp.zeros_like(A), xp)
    inverse = find("inverse_by").kernel_in(xp)(A, solver=solver, factor=factor)
    return solver.cut(c[..., None, None] * xp.matrix_transpose(inverse), xp)


def _inverse_by(ct: Cotangent, out: Any, solver: Any, xp: XP) -> Any:
    """−outᵀ ct outᵀ, cut to the structure of A."""
    transposed = xp.matrix_transpose(out)
    return solver.cut(-(transposed @ ct @ transposed), xp)


defvjp("slogdet_by", outputs=("sign", "logabsdet"), A=_slogdet_by, batched=False)
defvjp("inverse_by", A=_inverse_by, batched=False)
defvjp(
    "collect_cotangents", A=lambda ct: ct, batched=False
)  # by then, the sum of all shares laid out


# ── gathered cotangents ───────────────────────────────────────────────────────────────────────


class Shares:
    """−Σ λ vᵀ not yet multiplied: pairs (λ, v), and matrices that are to be added.

    For the sweep it has the shape and dtype of A's cotangent, and can be added up. The numbers of the pairs may be
    complex although A is real: the sweep takes the real part of what is laid out.
    """

    __slots__ = ("dtype", "matrices", "pairs", "shape", "solver", "xp")

    def __init__(self, solver: Any, shape: Any, dtype: DType, xp: XP) -> None:
        self.solver, self.shape, self.dtype, self.xp = solver, shape, dtype, xp
        self.pairs: list[tuple[Any, Any]] = []
        self.matrices: list[Any] = []

    def __add__(self, other: Shares) -> Shares:
        out = Shares(self.solver, self.shape, self.dtype, self.xp)
        out.pairs, out.matrices = self.pairs + other.pairs, self.matrices + other.matrices
        return out

    def __iadd__(self, other: Shares) -> Shares:
        self.pairs += other.pairs
        self.matrices += other.matrices
        return self

    def materialize(self) -> Any:
        """The cotangent: one product for all pairs of one batch."""
        xp, terms = self.xp, list(self.matrices)
        batches: dict[Any, list[tuple[Any, Any]]] = {}
        for row, column in self.pairs:
            batches.setdefault(tuple(row.shape[:-2]), []).append((row, column))
        for pairs in batches.values():
            rows, columns = (list(each) for each in zip(*pairs, strict=True))
            row = rows[0] if len(rows) == 1 else xp.concat(rows, axis=-1)
            column = columns[0] if len(columns) == 1 else xp.concat(columns, axis=-1)
            term = self.solver.matrix_bar(row, column, xp)
            terms.append(term if term.shape == self.shape else xp.sum_to_shape(term, self.shape))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


DEFERRED.add(Shares)


@dataclass(frozen=True, eq=False)
class Gathering:
    """A solver whose cotangents of A are `Shares`."""

    solver: Any
    shape: tuple[int, ...]
    complex: bool

    vectors = False  # they are put side by side as columns

    @property
    def core(self) -> int:
        """The number of axes of A that are not of the batch."""
        return self.solver.core

    def factor(self, A: RawArray) -> Any:
        """The solver's factor of A."""
        return self.solver.factor(A)

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """The solver's solution."""
        return self.solver.solve(factor, b, transposed)

    def slogdet(self, factor: Any) -> Any:
        """The solver's sign and logarithm of the determinant."""
        return self.solver.slogdet(factor)

    def inverse(self, factor: Any) -> Any:
        """The solver's inverse."""
        return self.solver.inverse(factor)

    @property
    def stored(self) -> bool:
        """Whether the solver stores elements instead of a matrix."""
        return getattr(self.solver, "stored", False)

    def order(self, A: RawArray) -> int:
        """The number of unknowns, which the solver knows."""
        return self.solver.order(A)

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Shares:
        """The pair, to be multiplied later."""
        out = self._shares(row if is_complex(row.dtype) or not is_complex(column.dtype) else column, xp)  # fmt: skip
        out.pairs.append((row, column))
        return out

    def cut(self, X: Value, xp: XP) -> Shares:
        """A matrix, to be added later."""
        out = self._shares(X, xp)
        out.matrices.append(self.solver.cut(X, xp))
        return out

    def _shares(self, like: RawArray, xp: XP) -> Shares:
        real = is_complex(like.dtype) and not self.complex
        dtype = xp.real(like[..., :1, :1]).dtype if real else like.dtype
        return Shares(self.solver, self.shape, dtype, xp)


# ── the public object ─────────────────────────────────────────────────────────────────────────


class Factorization:
    """A matrix with its factor, made by `factorize`.

    Attributes
    ----------
    shape : tuple of int
        Of the matrix.
    dtype : dtype
        Of the matrix.
    assume : str
        Its structure.

    Examples
    --------
    >>> import pullback as pb
    >>> factor = pb.linalg.factorize(pb.asarray([[2.0, 0.0], [0.0, 4.0]]))
    >>> factor.solve(pb.asarray([2.0, 4.0]))
    Array([1., 1.], dtype=float64, device='cpu')
    >>> factor.det(), factor.shape
    (Array(8., dtype=float64, device='cpu'), (2, 2))
    """

    __slots__ = ("_A", "_elements", "_factor", "_solver", "_stored", "assume")

    def __init__(self, A: Any, stored: Any, solver: Any, assume: str) -> None:
        self._A, self._elements, self.assume = A, stored, assume
        self._stored = function_of(find("collect_cotangents"))(stored)
        value = backend_array(stored)
        self._factor = solver.factor(value)
        self._solver = Gathering(solver, tuple(value.shape), is_complex(value.dtype))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the matrix."""
        return tuple(self._A.shape)

    @property
    def dtype(self) -> Any:
        """The dtype of the matrix."""
        return self._A.dtype

    def __repr__(self) -> str:
        return f"<Factorization of a {self.assume} matrix, {self.shape}, {self.dtype}>"

    def solve(self, b: Any, *, transposed: bool = False, adjoint: bool = False) -> Any:
        """v with A v = b; with `transposed` Aᵀ v = b, with `adjoint` Aᴴ v = b.

        Parameters
        ----------
        b
            One vector (n,), or matrices (…, n, k).
        transposed, adjoint : bool
            Which system.

        Returns
        -------
        Array

        Raises
        ------
        ValueError
            If the shapes do not fit, or both `transposed` and `adjoint` are set.
        TypeError
            If b has a higher precision than the factor.
        """
        if transposed and adjoint:
            raise ValueError("Factorization.solve: choose one of transposed=True and adjoint=True")
        A, b = promoted(self._stored, inexact(b))
        if A is not self._stored:
            raise TypeError(
                f"Factorization.solve: b is {b.dtype}, the factor of {self.dtype}; convert b, or factorize a matrix of "
                "b's precision"
            )
        return run_adjoint(
            self._solver, A, b, factor=self._factor, transposed=transposed or adjoint, conjugate=adjoint,
            name="Factorization.solve",
        )  # fmt: skip

    def slogdet(self) -> tuple[Any, Any]:
        """The sign of det A (a phase, if complex) and log |det A|.

        Returns
        -------
        sign, logabsdet : Array
        """
        if self.assume == "diagonal":
            return _product(self._elements)
        if self.assume == "circulant":
            sign, size = _product(_fft(self._elements))
            return (sign if is_complex(self.dtype) else generated.real(sign)), size
        return function_of(find("slogdet_by"))(
            self._stored, solver=self._solver, factor=self._factor
        )

    def logdet(self) -> Any:
        """log |det A|; for a positive definite A, log det A."""
        return self.slogdet()[1]

    def det(self) -> Any:
        """det A."""
        sign, size = self.slogdet()
        return sign * generated.exp(size)

    def inv(self) -> Any:
        """A⁻¹."""
        if self.assume in STRUCTURED:
            n = self.shape[-1]
            value = backend_array(self._A)
            xp = namespace_of(value)
            i = xp.arange_like(n, value)
            return self.solve(xp.astype(i[:, None] == i[None, :], value.dtype))
        return function_of(find("inverse_by"))(
            self._stored, solver=self._solver, factor=self._factor
        )

    def condition(self) -> Any:
        """An estimate of the condition number ‖A‖₁ ‖A⁻¹‖₁, by LAPACK's gecon and its kin: no derivative.

        Returns
        -------
        float or array
            One number, or one for each matrix of a batch.
        """
        if self.assume in STRUCTURED:
            raise NotImplementedError(
                f'Factorization.condition: not there for assume="{self.assume}"; use assume="general"'
            )
        return 1 / self._solver.solver.rcond(self._factor, backend_array(self._A))


def _product(values: Any) -> tuple[Any, Any]:
    """The sign and the logarithm of the size of the product of `values` (…, n)."""
    size = generated.abs(values)
    return generated.prod(generated.sign(values), axis=-1), generated.sum(
        generated.log(size), axis=-1
    )


def _fft(c: Any) -> Any:
    if not c.shape[-1]:
        return c  # of which there is no transform
    return function_of(find("fft.fft"))(c if is_complex(c.dtype) else c + 0j, axis=-1)


def factorize(
    A: Any,
    *,
    assume: str = "general",
    check: bool | str = True,
    bandwidths: tuple[int, int] | None = None,
    refine: int = 0,
    permc_spec: str | None = None,
) -> Factorization | SparseFactorization:
    """The factor of A, to solve many systems, or to solve and take the determinant, at the price of one factorisation.

    Parameters
    ----------
    A
        Matrices (…, n, n), real or complex; or a sparse matrix (n, n), whose factor has ``.solve(b)``,
        ``.slogdet()`` and ``.logdet()``.
    assume, check, bandwidths, refine
        As for `solve`.
    permc_spec : str, optional
        Of sparse matrices alone: how columns are ordered, as for `spsolve`.

    Returns
    -------
    Factorization
        With ``.solve(b)``, ``.slogdet()``, ``.logdet()``, ``.det()``, ``.inv()`` and ``.condition()``, all but the
        last differentiable with respect to A and b at any order. It is of use where A is: outside of a function that
        differentiates with respect to A, A is a constant to it.

    Raises
    ------
    ValueError, SingularMatrixError, NotPositiveDefiniteError, StructureError
        As `solve` does.

    Notes
    -----
    The cotangents of all solves are gathered: Ā = −Λ Vᵀ is one product, whatever the number of solves.

    References
    ----------
    Giles and Pierce, An introduction to the adjoint approach to design, 2000.

    Examples
    --------
    The log-likelihood of a Gaussian process, with one Cholesky factorisation for value and gradient:

    >>> import numpy as np, pullback as pb
    >>> x, y = np.linspace(0, 1, 5), np.asarray([0.1, 0.9, 1.4, 0.8, 0.2])
    >>> def loss(p):
    ...     K = p[0] * pb.xp.exp(-(((x[:, None] - x) / p[1]) ** 2)) + 0.01 * np.eye(5)
    ...     K = pb.linalg.factorize(K, assume="positive")
    ...     return 0.5 * (y @ K.solve(y) + K.logdet())
    >>> pb.grad(loss)(np.asarray([1.0, 0.3])).round(4)
    array([ 1.4337, -9.5191])
    """
    if is_sparse(A):
        if assume != "general" or bandwidths is not None or refine:
            raise ValueError(
                "factorize: assume, bandwidths and refine are not for sparse matrices, whose factor is a general one"
            )
        return SparseFactorization(A, check=bool(check), permc_spec=permc_spec)
    if permc_spec is not None:
        raise ValueError(
            f"factorize: permc_spec={permc_spec!r} orders the columns of sparse matrices; A is dense, leave it out"
        )
    assume = ALIASES.get(assume, assume)
    if assume not in STRUCTURES and assume not in STRUCTURED:
        raise ValueError(
            f"factorize: assume={assume!r} is none of {', '.join((*STRUCTURES, *STRUCTURED))}"
        )
    A = inexact(A)
    square(A, "factorize")
    if not (type(A) is Array and A.traced):
        A = own(A)  # it outlives this call, and factors of triangles and diagonals are A itself
    if check == "structure":
        check_structure(A, assume, bandwidths)
    if assume in STRUCTURES:
        return Factorization(A, A, dense(assume, bool(check), refine), assume)
    if refine:
        raise ValueError(f'factorize: refine={refine} is not there for assume="{assume}"')
    solver, stored = stored_form(A, assume, bool(check), bandwidths)
    return Factorization(A, stored, solver, assume)
