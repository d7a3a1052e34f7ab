"""NumPy's own functions of tracers, ``np.median(x)`` or ``np.sin(x)``: those of the tracers' namespace."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...core.registry import names
from ...core.signatures import CONSTANT
from ...functions import namespace
from .trace_builder import TraceError, users_line


def call_ufunc(tracer: Any, ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """A ufunc of NumPy's as the function of its name.

    Raises
    ------
    TraceError
        For methods and options of ufuncs, and for ufuncs that the namespace does not have.
    """
    name = STANDARD_NAMES.get(ufunc.__name__, ufunc.__name__)
    if method == "__call__" and not options:
        for xp in (tracer.xp, tracer.xp.special):
            found = getattr(xp, name, None)
            if found is not None:
                return found(*inputs)
    raise _refusal(f"numpy.{ufunc.__name__}")


def call_function(tracer: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function of NumPy's as the function of its name.

    Raises
    ------
    TraceError
        For functions and arguments that the namespace does not have.
    """
    name = STANDARD_NAMES.get(function.__name__, function.__name__)
    if function.__name__ in ("shape", "ndim", "size"):
        return getattr(args[0], function.__name__)
    known = name in NUMPY_ONLY or name in CONSTANT or name in names()
    if not known or (name == "where" and len(args) == 1):
        raise _refusal(f"{function.__module__}.{function.__name__}")
    section = function.__module__.rpartition(".")[2]
    xp = getattr(tracer.xp, section, tracer.xp) if "." in function.__module__ else tracer.xp
    found = getattr(xp, name, None)
    if found is None:
        raise _refusal(f"{function.__module__}.{function.__name__}")
    # its labels stand among the arrays, in either of two forms
    if name == "einsum":
        return namespace.einsum(*args, **kwargs)
    if name == "round" and (len(args) > 1 or kwargs):
        raise _refusal("numpy.round to decimals")
    ours = getattr(namespace, section, namespace) if "." in function.__module__ else namespace
    ours = getattr(ours, name, None)
    if ours is None or takes(ours, args, kwargs):
        return found(*args, **kwargs)
    named = _standard_arguments(function, ours, args, kwargs)
    if takes(ours, *named):
        return found(*named[0], **named[1])
    try:
        return found(*args, **kwargs)
    # NumPy's own settings, which a library's function may lack
    except TypeError as error:
        raise TraceError(
            f"{function.__module__}.{function.__name__} of a recorded array at {users_line()}: it is not recorded "
            f"with these arguments; use pb.xp.{name}, whose signature is the array API standard's"
        ) from error


def takes(function: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether a function can be called with these arguments."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _refusal(what: str) -> TraceError:
    return TraceError(
        f"{what} of a recorded array at {users_line()}: it cannot be recorded; use a function of pb.xp"
    )


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
