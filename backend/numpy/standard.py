"""The array API standard on NumPy's arrays: NumPy's own functions, and array_api_compat's where NumPy has others.

`STANDARD` has the names and the results of `array_api_compat.numpy`, which is imported when the first name is asked for
that is not NumPy's own: it looks at every name of NumPy, and so loads `numpy.testing`, `numpy.f2py` and other modules,
which takes a third of the time that `import pullback` may take.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np

from ..generic.special import Later

# What array_api_compat takes from NumPy as it is, and creation functions, to which it adds the keyword `device`, as
# NumPy does since 2.0.
_OWN = frozenset(
    """
    abs acos acosh add all any asin asinh atan atan2 atanh bitwise_and bitwise_invert bitwise_left_shift bitwise_or
    bitwise_right_shift bitwise_xor bool broadcast_arrays broadcast_shapes broadcast_to can_cast complex64 complex128
    concat conj copysign cos cosh cumprod cumsum diff divide e equal exp expand_dims expm1 flip float32 float64
    floor_divide from_dlpack greater greater_equal hypot imag inf int8 int16 int32 int64 isdtype isfinite isin isinf
    isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor max maximum mean
    meshgrid min minimum moveaxis multiply nan negative newaxis nextafter not_equal pi positive pow prod real reciprocal
    remainder repeat reshape result_type roll round searchsorted signbit sin sinh sqrt square squeeze stack subtract sum
    take tan tanh tile tril triu uint8 uint16 uint32 uint64 unstack vecdot where

    arange asarray empty empty_like eye full full_like linspace ones ones_like zeros zeros_like
    """.split()  # noqa: SIM905 - a table
)
_OWN_LINALG = frozenset(("det", "eigvalsh", "inv", "matrix_power", "solve", "vector_norm"))


class Standard:
    """A namespace of array_api_compat's, of which NumPy's own functions are found without it.

    Parameters
    ----------
    name : str
        Of array_api_compat's module.
    numpy
        NumPy's module.
    own : set of str
        The names under which that module has the same.
    """

    def __init__(self, name: str, numpy: Any, own: Set[str]) -> None:
        self.__name__ = name
        self._numpy, self._own, self._compat = numpy, own, Later(name)

    def __getattr__(self, name: str) -> Any:
        if name in self._own:
            found = getattr(self._numpy, name)
        elif name.startswith("__array_") or (name[0] != "_" and hasattr(self._numpy, name)):
            found = getattr(self._compat, name)
        else:  # array_api_compat need not be asked: it adds no names
            raise AttributeError(f"{self.__name__} has no function {name!r}")
        self.__dict__[name] = found
        return found


STANDARD: Any = Standard("array_api_compat.numpy", np, _OWN)
STANDARD.linalg = Standard("array_api_compat.numpy.linalg", np.linalg, _OWN_LINALG)
