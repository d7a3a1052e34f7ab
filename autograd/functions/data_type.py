"""Data type functions of the array API standard; dtypes are ``numpy.dtype`` objects on every backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.dtypes import as_numpy
from ..core.typing import ArrayLike, DType


def _dtype(x: ArrayLike) -> np.dtype:
    """The dtype of an array, or a dtype itself, of any library."""
    return as_numpy(getattr(x, "dtype", x) if not isinstance(x, type | np.dtype) else x)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether an array or dtype can be cast to a dtype under the standard's promotion rules.

    Parameters
    ----------
    from_ : dtype or array
        What is cast.
    to : dtype
        To which dtype.

    Returns
    -------
    bool

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.can_cast(pb.xp.float32, pb.xp.float64), pb.xp.can_cast(pb.xp.float64, pb.xp.float32)
    (True, False)
    """
    return bool(np.can_cast(_dtype(from_), _dtype(to)))


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """The dtype that mixing arrays, dtypes and Python scalars gives.

    Parameters
    ----------
    *arrays_and_dtypes : array, dtype or number
        One at least that is no Python scalar. A Python scalar does not widen a dtype of its own kind.

    Returns
    -------
    dtype
        A ``numpy.dtype``, as all dtypes here.

    Raises
    ------
    ValueError
        If there are only Python scalars.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.result_type(pb.xp.float32, 1.0)
    dtype('float32')
    >>> pb.xp.result_type(pb.xp.float32, pb.xp.asarray(1.0))
    dtype('float64')
    """
    given = [x if type(x) in (bool, int, float, complex) else _dtype(x) for x in arrays_and_dtypes]
    if not any(isinstance(x, np.dtype) for x in given):
        raise ValueError("result_type: at least one argument has to be an array or a dtype")
    return np.result_type(*given)


def isdtype(dtype: DType, kind: Any) -> bool:
    """Whether a dtype is in a class of dtypes, or in one of a tuple of classes.

    Parameters
    ----------
    dtype : dtype
        The dtype, of any library.
    kind : str, dtype or tuple of them
        A dtype, or one of the standard's names: "bool", "signed integer", "unsigned integer", "integral",
        "real floating", "complex floating", "numeric". Derivatives are those of "real floating" and "complex floating".

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If there is no such class.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.isdtype(pb.xp.float32, ("real floating", "complex floating"))
    True
    """
    names = kind if isinstance(kind, tuple) else (kind,)
    classes = tuple(k if isinstance(k, str) else as_numpy(k) for k in names)
    return bool(np.isdtype(as_numpy(dtype), classes))


@dataclass(frozen=True)
class FloatInfo:
    """Limits of a floating-point dtype, as Python floats; of a complex one, those of its parts."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype


def finfo(type: Any, /) -> FloatInfo:
    """Limits of the floating-point dtype `type`, or of an array's.

    Parameters
    ----------
    type : dtype or array
        Of a real or complex floating-point dtype; of a complex one the limits are those of its parts.

    Returns
    -------
    FloatInfo
        With ``bits``, ``eps``, ``max``, ``min``, ``smallest_normal`` and ``dtype``; Python floats, which
        widen no dtype.

    Raises
    ------
    TypeError
        If it is an integer or boolean dtype.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.finfo(pb.xp.float32).eps
    1.1920928955078125e-07
    """
    dtype = _dtype(type)
    if dtype.kind not in "fc":
        raise TypeError(f"finfo: {dtype} is not a floating-point dtype; use iinfo for integers")
    limits = np.finfo(dtype)
    eps, smallest = float(limits.eps), float(limits.smallest_normal)
    return FloatInfo(limits.bits, eps, float(limits.max), float(limits.min), smallest, limits.dtype)


def iinfo(type: Any, /) -> np.iinfo:
    """Limits of the integer dtype `type`, or of an array's.

    Parameters
    ----------
    type : dtype or array
        Of an integer dtype.

    Returns
    -------
    numpy.iinfo
        With ``bits``, ``max``, ``min`` and ``dtype``.

    Raises
    ------
    TypeError
        If it is not an integer dtype.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.iinfo(pb.xp.int8).max
    127
    """
    dtype = _dtype(type)
    if dtype.kind not in "iu":
        raise TypeError(f"iinfo: {dtype} is not an integer dtype; use finfo for floating point")
    return np.iinfo(dtype)
