"""Functions of NumPy and SciPy for arrays that are traced and arrays that are not.

Where no argument is traced and the active backend is NumPy, a function is NumPy's own: its results are plain arrays, which
programs may write to. Else it is the function of `pullback.numpy` or `pullback.scipy`, whose results are taken off
`pullback.Array` unless something traces them.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ....autograd.core.array import Array
from ....autograd.functions import namespace
from ....backend import current
from ..values import getval, holds_array, plain
from ..wrap_util import get_doc

Finder = Callable[[str], Any]

_CONTAINERS = frozenset((list, tuple, dict))

# The functions of `pullback.xp` that are NumPy's of this name, of one array and of two, in calls without settings.
UNARY = {
    name: getattr(namespace, standard)
    for name, standard in {
        **{name: name for name in "sin cos tan sinh cosh tanh exp expm1 log log1p log2 log10 sqrt square negative".split()},  # noqa: SIM905 - a table
        "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh",
        "arctanh": "atanh", "abs": "abs", "absolute": "abs",
    }.items()
}  # fmt: skip
BINARY = {
    name: getattr(namespace, standard)
    for name, standard in {
        "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide", "true_divide": "divide",
        "maximum": "maximum", "minimum": "minimum", "matmul": "matmul",
    }.items()
}  # fmt: skip
REDUCTIONS = {name: getattr(namespace, name) for name in ("sum", "mean", "prod")}
OPERANDS = frozenset((Array, np.ndarray, float, int))
# What is computed with on the host, whatever the active backend: NumPy's arrays, and numbers.
HOST = frozenset((np.ndarray, np.float64, np.float32, float, int))

# Metadata, and what reads values: constants to derivatives.
NOTRACE = (np.ndim, np.shape, np.size, np.iscomplexobj, np.isrealobj, np.result_type)


def wrapped(name: str, function: Callable[..., Any], find: Finder) -> Any:
    """`function`, and what `find` gives for its name where an argument is an `Array` or the backend is another.

    Parameters
    ----------
    name : str
        The name in the namespace of `function`.
    function : callable
        NumPy's or SciPy's.
    find : callable
        ``find(name)`` is our function of that name; it raises where there is none. It is asked at the first call that
        needs it.
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
            elif x_type is Array or (x_type in _CONTAINERS and holds_array(x)):
                return of_arrays(*args, **kwargs)
        if kwargs:
            for x in kwargs.values():
                if holds_array(x):
                    return of_arrays(*args, **kwargs)
        if has_array or current().name == "numpy":
            return function(*args, **kwargs)
        return of_arrays(*args, **kwargs)

    call = _special(name, function, general)

    def override(new: Any) -> None:
        nonlocal ours
        ours = new
        call.__dict__["overridden"] = True
        renew(new)

    renew = getattr(call, "renew", lambda new: None)
    call.fun, call._override, call._is_autograd_primitive = function, override, True
    call.__name__ = call.__qualname__ = name
    call.__doc__ = get_doc(function)
    return call


def _special(name: str, function: Callable[..., Any], general: Callable[..., Any]) -> Any:
    """The function for calls of the form that most are of; the others go to `general`."""
    if function is vars(np).get(name):
        if name in UNARY:
            return _unary(UNARY[name], function, general)
        if name in BINARY:
            return _binary(BINARY[name], function, general)
        if name in REDUCTIONS:
            return _reduction(REDUCTIONS[name], function, general)
        if name == "dot":
            return _dot(function, general)
        if name == "tensordot":
            return _tensordot(function, general)

    def call(*args: Any, **kwargs: Any) -> Any:
        return general(args, kwargs)

    return call


def _unary(fast: Any, function: Any, general: Callable[..., Any]) -> Any:
    def call(x: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            x_type = type(x)
            if x_type is Array:
                if x.tape.open:
                    return fast(x)
            elif x_type in HOST:
                return function(x)
        return general((x, *args), kwargs)

    def renew(new: Any) -> None:
        nonlocal fast
        fast = new

    call.renew = renew  # type: ignore[attr-defined]  # for `override`
    return call


def _binary(fast: Any, function: Any, general: Callable[..., Any]) -> Any:
    def call(x1: Any, x2: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            x1_type, x2_type = type(x1), type(x2)
            if x1_type in HOST and x2_type in HOST:
                return function(x1, x2)
            if x1_type in OPERANDS and x2_type in OPERANDS:
                if x1_type is Array and x1.tape.open or x2_type is Array and x2.tape.open:
                    return fast(x1, x2)
        return general((x1, x2, *args), kwargs)

    def renew(new: Any) -> None:
        nonlocal fast
        fast = new

    call.renew = renew  # type: ignore[attr-defined]  # for `override`
    return call


def _reduction(fast: Any, function: Any, general: Callable[..., Any]) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            x = args[0]
            x_type = type(x)
            if x_type is Array:
                if x.tape.open:
                    return fast(x)
            elif x_type in HOST:
                return function(x)
        return general(args, kwargs)

    def renew(new: Any) -> None:
        nonlocal fast
        fast = new

    call.renew = renew  # type: ignore[attr-defined]  # for `override`
    return call


def _dot(function: Any, general: Callable[..., Any]) -> Any:
    overridden = None
    matmul, dot = namespace.matmul, namespace.dot

    def call(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs and overridden is None:
            a_type, b_type = type(a), type(b)
            if a_type is ndarray is b_type:
                return function(a, b)
            if (a_type is Array and a.tape.open and (b_type is Array or b_type is ndarray)) or (
                b_type is Array and b.tape.open and a_type is ndarray
            ):
                m, n = len(a.shape), len(b.shape)
                if m and n and a.dtype is b.dtype:
                    return matmul(a, b) if m <= 2 >= n else dot(a, b)
        return general((a, b, *args), kwargs)

    def renew(new: Any) -> None:
        nonlocal overridden
        overridden = new

    call.renew = renew  # type: ignore[attr-defined]  # for `override`
    return call


def _tensordot(function: Any, general: Callable[..., Any]) -> Any:
    overridden = None
    tensordot = namespace.tensordot

    def call(a: Any, b: Any, axes: Any = 2) -> Any:
        a_type, b_type = type(a), type(b)
        if a_type is ndarray is b_type:
            return function(a, b, axes)
        if type(axes) is int and overridden is None:
            if (a_type is Array and a.tape.open and (b_type is Array or b_type is ndarray)) or (
                b_type is Array and b.tape.open and a_type is ndarray
            ):
                if a.dtype is b.dtype:
                    return tensordot(a, b, axes=axes)
        return general((a, b, axes), {})

    def renew(new: Any) -> None:
        nonlocal overridden
        overridden = new

    call.renew = renew  # type: ignore[attr-defined]  # for `override`
    return call


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
        except (AttributeError, ImportError):
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
