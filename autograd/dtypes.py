"""What kind of number a dtype holds, for the dtype objects of any library.

Remembered by dtype object: asking NumPy for a dtype's name costs more than most operations on small arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class _Named(dict):
    """Whether the name of a dtype has one of some words in it."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def __missing__(self, dtype: Any) -> bool:
        name = str(dtype).rpartition(".")[2]
        self[dtype] = found = any(word in name for word in self.words)
        return found


is_inexact = _Named("float", "complex").__getitem__
is_complex = _Named("complex").__getitem__
is_integer = _Named("int").__getitem__


class _NumPy(dict):
    """The ``numpy.dtype`` of the same name as any library's dtype."""

    def __missing__(self, dtype: Any) -> np.dtype:
        self[dtype] = same = dtype if isinstance(dtype, np.dtype) else np.dtype(str(dtype).rpartition(".")[2])
        return same


as_numpy = _NumPy().__getitem__
