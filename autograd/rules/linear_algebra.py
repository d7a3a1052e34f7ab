"""Linear algebra functions: products, and functions that only move the elements of matrices.

For Y = A B, dL = Σ Ȳ·(dA B + A dB), so Ā = Ȳ Bᵀ and B̄ = Aᵀ Ȳ; the transposes are plain ones for complex
matrices too, since the sweep carries conjugated cotangents.
"""

from __future__ import annotations

import operator
from typing import Any

from ..core.array import backend_array
from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.levels.batched import factor_of
from ..core.registry import PROVIDED, attach_check, find
from ..core.typing import XP, Cotangent, Value

# ── tools for all rules on matrices ───────────────────────────────────────────────────────────


def conj(x: Value, xp: XP) -> Value:
    """The complex conjugate; real arrays as they are."""
    return xp.conj(x) if is_complex(x.dtype) else x


def triangular(A: Value, b: Value, structure: str, xp: XP, *, transposed: bool = False) -> Value:
    """A⁻¹ b or A⁻ᵀ b for a triangle A, in rules: differentiable where `xp` is the namespace of traced arrays."""
    solver = PROVIDED["dense_solver"](structure)
    solve_by = find("solve_by").kernel_in(xp)
    return solve_by(
        A, b, solver=solver, factor=factor_of(solver, backend_array(A)), transposed=transposed
    )


def adjoint(x: Value, xp: XP) -> Value:
    """Xᴴ."""
    return conj(xp.matrix_transpose(x), xp)


def on_diagonal(rows: int, columns: int, offset: int, x: Value, xp: XP) -> Value:
    """The mask, True at [i, i + offset], of a matrix on the device of `x`."""
    i, j = xp.arange_like(rows, x), xp.arange_like(columns, x)
    return j[None, :] - i[:, None] == offset


def eye(x: Value, xp: XP) -> Value:
    """The mask of the main diagonal of the matrices `x`."""
    return on_diagonal(x.shape[-2], x.shape[-1], 0, x, xp)


def column(x: Value, xp: XP) -> Value:
    """(…, n) as (…, n, 1)."""
    return xp.expand_dims(x, axis=-1)


def row(x: Value, xp: XP) -> Value:
    """(…, n) as (…, 1, n)."""
    return xp.expand_dims(x, axis=-2)


def cell(x: Value, xp: XP) -> Value:
    """(…) as (…, 1, 1)."""
    return xp.expand_dims(x, axis=(-2, -1))


# ── matmul, matrix_transpose ──────────────────────────────────────────────────────────────────

defvjp("matrix_transpose", x=lambda ct, xp: xp.matrix_transpose(ct))


def _matmul_x1(ct: Cotangent, x1_ndim: int, x2: Value, xp: XP) -> Value:
    """ct x2ᵀ; a vector x1 stands for a row that the product drops, a vector x2 for a column."""
    if x1_ndim >= 2 and x2.ndim >= 2:
        return xp.matmul(ct, xp.matrix_transpose(x2))
    if x2.ndim == 1:
        return column(ct, xp) * x2
    return xp.squeeze(xp.matmul(row(ct, xp), xp.matrix_transpose(x2)), axis=-2)


def _matmul_x2(ct: Cotangent, x1: Value, x2_ndim: int, xp: XP) -> Value:
    """x1ᵀ ct, with the same readings of vectors."""
    if x1.ndim >= 2 and x2_ndim >= 2:
        return xp.matmul(xp.matrix_transpose(x1), ct)
    if x1.ndim == 1 and x2_ndim == 1:
        return ct * x1
    if x1.ndim == 1:
        return column(x1, xp) * row(ct, xp)
    return xp.squeeze(xp.matmul(xp.matrix_transpose(x1), column(ct, xp)), axis=-1)


defvjp("matmul", x1=_matmul_x1, x2=_matmul_x2)

# ── tensordot ─────────────────────────────────────────────────────────────────────────────────
#
# With the free axes f and the summed axes k, y[f₁, f₂] = Σ_k x1[f₁, k] x2[f₂, k], so x̄1[f₁, k] = Σ_f₂ ȳ[f₁, f₂]
# x2[f₂, k] and x̄2[f₂, k] = Σ_f₁ x1[f₁, k] ȳ[f₁, f₂]: tensordots again, whose axes are then put where the input has
# them.


def _summed_axes(axes: Any, ndim1: int, ndim2: int) -> tuple[list[int], list[int]]:
    """The axes of x1 and of x2 that are summed over, in pairs, counted from the front."""
    if not isinstance(axes, tuple | list):
        # a number that `compile` traces has an index too
        n = operator.index(axes)
        return list(range(ndim1 - n, ndim1)), list(range(n))
    first, second = (a if isinstance(a, tuple | list) else (a,) for a in axes)
    return (
        [operator.index(a) % ndim1 for a in first],
        [operator.index(a) % ndim2 for a in second],
    )


def _without(ndim: int, axes: list[int]) -> list[int]:
    return [i for i in range(ndim) if i not in axes]


def _put_axes(x: Value, order: list[int], xp: XP) -> Value:
    """`x` with its axis i moved to order[i]."""
    return xp.permute_dims(x, tuple(order.index(i) for i in range(len(order))))


def _tensordot_x1(ct: Cotangent, x1_ndim: int, x2: Value, axes: Any, xp: XP) -> Value:
    """Σ ct · x2 over the free axes of x2; the axes of the result go to their positions in x1."""
    summed1, summed2 = _summed_axes(axes, x1_ndim, x2.ndim)
    free1, free2 = _without(x1_ndim, summed1), _without(x2.ndim, summed2)
    out = xp.tensordot(ct, x2, axes=(tuple(range(len(free1), ct.ndim)), tuple(free2)))
    return _put_axes(out, free1 + [summed1[summed2.index(i)] for i in sorted(summed2)], xp)


def _tensordot_x2(ct: Cotangent, x1: Value, x2_ndim: int, axes: Any, xp: XP) -> Value:
    """Σ x1 · ct over the free axes of x1; the axes of the result go to their positions in x2."""
    summed1, summed2 = _summed_axes(axes, x1.ndim, x2_ndim)
    free1, free2 = _without(x1.ndim, summed1), _without(x2_ndim, summed2)
    out = xp.tensordot(x1, ct, axes=(tuple(free1), tuple(range(len(free1)))))
    return _put_axes(out, [summed2[summed1.index(i)] for i in sorted(summed1)] + free2, xp)


defvjp("tensordot", x1=_tensordot_x1, x2=_tensordot_x2)

# ── vecdot, outer, cross ──────────────────────────────────────────────────────────────────────
#
# y = Σ conj(a) b. dL = Re Σ ȳ (conj(da) b + conj(a) db), and Re(z conj(da)) = Re(conj(z) da): ā = conj(ȳ b) and
# b̄ = ȳ conj(a). Batches broadcast; the axis counts from the end, so that it names one axis in a, b and ȳ.
#
# c·(da × b) = da·(b × c) and c·(a × db) = db·(c × a), without conjugates: the cross product is bilinear.


def _from_end(axis: int, ndim1: int, ndim2: int) -> int:
    """An axis of two arrays that broadcast, counted from the end."""
    if axis >= 0 and ndim1 != ndim2:
        raise ValueError(
            f"the derivative of a product over axis={axis} of arrays with {ndim1} and {ndim2} axes: from the front "
            "these are different axes, which the standard does not define; count the axis from the end"
        )
    return axis - ndim1 if axis >= 0 else axis


@attach_check("linalg.outer")
def _two_vectors(x1: Value, x2: Value, /) -> None:
    """Refuse arrays that some libraries' functions flatten.

    Raises
    ------
    ValueError
        If one is no vector.
    """
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"linalg.outer: two vectors are needed, not arrays of shapes {x1.shape} and {x2.shape}; pb.xp.outer "
            "flattens them"
        )


@attach_check("linalg.cross")
def _three_components(x1: Value, x2: Value, /, *, axis: int = -1) -> None:
    """Refuse vectors of two components, whose product some libraries' functions return as a number.

    Raises
    ------
    ValueError
        If there are not three.
    """
    for x in (x1, x2):
        if -x.ndim <= axis < x.ndim and x.shape[axis] != 3:
            raise ValueError(
                f"linalg.cross: vectors of three components are needed, not arrays of shapes {x1.shape} and {x2.shape} "
                f"with axis={axis}; pullback.numpy.cross takes those of two"
            )


def _vecdot_x1(ct: Cotangent, x1_ndim: int, x2: Value, axis: int, xp: XP) -> Value:
    """conj(ct x2)."""
    return conj(xp.expand_dims(ct, axis=_from_end(axis, x1_ndim, x2.ndim)) * x2, xp)


def _vecdot_x2(ct: Cotangent, x1: Value, x2_ndim: int, axis: int, xp: XP) -> Value:
    """ct conj(x1)."""
    return xp.expand_dims(ct, axis=_from_end(axis, x1.ndim, x2_ndim)) * conj(x1, xp)


def _cross_x1(ct: Cotangent, x1_ndim: int, x2: Value, axis: int, xp: XP) -> Value:
    """x2 × ct."""
    return xp.linalg.cross(x2, ct, axis=_from_end(axis, x1_ndim, x2.ndim))


def _cross_x2(ct: Cotangent, x1: Value, x2_ndim: int, axis: int, xp: XP) -> Value:
    """ct × x1."""
    return xp.linalg.cross(ct, x1, axis=_from_end(axis, x1.ndim, x2_ndim))


defvjp("vecdot", x1=_vecdot_x1, x2=_vecdot_x2)
defvjp("linalg.cross", x1=_cross_x1, x2=_cross_x2)
defvjp("linalg.outer", x1=lambda ct, x2: ct @ x2, x2=lambda ct, x1: x1 @ ct)

# ── diagonal, trace ───────────────────────────────────────────────────────────────────────────


def spread_diagonal(ct: Cotangent, rows: int, columns: int, offset: int, xp: XP) -> Value:
    """Matrices with `ct` (…, k) on a diagonal and zeros elsewhere."""
    along_rows = offset >= 0  # whether element i of the diagonal stands in row i, or in column i
    missing = (rows if along_rows else columns) - ct.shape[-1]
    if missing:
        ct = xp.concat([ct, xp.zeros_on_device_of((*ct.shape[:-1], missing), ct)], axis=-1)
    ct = column(ct, xp) if along_rows else row(ct, xp)
    return xp.where(on_diagonal(rows, columns, offset, ct, xp), ct, xp.zeros_like(ct))


def _diagonal(ct: Cotangent, x_shape: tuple[int, ...], offset: int, xp: XP) -> Value:
    """ct on the diagonal; a diagonal beyond the matrix is empty."""
    return spread_diagonal(ct, x_shape[-2], x_shape[-1], offset, xp)


def _trace(ct: Cotangent, x_shape: tuple[int, ...], offset: int, xp: XP) -> Value:
    """ct at every index of the diagonal."""
    ct = cell(ct, xp)
    return xp.where(on_diagonal(x_shape[-2], x_shape[-1], offset, ct, xp), ct, xp.zeros_like(ct))


defvjp("linalg.diagonal", x=_diagonal)
defvjp("linalg.trace", x=_trace)
