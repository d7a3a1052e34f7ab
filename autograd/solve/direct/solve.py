"""`pb.linalg.solve` and SciPy's solvers of structured systems, differentiable by one adjoint solve each."""

from __future__ import annotations

from typing import Any

from ...core.array import backend_array
from ...core.defvjp import function_of
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.levels.batched import all_rows
from ...core.namespaces import namespace_of
from ...core.registry import find
from ..runner import operands, run, run_adjoint, square, transposition
from .dense import ALIASES, STRUCTURES, check_structure, dense
from .structured import Banded, Circulant, Diagonal, PositiveBanded

STRUCTURED = ("diagonal", "tridiagonal", "banded", "circulant")


def solve(
    A: Any,
    b: Any,
    *,
    assume: str = "general",
    check: bool | str = True,
    bandwidths: tuple[int, int] | None = None,
    refine: int = 0,
) -> Any:
    """v with A v = b, by the factor that suits the structure of A.

    The gradient takes one more solve, with Aᵀ and the same factor: λ = A⁻ᵀ v̄ gives b̄ = λ and Ā = −λ vᵀ, in the
    structure of A. Derivatives of any order use this one factor.

    Parameters
    ----------
    A
        Matrices (…, n, n), real or complex.
    b
        One vector (n,), or matrices (…, n, k) with a column for each system; batches broadcast.
    assume : str
        ``"general"``: LU. ``"symmetric"``, ``"hermitian"``: L D Lᵀ, L D Lᴴ. ``"positive"`` (Hermitian and positive
        definite): Cholesky. ``"lower"``, ``"upper"``, ``"unit lower"``, ``"unit upper"``: triangular, solved as it is.
        ``"diagonal"``, ``"tridiagonal"``, ``"banded"``: within the band. ``"circulant"``: by Fourier transforms, from
        the first column. SciPy's names ("gen", "sym", "her", "pos", …) are taken too. Elements outside of the structure
        are not read, and of a symmetric, Hermitian or positive definite matrix only the lower triangle is.
    check : bool or "structure"
        True: a matrix that is singular to working precision, or not positive definite, is an error. ``"structure"``:
        so is one that is not what `assume` says. False: neither; the result has NaN or infinities, or is inaccurate.
        The checks read a flag from the device, for which a GPU has to be waited for.
    bandwidths : (int, int), optional
        How many diagonals a banded A has below and above the main one; by default found from its values.
    refine : int
        Steps of iterative refinement, with residuals in double precision: one or two make a float32 solution exact to
        its last digits where the condition number is below 10⁶. Not for `STRUCTURED` matrices.

    Returns
    -------
    Array
        v, of the shape of b with the batch of both.

    Raises
    ------
    ValueError
        If the shapes do not fit, or for an unknown `assume`.
    SingularMatrixError
        If a factor has a zero on its diagonal, or the condition number (estimated where that diagonal spreads over
        more than half of the digits) is above 1/ε.
    NotPositiveDefiniteError
        Under ``assume="positive"``; the message names the leading minor.
    StructureError
        Under ``check="structure"``.

    Notes
    -----
    For ``"symmetric"``, ``"hermitian"`` and ``"positive"`` the gradient is the symmetric or Hermitian part of −λ vᵀ.

    On CuPy and libraries other than NumPy, symmetric and Hermitian matrices go by LU, and banded ones are laid out as
    n × n.

    References
    ----------
    Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A, b = np.asarray([[4.0, 1.0], [1.0, 3.0]]), np.asarray([1.0, 2.0])
    >>> pb.linalg.solve(A, b, assume="positive")
    Array([0.09090909, 0.63636364], dtype=float64, device='cpu')
    >>> pb.grad(lambda b: pb.linalg.solve(A, b)[0])(b)
    array([ 0.27272727, -0.09090909])
    """
    assume = ALIASES.get(assume, assume)
    if assume not in STRUCTURES and assume not in STRUCTURED:
        raise ValueError(
            f"solve: assume={assume!r} is none of {', '.join((*STRUCTURES, *STRUCTURED))}"
        )
    A, b = operands(A, b)
    square(A, "solve")
    if check == "structure":
        check_structure(A, assume, bandwidths)
    if assume in STRUCTURES:
        return run(dense(assume, bool(check), refine), A, b)
    if refine:
        raise ValueError(f'solve: refine={refine} is not there for assume="{assume}"')
    solver, stored = stored_form(A, assume, bool(check), bandwidths)
    return run(solver, stored, b)


def stored_form(
    A: Any, assume: str, check: bool, bandwidths: tuple[int, int] | None
) -> tuple[Any, Any]:
    """The solver of a structured matrix (…, n, n), and the elements that it needs of it."""
    if assume == "diagonal":
        return Diagonal(check), function_of(find("linalg.diagonal"))(A)
    if assume == "circulant":
        return Circulant(check), generated.getitem(A, (..., 0)) if A.shape[-1] else generated.sum(
            A, axis=-1
        )
    widths = (1, 1) if assume == "tridiagonal" else bandwidths or found_bandwidths(backend_array(A))
    return Banded(widths, check), bands_of(A, widths)


def found_bandwidths(A: Any) -> tuple[int, int]:
    """The numbers of diagonals below and above the main one that hold a nonzero, over a batch of raw matrices."""
    A = all_rows(A)
    xp = namespace_of(A)
    *_, i, j = xp.nonzero(A)
    if i.shape[0] == 0:
        return 0, 0
    return max(int(xp.max(i - j)), 0), max(int(xp.max(j - i)), 0)


def bands_of(A: Any, widths: tuple[int, int]) -> Any:
    """ab (…, l + u + 1, n) with ab[u + i − j, j] = A[i, j], and zeros where there is no such i."""
    (low, up), n = widths, A.shape[-1]
    xp, value = namespace_of(backend_array(A)), backend_array(A)
    row, j = xp.arange_like(low + up + 1, value)[:, None], xp.arange_like(n, value)[None, :]
    i = row - up + j
    inside = (i >= 0) & (i < n)
    index = xp.reshape(xp.where(inside, i * n + j, xp.zeros_like(i)), (-1,))
    flat = generated.reshape(A, (*A.shape[:-2], n * n))
    picked = generated.take(flat, index, axis=-1)
    picked = generated.reshape(picked, (*A.shape[:-2], low + up + 1, n))
    return generated.where(inside, picked, xp.zeros_like(backend_array(picked)))


def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    *,
    check: bool = True,
) -> Any:
    """v with a v = b, aᵀ v = b or aᴴ v = b for a triangular matrix; called as SciPy's.

    Parameters
    ----------
    a
        Matrices (…, n, n), of which one triangle is read.
    b
        One vector (n,), or matrices (…, n, k).
    trans : {0, 1, 2, "N", "T", "C"}
        a, aᵀ or aᴴ.
    lower : bool
        Whether it is the lower triangle.
    unit_diagonal : bool
        Whether the diagonal is one, and not read.
    check : bool
        Whether a zero on the diagonal is an error.

    Returns
    -------
    Array

    Raises
    ------
    SingularMatrixError
        With `check`.

    Notes
    -----
    The pullback is one more solve with the same triangle: for ``trans=0`` aᵀ λ = ct, b_bar = λ, and a_bar is the
    triangle of −λ vᵀ, without its diagonal if that is one.

    References
    ----------
    Golub and Van Loan, Matrix computations, 4th edition, 2013, section 3.1.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> L = np.asarray([[2.0, 0.0], [1.0, 1.0]])
    >>> pb.linalg.solve_triangular(L, np.asarray([2.0, 3.0]), lower=True)
    Array([1., 2.], dtype=float64, device='cpu')
    """
    transposed, conjugate = transposition(trans)
    a, b = operands(a, b)
    square(a, "solve_triangular")
    structure = ("unit " if unit_diagonal else "") + ("lower" if lower else "upper")
    return run_adjoint(
        dense(structure, check, 0), a, b, transposed=transposed, conjugate=conjugate, name="solve_triangular"
    )  # fmt: skip


def solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any, *, check: bool = True) -> Any:
    """v with A v = b for a banded A, stored by diagonals; called as SciPy's.

    Parameters
    ----------
    l_and_u : (int, int)
        How many diagonals there are below and above the main one.
    ab
        (…, l + u + 1, n), ``ab[u + i - j, j] = A[i, j]``.
    b
        One vector (n,), or matrices (…, n, k).
    check : bool
        Whether a singular matrix is an error.

    Returns
    -------
    Array

    Raises
    ------
    SingularMatrixError
        With `check`.
    ValueError
        If `ab` does not have l + u + 1 rows.

    Notes
    -----
    The gradient has the shape of `ab`: no n × n array is made on NumPy, where LAPACK's gbtrf and gttrf work in
    O(n (l + u)²). Elsewhere A is laid out, and solved by LU.

    References
    ----------
    Golub and Van Loan, Matrix computations, 4th edition, 2013, section 4.3.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> ab = np.asarray([[0.0, -1.0, -1.0], [2.0, 2.0, 2.0], [-1.0, -1.0, 0.0]])
    >>> pb.linalg.solve_banded((1, 1), ab, np.ones(3))
    Array([1.5, 2. , 1.5], dtype=float64, device='cpu')
    """
    low, up = (int(w) for w in l_and_u)
    ab, b = operands(ab, b)
    if min(low, up) < 0:
        raise ValueError(
            f"solve_banded: l = {low} and u = {up}: numbers of diagonals below and above the main one, from 0 on"
        )
    if len(ab.shape) < 2 or ab.shape[-2] != low + up + 1:
        raise ValueError(
            f"solve_banded: l = {low} and u = {up} need ab of shape (…, {low + up + 1}, n), not {tuple(ab.shape)}"
        )
    return run(Banded((low, up), check), ab, b, name="solve_banded")


def solveh_banded(ab: Any, b: Any, *, lower: bool = False, check: bool = True) -> Any:
    """v with A v = b for a positive definite banded A, stored by the diagonals of one triangle; called as SciPy's.

    Parameters
    ----------
    ab
        (…, l + 1, n): ``ab[u + i - j, j] = A[i, j]`` for i ≤ j, or, with `lower`, ``ab[i - j, j] = A[i, j]`` for i ≥ j.
    b
        One vector (n,), or matrices (…, n, k).
    lower : bool
        Which triangle `ab` holds.
    check : bool
        Whether a matrix that is not positive definite is an error.

    Returns
    -------
    Array

    Raises
    ------
    NotPositiveDefiniteError
        With `check`.

    Notes
    -----
    The pullback is one more solve with the same factor: A λ = ct for real A, b_bar = λ, and ab_bar holds the
    diagonals of −λ vᵀ, with both triangles' shares of an element added.

    References
    ----------
    Golub and Van Loan, Matrix computations, 4th edition, 2013, section 4.3.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> ab = np.asarray([[2.0, 2.0, 2.0], [-1.0, -1.0, 0.0]])
    >>> pb.linalg.solveh_banded(ab, np.ones(3), lower=True)
    Array([1.5, 2. , 1.5], dtype=float64, device='cpu')
    """
    ab, b = operands(ab, b)
    if len(ab.shape) < 2 or not ab.shape[-2]:
        raise ValueError(f"solveh_banded: ab has to be (…, l + 1, n), not {tuple(ab.shape)}")
    low = ab.shape[-2] - 1
    if not lower:
        ab = _lower_form(ab, low)
    return run(PositiveBanded(low, check), ab, b, name="solveh_banded")


def _lower_form(ab: Any, low: int) -> Any:
    """The lower diagonals, conj(A[j, j + k]) at [k, j], of the upper ones, at [l − k, j + k]."""
    rows = [
        generated.roll(generated.getitem(ab, (..., low - k, slice(None))), -k, axis=-1)
        for k in range(low + 1)
    ]
    out = function_of(find("stack"))(rows, axis=-2)
    return generated.conj(out) if is_complex(out.dtype) else out


def solve_circulant(c: Any, b: Any, *, check: bool = True) -> Any:
    """v with C v = b for the circulant C whose first column is c; called as SciPy's.

    C[i, j] = c[(i − j) mod n] is diagonal in Fourier's basis, so that v = ifft(fft(b) / fft(c)).

    Parameters
    ----------
    c
        (…, n).
    b
        One vector (n,), or matrices (…, n, k).
    check : bool
        Whether a singular C is an error.

    Returns
    -------
    Array

    Raises
    ------
    SingularMatrixError
        With `check`, if the smallest eigenvalue is below the precision of the largest.

    Notes
    -----
    The pullback is one more such solve: Cᵀ λ = ct, b_bar = λ, and c_bar[k] is minus the sum of λ[i] v[j] over i − j
    ≡ k (mod n).

    References
    ----------
    Davis, Circulant matrices, 1979.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.linalg.solve_circulant(np.asarray([2.0, 2.0, 4.0]), np.asarray([0.0, 2.0, 2.0]))
    Array([ 0.5, -0.5,  0.5], dtype=float64, device='cpu')
    """
    c, b = operands(c, b)
    if len(c.shape) < 1:
        raise ValueError("solve_circulant: c has to be (…, n)")
    return run(Circulant(check), c, b, name="solve_circulant")
