"""NumPy's own functions of a pullback array: ``np.sin(x)``, ``np.median(x, axis=0)``, ``scipy.special.erf(x)``.

NumPy asks the array for its protocols, `__array_ufunc__` and `__array_function__`, and they call the function of
`pullback.numpy` that has the name, or of `pb.special`. What neither has is computed by NumPy where nothing is traced,
and refused with advice where something is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.array import Array, backend_array
from ..core.dtypes import is_inexact
from ..core.tracer_like import NUMPY_PROTOCOLS, TRACERS, NotRecorded
from ..functions import namespace as standard
from . import namespace
from .arrays import rearranging
from .refusals import advice_on

# The functions that answer, by NumPy's own: a name is looked up once, when it is first asked for.
_UFUNCS: dict[Any, Callable[..., Any] | None] = {}
_FUNCTIONS: dict[Any, Callable[..., Any] | None] = {}

INTO_NUMPY = (
    "a NumPy array cannot record what is written into it: write y = {name}(…), or, for y += x, y = y + x; or make y by "
    "pb.xp.zeros, pb.xp.asarray or pullback.numpy.array, into which writes are recorded; or use pb.xp.at(y)[key].set(v)"
)
INTO_OURS = (
    "out= is a pullback Array, whose buffer is never written to: write y = {name}(…), or y[...] = {name}(…), which is "
    "recorded and reaches what y is a view of"
)


# ── ufuncs ────────────────────────────────────────────────────────────────────────────────────────


def array_ufunc(self: Any, ufunc: Any, method: str, /, *inputs: Any, **settings: Any) -> Any:
    """``np.sin(x)``, ``ndarray * x``, ``np.add.reduce(x)``: the function of that name and its method."""
    try:
        front = _UFUNCS[ufunc]
    except KeyError:
        front = _UFUNCS[ufunc] = _front_of(ufunc)
    if method == "__call__" and not settings:
        if front is not None:
            return front(*inputs)
        return _on_values(_name_of(ufunc), ufunc, inputs, settings)
    return _with_settings(front, ufunc, method, inputs, settings)


def _front_of(ufunc: Any) -> Callable[..., Any] | None:
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return getattr(namespace, name, None)
    return getattr(standard.special, name, None)


def _name_of(ufunc: Any, method: str = "__call__") -> str:
    name = ufunc.__name__
    name = f"numpy.{name}" if getattr(np, name, None) is ufunc else name
    return name if method == "__call__" else f"{name}.{method}"


def _with_settings(
    front: Any, ufunc: Any, method: str, inputs: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    what = _name_of(ufunc, method)
    if settings.get("out") is not None and any(x is not None for x in settings["out"]):
        return _into(what, getattr(ufunc, method), inputs, settings)
    settings.pop("out", None)
    function = front if method == "__call__" else getattr(front, method, None)
    if method == "at" and type(inputs[0]) is not Array:
        return _into(what, ufunc.at, inputs, settings)
    if function is None or not hasattr(namespace, ufunc.__name__):
        return _on_values(what, getattr(ufunc, method), inputs, settings)
    return function(*inputs, **settings)


def _into(what: str, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """A function that writes into arrays: constants into NumPy's own; the rest is refused.

    Raises
    ------
    TypeError
        If the target is a pullback array.
    NotRecorded
        If what is written is traced.
    """
    if _any(kwargs.get("out"), lambda x: True):
        raise TypeError(f"{what}: {INTO_OURS.format(name=what)}")
    if _any((args, kwargs), _is_recorded):
        raise NotRecorded(
            f"{what} of a traced array into a NumPy array: {INTO_NUMPY.format(name=what)}"
        )
    return function(*_raw_inside(args), **_raw_inside(kwargs))


# ── functions ─────────────────────────────────────────────────────────────────────────────────────


def array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """``np.median(x)``, ``np.linalg.norm(x)``: the function of `pullback.numpy` of that name."""
    try:
        front = _FUNCTIONS[function]
    except KeyError:
        front = _FUNCTIONS[function] = _function_of(function)
    if front is None:
        return _on_values(f"{function.__module__}.{function.__name__}", function, args, kwargs)
    if kwargs.get("out") is not None:
        name = f"{function.__module__}.{function.__name__}"
        return _into(name, function, args, kwargs)
    return front(*args, **kwargs)


def _function_of(function: Any) -> Callable[..., Any] | None:
    """The function that answers for NumPy's, by module and name: another library's are none of ours."""
    homes = {"numpy": (np, namespace), "numpy.linalg": (np.linalg, namespace.linalg),
             "numpy.fft": (np.fft, namespace.fft)}  # fmt: skip
    name = function.__name__
    if function is np.lib.stride_tricks.sliding_window_view:
        return rearranging.sliding_window_view
    theirs, ours = homes.get(function.__module__, (None, None))
    if theirs is None or getattr(theirs, name, None) is not function or name not in dir(ours):
        return None
    return getattr(ours, name)


def _on_values(what: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function of NumPy's, or of another library, on the arrays below; it does not record.

    Raises
    ------
    NotRecorded
        If something is traced, or recorded by `compile`.
    """
    if _any((args, kwargs), _is_recorded):
        name = what.removeprefix("numpy.")
        section, _, short = name.rpartition(".")
        advice = advice_on(short, section) if section in ("", "linalg", "fft") else ""
        raise NotRecorded(
            f"{what} of a traced array: it cannot be recorded; "
            + (advice or "use a function of pullback.numpy, pb.xp, pb.special or pb.linalg")
            + ", or, where no derivative is wanted, pb.to_numpy(pb.stop_gradient(x))"
        )
    if _any(kwargs.get("out"), lambda x: True):
        raise TypeError(f"{what}: {INTO_OURS.format(name=what)}")
    return function(*_raw_inside(args), **_raw_inside(kwargs))


def _is_recorded(x: Array) -> bool:
    return _is_traced(x) or type(backend_array(x)) in TRACERS


def _is_traced(x: Array) -> bool:
    return x.traced and is_inexact(x.dtype)


def _any(x: Any, holds: Callable[[Array], bool]) -> bool:
    if type(x) is Array:
        return holds(x)
    items = x.values() if isinstance(x, dict) else x if isinstance(x, list | tuple) else ()
    return any(_any(v, holds) for v in items)


def _raw_inside(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _raw_inside(v) for k, v in x.items()}
    if type(x) in (list, tuple):
        return type(x)(_raw_inside(v) for v in x)
    return backend_array(x)


def install() -> None:
    """Put the protocols on `Array`."""
    members: dict[str, Any] = {"__array_ufunc__": array_ufunc, "__array_function__": array_function}
    for name, member in members.items():
        setattr(Array, name, member)
    NUMPY_PROTOCOLS.update(
        ufunc=lambda ufunc, method, args, kwargs: array_ufunc(args, ufunc, method, *args, **kwargs),
        function=lambda function, args, kwargs: array_function(args, function, (), args, kwargs),
    )


install()
