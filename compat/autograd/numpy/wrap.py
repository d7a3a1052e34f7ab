"""Functions of NumPy and SciPy for arrays that are traced and arrays that are not.

Where no argument is traced, a function is NumPy's own on NumPy's arrays and on numbers: its results are plain arrays,
which programs may write to. Else it is the function of `pullback.numpy` or `pullback.scipy`, whose results are taken
off `pullback.Array` unless something traces them. So it is with arrays of other libraries, and with what is made of
no array while another backend is active.

The functions that most calls are of have a first branch of their own (`fast_paths`), which goes to `pullback.xp`
directly.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ....autograd.core.array import Array
from ....backend import current, is_array
from ..values import getval, holds_array, plain
from ..wrap_util import get_doc
from . import fast_paths

Finder = Callable[[str], Any]

_CONTAINERS = frozenset((list, tuple, dict))
# Whether values of a class are arrays of a library other than NumPy.
_FOREIGN: dict[type, bool] = {ndarray: False, list: False, tuple: False, dict: False}

# Metadata, and what reads values: constants to derivatives.
NOTRACE = (np.ndim, np.shape, np.size, np.iscomplexobj, np.isrealobj, np.result_type)


def wrapped(name: str, function: Callable[..., Any], find: Finder) -> Any:
    """`function`, and what `find` gives for its name where it is not NumPy's arrays and numbers that it is called with.

    Parameters
    ----------
    name : str
        The name in the namespace of `function`.
    function : callable
        NumPy's or SciPy's.
    find : callable
        ``find(name)`` is our function of that name; it raises where there is none. It is asked at the first call that
        needs it.

    Returns
    -------
    callable
        Its `fun` is `function`; ``_override(new)`` replaces ours by another, for `defvjp`.
    """
    ours: Any = None

    def of_arrays(*args: Any, **kwargs: Any) -> Any:
        nonlocal ours
        if ours is None:
            ours = find(name)
        return plain(ours(*args, **kwargs))

    def general(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        has_array = False
        for x in args:
            x_type = type(x)
            if x_type is ndarray:
                has_array = True
            elif (
                x_type is Array
                or (x_type in _CONTAINERS and holds_array(x))
                or (_FOREIGN[x_type] if x_type in _FOREIGN else _is_foreign(x))
            ):
                return of_arrays(*args, **kwargs)
        if kwargs:
            for x in kwargs.values():
                if holds_array(x):
                    return of_arrays(*args, **kwargs)
        if has_array or current().name == "numpy":
            return function(*args, **kwargs)
        return of_arrays(*args, **kwargs)

    call: Any = None
    renew: Any = None
    if function is vars(np).get(name):
        call, renew = fast_paths.find(name, function, general)
    if call is None:

        def plain_call(*args: Any, **kwargs: Any) -> Any:
            return general(args, kwargs)

        call = plain_call

    def override(new: Any) -> None:
        nonlocal ours
        ours = new
        if renew is not None:
            renew(new)

    call.fun, call._override, call._is_autograd_primitive = function, override, True
    call.__name__ = call.__qualname__ = name
    call.__doc__ = get_doc(function)
    return call


def _is_foreign(x: Any) -> bool:
    """Whether `x` is an array of a library other than NumPy; remembered for its class."""
    found = is_array(x) and not isinstance(x, ndarray | np.generic)
    if not isinstance(x, type):
        _FOREIGN[type(x)] = found
    return found


def notrace(function: Callable[..., Any]) -> Any:
    """A function of shapes and dtypes alone, of the values of what it is given."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*[_value(x) for x in args], **kwargs)

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = get_doc(function)
    return call


def _value(x: Any) -> Any:
    return [getval(y) for y in x] if type(x) is list else getval(x)


def wrap_namespace(old: Any, new: dict[str, Any], find: Finder) -> list[str]:
    """Put the public names of a module of NumPy's or SciPy's into a namespace, its functions wrapped.

    Names of one object, as `conj` and `conjugate`, are one object there too. Returns the names.
    """
    done: dict[int, Any] = {}
    names = []
    for name in dir(old):
        if name.startswith("_"):
            continue
        try:
            value = getattr(old, name)
        except (AttributeError, ImportError):  # names that NumPy announces and does not have
            continue
        if isinstance(value, types.ModuleType):
            continue
        names.append(name)
        if isinstance(value, type) or not callable(value):
            new[name] = value
        elif id(value) in done:
            new[name] = done[id(value)]
        else:
            new[name] = done[id(value)] = (
                notrace(value) if value in NOTRACE else wrapped(name, value, find)
            )
    return names
