"""Products.

For Y = A B, dL = Σ Ȳ·(dA B + A dB), so Ā = Ȳ Bᵀ and B̄ = Aᵀ Ȳ; the transposes are plain ones for complex
matrices too, since the sweep carries conjugated cotangents.
"""

from __future__ import annotations

from typing import Any

from ..primitive import defvjp

defvjp("matrix_transpose", x=lambda ct, xp: xp.matrix_transpose(ct))


def _matmul_x1(ct: Any, x1_ndim: int, x2: Any, xp: Any) -> Any:
    """ct x2ᵀ; a vector x1 stands for a row that the product drops, a vector x2 for a column."""
    if x1_ndim >= 2 and x2.ndim >= 2:
        return ct @ xp.matrix_transpose(x2)
    if x2.ndim == 1:
        return xp.expand_dims(ct, axis=-1) * x2
    row = xp.expand_dims(ct, axis=-2) @ xp.matrix_transpose(x2)  # (…, 1, n)
    return xp.squeeze(row, axis=-2)


def _matmul_x2(ct: Any, x1: Any, x2_ndim: int, xp: Any) -> Any:
    """x1ᵀ ct, with the same readings of vectors."""
    if x1.ndim >= 2 and x2_ndim >= 2:
        return xp.matrix_transpose(x1) @ ct
    if x1.ndim == 1 and x2_ndim == 1:
        return ct * x1
    if x1.ndim == 1:
        return xp.expand_dims(x1, axis=-1) * xp.expand_dims(ct, axis=-2)
    column = xp.matrix_transpose(x1) @ xp.expand_dims(ct, axis=-1)  # (…, n, 1)
    return xp.squeeze(column, axis=-1)


defvjp("matmul", x1=_matmul_x1, x2=_matmul_x2)
