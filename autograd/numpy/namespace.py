"""`pullback.numpy`: NumPy's main namespace, with NumPy's signatures, on the active backend and differentiable.

The rules are written once, under the array API standard's names; what is here are fronts with NumPy's names,
signatures and semantics. `refusals.py` says which names NumPy has besides, and what to use instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import fft as fft
from . import linalg as linalg
from . import random as random
from .arrays import (
    creation,
    files,
    grids,
    indexing,
    logic,
    manipulation,
    padding,
    sets,
    sorting,
    writing,
)
from .refusals import advice_on
from .sections import (
    elementwise,
    functional,
    histograms,
    polynomials,
    products,
    reductions,
    signals,
    statistics,
    ufuncs,
)

# Names that are NumPy's own objects: constants, dtypes and classes of them.
OF_NUMPY = (
    "ScalarType", "bool", "bool_", "byte", "cdouble", "complex128", "complex64", "complexfloating", "csingle", "double",
    "dtype", "e", "errstate", "euler_gamma", "exceptions", "float16", "float32", "float64", "floating", "generic",
    "half", "inexact", "inf", "int16", "int32", "int64", "int8", "int_", "intc", "integer", "intp", "little_endian",
    "long", "longlong", "nan", "ndarray", "newaxis", "number", "pi", "short", "signedinteger", "single", "typecodes",
    "ubyte", "uint", "uint16", "uint32", "uint64", "uint8", "uintc", "uintp", "ulong", "ulonglong", "unsignedinteger",
    "ushort", "True_", "False_",
)  # fmt: skip

SECTIONS = (
    creation,
    files,
    grids,
    manipulation,
    padding,
    indexing,
    writing,
    sorting,
    sets,
    logic,
    ufuncs,
    elementwise,
    reductions,
    statistics,
    histograms,
    polynomials,
    signals,
    products,
    functional,
)

globals().update({name: getattr(np, name) for name in OF_NUMPY})
globals().update({name: getattr(section, name) for section in SECTIONS for name in section.__all__})

__all__ = sorted(
    {*OF_NUMPY, *(n for section in SECTIONS for n in section.__all__), "fft", "linalg", "random"}
)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'pullback.numpy' has no attribute {name!r}")
    advice = advice_on(name)
    why = f": {advice}" if advice else ", and neither has NumPy" * (not hasattr(np, name))
    raise AttributeError(f"pullback.numpy has no {name!r}{why}")


def __dir__() -> list[str]:
    return list(__all__)
