"""The sort of number that a dtype holds, for the dtype objects of any library.

Asking NumPy for a dtype's name costs more than most operations on small arrays, so the answers are tables
by class: NumPy has a class for each of its dtypes. Those of other libraries are asked for their names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_CLASSES = {type(np.dtype(char)): np.dtype(char).kind for char in np.typecodes["All"]}
_INEXACT = {cls: letter in "fc" for cls, letter in _CLASSES.items()}
_COMPLEX = {cls: letter == "c" for cls, letter in _CLASSES.items()}
_INTEGER = {cls: letter in "iu" for cls, letter in _CLASSES.items()}


def _name(dtype: Any) -> str:
    """``"float32"`` for ``array_api_strict.float32``, and for the Python class `float` its own name."""
    return dtype.__name__ if isinstance(dtype, type) else str(dtype).rpartition(".")[2]


def is_inexact(dtype: Any) -> bool:
    """Whether a dtype is real or complex floating point."""
    known = _INEXACT.get(type(dtype))
    return _name(dtype).startswith(("float", "complex", "bfloat")) if known is None else known


def is_complex(dtype: Any) -> bool:
    """Whether a dtype is complex."""
    known = _COMPLEX.get(type(dtype))
    return _name(dtype).startswith("complex") if known is None else known


def is_integer(dtype: Any) -> bool:
    """Whether a dtype is a signed or unsigned integer one."""
    known = _INTEGER.get(type(dtype))
    return _name(dtype).startswith(("int", "uint")) if known is None else known


def as_numpy(dtype: Any) -> np.dtype:
    """The ``numpy.dtype`` of the same name as any library's dtype."""
    return dtype if isinstance(dtype, np.dtype) else np.dtype(_name(dtype))
