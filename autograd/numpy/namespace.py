"""`pullback.numpy`: NumPy's main namespace, with NumPy's signatures, on the active backend and differentiable.

The rules are written once, under the array API standard's names; the functions here have NumPy's names,
signatures and semantics. `refusals.py` says which names NumPy has besides, and what to use instead.
"""

# ruff: noqa: F403 - the names of the sections, each of which lists its own

from __future__ import annotations

from typing import Any

# NumPy's own objects: constants, dtypes and their classes.
from numpy import (
    False_,
    ScalarType,
    True_,
    bool,
    bool_,
    byte,
    cdouble,
    complex64,
    complex128,
    complexfloating,
    csingle,
    double,
    dtype,
    e,
    errstate,
    euler_gamma,
    float16,
    float32,
    float64,
    floating,
    generic,
    half,
    inexact,
    inf,
    int8,
    int16,
    int32,
    int64,
    int_,
    intc,
    integer,
    intp,
    little_endian,
    long,
    longlong,
    nan,
    newaxis,
    number,
    pi,
    short,
    signedinteger,
    single,
    typecodes,
    ubyte,
    uint,
    uint8,
    uint16,
    uint32,
    uint64,
    uintc,
    uintp,
    ulong,
    ulonglong,
    unsignedinteger,
    ushort,
)

from . import fft, linalg, random
from .array_class import ndarray
from .arrays import (
    creation,
    files,
    grids,
    indexing,
    joining,
    logic,
    manipulation,
    matrices,
    padding,
    ranges,
    rearranging,
    sets,
    sorting,
    writing,
)
from .arrays.creation import *
from .arrays.files import *
from .arrays.grids import *
from .arrays.indexing import *
from .arrays.joining import *
from .arrays.logic import *
from .arrays.manipulation import *
from .arrays.matrices import *
from .arrays.padding import *
from .arrays.ranges import *
from .arrays.rearranging import *
from .arrays.sets import *
from .arrays.sorting import *
from .arrays.writing import *
from .refusals import missing
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
from .sections.elementwise import *
from .sections.functional import *
from .sections.histograms import *
from .sections.polynomials import *
from .sections.products import *
from .sections.reductions import *
from .sections.signals import *
from .sections.statistics import *
from .sections.ufuncs import *

__all__ = [
    "False_", "ScalarType", "True_", "bool", "bool_", "byte", "cdouble", "complex64", "complex128", "complexfloating",
    "csingle", "double", "dtype", "e", "errstate", "euler_gamma", "fft", "float16", "float32", "float64", "floating",
    "generic", "half", "inexact", "inf", "int8", "int16", "int32", "int64", "int_", "intc", "integer", "intp", "linalg",
    "little_endian", "long", "longlong", "nan", "ndarray", "newaxis", "number", "pi", "random", "short",
    "signedinteger", "single", "typecodes", "ubyte", "uint", "uint8", "uint16", "uint32", "uint64", "uintc", "uintp",
    "ulong", "ulonglong", "unsignedinteger", "ushort",
]  # fmt: skip
__all__ += creation.__all__
__all__ += files.__all__
__all__ += grids.__all__
__all__ += indexing.__all__
__all__ += logic.__all__
__all__ += manipulation.__all__
__all__ += rearranging.__all__
__all__ += ranges.__all__
__all__ += matrices.__all__
__all__ += joining.__all__
__all__ += padding.__all__
__all__ += sets.__all__
__all__ += sorting.__all__
__all__ += writing.__all__
__all__ += elementwise.__all__
__all__ += functional.__all__
__all__ += histograms.__all__
__all__ += polynomials.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += signals.__all__
__all__ += statistics.__all__
__all__ += ufuncs.__all__

_missing = missing("")


def __getattr__(name: str) -> Any:
    return _missing(name)


def __dir__() -> list[str]:
    return sorted(__all__)
