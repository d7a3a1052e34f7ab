"""Products with sparse matrices and systems of them: rules that stay on the pattern.

y = A x with A of elements a_k at (i_k, j_k): x̄ = Aᵀ c, and ā_k = Σ_l c[i_k, l] x[j_k, l], the product c xᵀ sampled at
the pattern. The sampled product s_k = Σ_l u[i_k, l] v[j_k, l] has ū = S v and v̄ = Sᵀ u, where S has the elements c_k.
So the two are each other's derivatives, and a system's Ā = −λ vᵀ is a sampled product too.

Sources: `adjoint.py` for the solve; Nisa et al., Sampled dense matrix multiplication for high-performance machine
learning, 2018, for the sampled product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....backend import Pattern, finite_columns
from ...core.defvjp import library_defvjp as defvjp
from ...core.namespaces import namespace_of
from ...core.typing import XP, Cotangent


def _product_data(ct: Cotangent, x: Any, pattern: Pattern, transposed: bool, xp: XP) -> Any:
    """c xᵀ at the stored positions; x cᵀ for a transposed product."""
    u, v = (x, ct) if transposed else (ct, x)
    return xp.sddmm(u, v, pattern=pattern)


def _product_x(ct: Cotangent, A: Any, pattern: Pattern, transposed: bool, xp: XP) -> Any:
    """Aᵀ ct; A ct for a transposed product."""
    return xp.sparse_product(A, ct, pattern=pattern, transposed=not transposed)


defvjp("sparse_product", A=_product_data, x=_product_x, batched=False)


def _sampled_u(ct: Cotangent, x2: Any, pattern: Pattern, xp: XP) -> Any:
    """S v with the elements ct."""
    return xp.sparse_product(ct, x2, pattern=pattern, transposed=False)


def _sampled_v(ct: Cotangent, x1: Any, pattern: Pattern, xp: XP) -> Any:
    """Sᵀ u with the elements ct."""
    return xp.sparse_product(ct, x1, pattern=pattern, transposed=True)


defvjp("sddmm", x1=_sampled_u, x2=_sampled_v, batched=False)


@dataclass(frozen=True)
class SparseLU:
    """Systems with the stored elements (nnz,) of a matrix by rows.

    Attributes
    ----------
    pattern : Pattern
        Where they stand.
    check : bool
        Whether a matrix that is singular to working precision is an error.
    permc_spec : str or None
        The ordering, as `scipy.sparse.linalg.splu` names them; None chooses.
    """

    pattern: Pattern
    check: bool = True
    permc_spec: str | None = None
    core = 1  # axes of the elements that are not of a batch
    vectors = False
    stored = True  # elements, not a matrix: slogdet's derivative goes by solves
    batches = False  # one matrix at a time

    def factor(self, A: Any) -> Any:
        """SuperLU's factor, or what the library of A has."""
        return namespace_of(A).sparse_factor(
            A, pattern=self.pattern, check=self.check, permc_spec=self.permc_spec
        )

    def solve(self, factor: Any, b: Any, transposed: bool) -> Any:
        """The solution by the factor; NaN or an infinity in a column of b makes its solution NaN."""
        xp = namespace_of(b)
        return finite_columns(xp, xp.sparse_solve(factor, b, transposed=transposed), b)

    def slogdet(self, factor: Any) -> Any:
        """Sign and logarithm of the determinant.

        Raises
        ------
        NotImplementedError
            If the library's factor has none.
        """
        if not hasattr(factor, "slogdet"):
            raise NotImplementedError(
                "SparseFactorization.slogdet: the sparse factor of this array library has no determinant; use NumPy's "
                "arrays, or pb.linalg.factorize of the dense matrix"
            )
        return factor.slogdet()

    def order(self, A: Any) -> int:
        """The number of unknowns."""
        return self.pattern.shape[0]

    def matrix_bar(self, row: Any, column: Any, xp: XP) -> Any:
        """−row columnᵀ at the stored positions."""
        return -xp.sddmm(row, column, pattern=self.pattern)
