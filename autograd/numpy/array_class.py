"""`pullback.numpy.ndarray`: the class of which every array here is an instance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import is_array
from ..core.array import Array


class _Arrays(type):
    """The class of `ndarray`: it asks what an object is, not how its class was made."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Array) or (is_array(x) and not isinstance(x, np.generic))

    def __subclasscheck__(cls, of: type) -> bool:
        return of is cls or issubclass(of, Array | np.ndarray)


class ndarray(metaclass=_Arrays):  # NumPy's name
    """What ``isinstance(x, np.ndarray)`` asks: a `pb.Array`, traced or not, or an array of its library.

    As in NumPy, its scalars and Python's numbers are none; a result without axes is one here, as it is of an array.
    It makes no arrays: ``np.empty(shape)`` does.

    Examples
    --------
    >>> import numpy, pullback.numpy as np
    >>> isinstance(np.ones(2), np.ndarray), isinstance(numpy.ones(2), np.ndarray)
    (True, True)
    >>> isinstance(2.0, np.ndarray), isinstance([2.0], np.ndarray)
    (False, False)
    """

    def __new__(cls, *_: Any, **__: Any) -> ndarray:
        """Refuse, with what makes arrays."""
        raise TypeError(
            "pullback.numpy.ndarray is only for isinstance(x, np.ndarray); make arrays by np.empty(shape), "
            "np.zeros(shape) or np.asarray(x)"
        )
