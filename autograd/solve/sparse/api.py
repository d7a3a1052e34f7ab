"""`pb.sparse`: sparse matrices with differentiable elements, named and called as SciPy's.

A matrix is its stored elements, `data`, on a fixed pattern. It is a pytree with one leaf: a gradient with respect to a
sparse matrix is one with the same pattern, whose `data` is the gradient. The formats are in `formats.py`, what makes
matrices of diagonals in `diagonals.py`, of blocks in `construct.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import is_sparse
from .formats import as_sparse, coo_array, csc_array, csr_array

if TYPE_CHECKING:
    from .construct import (
        block_array,
        block_diag,
        hstack,
        kron,
        kronsum,
        random_array,
        tril,
        triu,
        vstack,
    )
    from .diagonals import diags_array, eye_array

__all__ = [
    "as_sparse",
    "block_array",
    "block_diag",
    "coo_array",
    "csc_array",
    "csr_array",
    "diags_array",
    "eye_array",
    "hstack",
    "is_sparse",
    "kron",
    "kronsum",
    "random_array",
    "tril",
    "triu",
    "vstack",
]


def __getattr__(name: str) -> Any:
    # the functions that make matrices of others are imported when one of them is first used
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = ".diagonals" if name in ("diags_array", "eye_array") else ".construct"
    value = globals()[name] = getattr(importlib.import_module(module, __package__), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
