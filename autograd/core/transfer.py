"""Between libraries and devices, said aloud: data to the active backend, and back to the host; and what mixes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backend import backend_of, current, is_array
from ...backend import to_numpy as raw_to_numpy
from .array import ADVICE, Array, backend_array, unwrap_closed


def to_numpy(x: Any) -> np.ndarray:
    """The values of an array of any backend, on the host.

    Parameters
    ----------
    x
        A `pullback` array that is not traced, an array of NumPy, CuPy or another library, or a number.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    TypeError
        If `x` is traced: a gradient would be cut.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.to_numpy(pb.xp.asarray([1.0, 2.0]))
    array([1., 2.])
    """
    return raw_to_numpy(_untraced(x, "to_numpy"))


def _untraced(x: Any, name: str) -> Any:
    """The value of an array that no open tape records; the others are refused."""
    x = unwrap_closed(x)
    if type(x) is Array:
        raise TypeError(f"{name} of a traced array of shape {x.shape}: {ADVICE}")
    return x


def asarray(x: Any, *, dtype: Any = None) -> Any:
    """Data as an array of the active backend: NumPy's own or CuPy's own, on its device.

    The counterpart of `to_numpy`, and the one line that a program needs which shall run on a CPU and on a GPU alike:
    what was read into NumPy arrays goes through here to where models and `pb.xp`'s new arrays are. On NumPy an array
    is returned as it is.

    Parameters
    ----------
    x
        An array of any library, a number, or a nested sequence of numbers.
    dtype : dtype, optional
        Of the result; by default that of `x`.

    Returns
    -------
    numpy.ndarray or cupy.ndarray
        An array of the active backend's library, not a `pullback.Array`: gradients with respect to it are of its class.

    Raises
    ------
    TypeError
        If `x` is traced: a gradient would be cut.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x = pb.asarray(np.asarray([1.0, 2.0]))
    >>> pb.grad(lambda x: pb.xp.sum(x * x))(x)
    array([2., 4.])
    """
    x = _untraced(x, "asarray")
    active = current()
    if not is_array(x):
        return active.asarray(x, dtype=dtype)
    if isinstance(x, active.array_type):
        wanted = None if dtype is None else active.dtype(np.dtype(dtype))
        same = wanted is None or getattr(x, "dtype", None) == wanted
        return x if same else active.xp.astype(x, wanted)
    return active.asarray(raw_to_numpy(x), dtype=dtype)


def of_two_libraries(
    name: str, parameters: Sequence[str], values: Sequence[Any], one: Any, other: Any
) -> TypeError:
    """The error for a function whose arguments `one` and `other`, among `values`, belong to two libraries."""
    indices = sorted(next(i for i, v in enumerate(values) if v is x) for x in (one, other))
    called = parameters if len(parameters) == len(values) else [f"arrays[{i}]" for i in range(len(values))]  # fmt: skip
    (first, a), (second, b) = [
        (called[i], backend_of(backend_array(values[i])).name) for i in indices
    ]
    active = current().name
    if active in (a, b):
        moved, line, to = second if a == active else first, "pb.asarray", f"the active backend, {active}"  # fmt: skip
    else:
        moved, line, to = second if a == "numpy" else first, "pb.to_numpy", "NumPy"
    return TypeError(
        f"{name}: {first} is an array of {a}, {second} one of {b}; nothing is moved silently: "
        f"{moved} = {line}({moved}) takes it to {to}"
    )


def check_library(what: str, x: Any, like: Any) -> None:
    """Refuse an array of another library than that of the array `like`.

    Raises
    ------
    TypeError
        If they differ; the message begins with `what`.
    """
    x, like = backend_array(x), backend_array(like)
    if type(x) is type(like) or not is_array(x) or isinstance(x, np.generic):
        return
    mine, other = backend_of(x), backend_of(like)
    if other.takes_in(x):
        return
    if mine.array_type is not other.array_type and not (mine.recording or other.recording):
        line = (
            "pb.asarray"
            if other.name == current().name
            else "pb.to_numpy"
            if other.name == "numpy"
            else None
        )
        hint = f"{line or 'pb.backend.backend_of(x).asarray'}(…) takes it there"
        raise TypeError(f"{what} is an array of {mine.name}, where one of {other.name} is needed; {hint}")  # fmt: skip
