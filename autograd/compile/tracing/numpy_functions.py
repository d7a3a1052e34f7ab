"""NumPy's own functions and methods of tracers, ``np.median(x)``, ``np.sin(x)`` or ``x.cumsum()``.

They are those of the tracers' namespace where that has them with these arguments, which record one operation; else
those of `pullback.numpy`, which are composed of the namespace's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...core.array import Array
from ...core.registry import names
from ...core.signatures import CONSTANT
from ...core.tracer_like import NUMPY_PROTOCOLS, TRACERS, NotRecorded
from ...functions import namespace
from .trace_builder import TraceError, users_line


def call_ufunc(tracer: Any, ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """A ufunc of NumPy's as the function of its name.

    Raises
    ------
    TraceError
        For ufuncs that cannot be recorded.
    """
    name = STANDARD_NAMES.get(ufunc.__name__, ufunc.__name__)
    if method == "__call__" and not options:
        for xp in (tracer.xp, tracer.xp.special):
            found = getattr(xp, name, None)
            if found is not None:
                return found(*inputs)
    return _by_protocol("ufunc", f"numpy.{ufunc.__name__}", ufunc, method, inputs, options)


def call_function(tracer: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function of NumPy's as the function of its name.

    Raises
    ------
    TraceError
        For functions that cannot be recorded.
    """
    name = STANDARD_NAMES.get(function.__name__, function.__name__)
    if function.__name__ in ("shape", "ndim", "size"):
        return getattr(args[0], function.__name__)
    known = name in NUMPY_ONLY or name in CONSTANT or name in names()
    what = f"{function.__module__}.{function.__name__}"
    if not known or (name == "where" and len(args) == 1) or function.__module__ not in SECTIONS:
        return _by_protocol("function", what, function, args, kwargs)
    section = function.__module__.rpartition(".")[2]
    xp = getattr(tracer.xp, section, tracer.xp) if "." in function.__module__ else tracer.xp
    found = getattr(xp, name, None)
    if found is None:
        return _by_protocol("function", what, function, args, kwargs)
    # its labels stand among the arrays, in either of two forms
    if name == "einsum":
        return namespace.einsum(*args, **kwargs)
    if name == "round" and (len(args) > 1 or kwargs):
        return _by_protocol("function", what, function, args, kwargs)
    ours = getattr(namespace, section, namespace) if "." in function.__module__ else namespace
    ours = getattr(ours, name, None)
    if ours is None or takes(ours, args, kwargs):
        return found(*args, **kwargs)
    named = _standard_arguments(function, ours, args, kwargs)
    if takes(ours, *named):
        return found(*named[0], **named[1])
    return _by_protocol("function", what, function, args, kwargs)


def method_of(tracer: Any, name: str) -> Callable[..., Any] | None:
    """The method that `Array` has under this name, of a tracer; None if there is none."""
    method = NUMPY_PROTOCOLS["methods"].get(name)
    if method is None:
        return None

    def call(*args: Any, **kwargs: Any) -> Any:
        given: list[Array] = []
        x, args, kwargs = (_wrapped(part, given) for part in (tracer, args, kwargs))
        tracers = [x.value for x in given]
        out = _unwrapped(method(x, *args, **kwargs))
        _write_back(tracers, given)
        return out

    return call


def _by_protocol(protocol: str, what: str, *call: Any) -> Any:
    """The result of the function of `pullback.numpy` that NumPy's protocol finds, called with tracers."""
    given: list[Array] = []
    wrapped = [_wrapped(part, given) for part in call]
    tracers = [x.value for x in given]
    try:
        out = _unwrapped(NUMPY_PROTOCOLS[protocol](*wrapped))
    except NotRecorded as error:
        raise TraceError(
            f"{what} of a recorded array at {users_line()}, which cannot be recorded: {error}"
        ) from error
    _write_back(tracers, given)
    return out


def _write_back(tracers: list[Any], given: list[Array]) -> None:
    """Writes in place, as ``np.put(x, …)`` makes them, from what stood for the tracers to these."""
    for tracer, x in zip(tracers, given, strict=True):
        if x.value is not tracer:
            tracer[...] = x.value


def _wrapped(x: Any, given: list[Array]) -> Any:
    """Recorded arrays as an `Array` each, which the functions of `pullback.numpy` know; these go into `given`, too."""
    if isinstance(x, dict):
        return {k: _wrapped(v, given) for k, v in x.items()}
    if type(x) in (list, tuple):
        return type(x)(_wrapped(v, given) for v in x)
    if type(x) in TRACERS and not x.is_number:
        given.append(Array(x))
        return given[-1]
    return x


def _unwrapped(x: Any) -> Any:
    if type(x) is Array and type(x.value) in TRACERS:
        return x.value
    if hasattr(x, "_make"):
        return x._make(_unwrapped(v) for v in x)
    return type(x)(_unwrapped(v) for v in x) if type(x) in (list, tuple) else x


def takes(function: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether a function can be called with these arguments."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _standard_arguments(
    function: Callable[..., Any], ours: Any, args: Any, kwargs: Any
) -> tuple[Any, Any]:
    """The arguments of NumPy's `function` as the standard has them.

    ``np.sum(x, 0)`` is ``sum(x, axis=0)`` there.
    """
    standard = inspect.signature(ours).parameters.values()
    count = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in standard)
    theirs = list(inspect.signature(function).parameters)
    named = dict(zip(theirs[count:], args[count:], strict=False)) | kwargs
    named = {"correction" if k == "ddof" else k: v for k, v in named.items() if v is not None}
    return args[:count], named


# Modules whose functions are those of their names; ``numpy.lib.scimath.log`` is another than ``numpy.log``.
SECTIONS = ("numpy", "numpy.linalg", "numpy.fft")

# NumPy's own functions, by ``np.median(x)``, whose results' shapes do not depend on values.
NUMPY_ONLY = frozenset(
    """average cumprod cumsum diagonal dot einsum fft2 hstack inner isclose kron matrix_norm median nan_to_num norm
    nanmax nanmean nanmin nansum outer pad percentile ptp quantile ravel round swapaxes trace vdot vstack""".split()  # noqa: SIM905 - a table
)

STANDARD_NAMES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "conjugate": "conj", "power": "pow", "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift", "rint": "round", "concatenate": "concat",
    "transpose": "permute_dims",
}  # fmt: skip
