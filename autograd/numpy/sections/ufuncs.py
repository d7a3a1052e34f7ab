"""NumPy's ufuncs: `sin`, `add`, `heaviside` and the others, with their settings and their methods.

Each is a function with the attributes of a ufunc: `nin`, `nout`, `nargs`, `identity`, `signature`, and `reduce`,
`accumulate`, `reduceat`, `outer` and `at` where NumPy's has them (`ufunc_methods.py`). A call with arrays and numbers
alone goes straight to the function of `pb.xp`; lists, other dtypes and settings take the general way, `_general`, which
asks NumPy in which dtypes it would compute.

Settings: ``where=`` leaves out elements, which are 0 then (NumPy leaves memory as it was) and receive the cotangent 0;
``dtype=`` and ``casting=`` are NumPy's; ``order=`` may be "K", "A" or "C"; ``subok=`` means nothing here; ``out=`` and
``signature=`` are refused.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dispatch import SCALARS
from ...core.dtypes import is_inexact
from ...functions import namespace as xp
from ...functions.creation import asarray
from ..arguments import refuse_out
from ..operands import NO_VALUE, as_array_like, mask_of, operands
from . import ufunc_formulas as formulas
from . import ufunc_methods

# The functions of `pb.xp` by the names of NumPy's ufuncs, where those differ.
_NAMES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "conjugate": "conj", "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift", "power": "pow", "right_shift": "bitwise_right_shift",
}  # fmt: skip
_OF_XP = """
    absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor cbrt ceil
    conjugate copysign cos cosh divide equal exp expm1 floor floor_divide greater greater_equal hypot invert
    isfinite isinf isnan left_shift less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or
    logical_xor matmul maximum minimum multiply negative nextafter not_equal positive power reciprocal remainder
    right_shift sign signbit sin sinh sqrt square subtract tan tanh trunc vecdot
""".split()  # noqa: SIM905 - a table
_FORMULAS: dict[str, Callable[..., Any]] = {
    "bitwise_count": formulas.bitwise_count,
    "deg2rad": formulas.radians,
    "degrees": formulas.degrees,
    "divmod": formulas.divmod,
    "exp2": formulas.exp2,
    "float_power": formulas.float_power,
    "fabs": formulas.fabs,
    "fmax": formulas.fmax,
    "fmin": formulas.fmin,
    "fmod": formulas.fmod,
    "frexp": formulas.frexp,
    "gcd": formulas.gcd,
    "heaviside": formulas.heaviside,
    "isnat": formulas.isnat,
    "lcm": formulas.lcm,
    "ldexp": formulas.ldexp,
    "logaddexp2": formulas.logaddexp2,
    "matvec": formulas.matvec,
    "modf": formulas.modf,
    "rad2deg": formulas.degrees,
    "radians": formulas.radians,
    "rint": formulas.rint,
    "spacing": formulas.spacing,
    "vecmat": formulas.vecmat,
}
# NumPy's other names for the same objects.
_ALIASES = {
    "abs": "absolute", "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh", "bitwise_invert": "invert", "bitwise_left_shift": "left_shift",
    "bitwise_not": "invert", "bitwise_right_shift": "right_shift", "conj": "conjugate", "mod": "remainder",
    "pow": "power", "true_divide": "divide",
}  # fmt: skip

# The arguments for elements that ``where=`` leaves out, at which neither value nor slope is infinite.
_IDLE = {"arccosh": 2.0}
# Operands that need no conversion.
_PLAIN = frozenset((Array, np.ndarray, int, float, complex))
# Formulas that NumPy computes in other dtypes than it is given.
_OF_DOUBLES = frozenset(("float_power", "gcd", "lcm", "ldexp"))
_LOGICAL = frozenset(("logical_and", "logical_not", "logical_or", "logical_xor"))


def _of_one(name: str, function: Callable[..., Any] | None) -> Callable[..., Any]:
    """The function of a ufunc of one array."""
    formula = function is not None

    def first_call(x: Any) -> Any:
        nonlocal function
        function = getattr(xp, _NAMES.get(name, name))
        return function(x)

    function = function or first_call

    def ufunc(x: Any, /, *more: Any, **settings: Any) -> Any:
        if type(x) is Array and not (more or settings or (formula and not is_inexact(x.dtype))):
            try:
                return function(x)
            except TypeError:  # integers, which a library may not take: the general way casts
                pass
        return _general(ufunc, function, (x, *more), settings)

    return ufunc


def _of_two(name: str, function: Callable[..., Any] | None) -> Callable[..., Any]:
    """The function of a ufunc of two arrays."""
    if function is not None:
        return _formula_of_two(function)

    def first_call(x1: Any, x2: Any) -> Any:
        nonlocal function
        function = getattr(xp, _NAMES.get(name, name))
        return function(x1, x2)

    function = first_call

    def ufunc(x1: Any, x2: Any, /, *more: Any, **settings: Any) -> Any:
        if (
            not (more or settings)
            and type(x1) in _PLAIN
            and type(x2) in _PLAIN
            and (type(x1) is Array or type(x2) is Array)
        ):
            try:
                return function(x1, x2)
            except TypeError:
                pass
        return _general(ufunc, function, (x1, x2, *more), settings)

    return ufunc


def _formula_of_two(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a formula, which takes two arrays of one floating dtype as they are."""

    def ufunc(x1: Any, x2: Any, /, *more: Any, **settings: Any) -> Any:
        if type(x1) is Array is type(x2) and not (more or settings):
            dtype = x1.dtype
            if dtype == x2.dtype and is_inexact(dtype) and ufunc.__name__ not in _OF_DOUBLES:
                return formula(x1, x2)
        return _general(ufunc, formula, (x1, x2, *more), settings)

    return ufunc


def _general(
    ufunc: Any, function: Callable[..., Any], given: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """Any call of a ufunc: its operands in the dtypes in which NumPy would compute, its settings honoured."""
    of_numpy, name = ufunc.of_numpy, ufunc.__name__
    if len(given) > of_numpy.nargs:
        raise TypeError(f"{name}() takes {of_numpy.nin} operands and out=, {len(given)} are given")
    if not settings.keys() <= ufunc.__signature__.parameters.keys():
        wrong = next(k for k in settings if k not in ufunc.__signature__.parameters)
        raise TypeError(f"{name}() got an unexpected keyword argument {wrong!r}")
    settings = dict(settings)
    for out in (*given[of_numpy.nin :], settings.pop("out", None)):
        if out is not ... and not (type(out) is tuple and set(map(type, out)) == {type(None)}):
            refuse_out(name, out)
    order = settings.pop("order", "K")
    if order not in ("K", "A", "C"):
        raise ValueError(f'{name}(order={order!r}): arrays have no memory order here, but for "C"')
    if settings.pop("signature", None) is not None:
        raise TypeError(f"{name}(signature=): choose the dtype by dtype=")
    settings.pop("subok", None)
    where = settings.pop("where", True)
    casting, dtype = settings.pop("casting", "same_kind"), settings.pop("dtype", None)
    xs = _cast(ufunc, operands(*given[: of_numpy.nin]), casting, dtype)
    if of_numpy.signature is not None:
        return _over_axes(ufunc, function, xs, **settings)
    mask = mask_of(where, next(x for x in xs if type(x) is Array))
    if mask is None:
        return function(*xs)
    outs = function(*(_left_out(x, mask, name) for x in xs))
    if of_numpy.nout == 1:
        return xp.where(mask, outs, _zero(outs))
    return tuple(xp.where(mask, out, _zero(out)) for out in outs)


def _zero(out: Array) -> Any:
    return False if out.dtype.kind == "b" else 0


def _left_out(x: Any, mask: Array, name: str) -> Any:
    """An operand without what ``where=`` leaves out."""
    idle = _IDLE.get(name, 0.5)
    if type(x) in SCALARS:
        return x
    dtype = np.dtype(x.dtype)
    return xp.where(mask, asarray(x), idle if is_inexact(dtype) else dtype.type(1).item())


def _cast(ufunc: Any, xs: tuple[Any, ...], casting: str, dtype: Any) -> tuple[Any, ...]:
    """The operands in the dtypes of NumPy's loop for them."""
    of_numpy = ufunc.of_numpy
    kinds: list[Any] = [
        type(x) if type(x) in SCALARS - {bool} else np.dtype(getattr(x, "dtype", type(x)))
        for x in xs
    ]
    kinds += [None] * of_numpy.nout
    wanted = None
    if dtype is not None:
        wanted = (*(None,) * of_numpy.nin, *(np.dtype(dtype),) * of_numpy.nout)
    settings = {} if wanted is None else {"signature": wanted}
    loop = of_numpy.resolve_dtypes(tuple(kinds), casting=casting, **settings)
    if ufunc.__name__ in _LOGICAL:
        loop = (np.dtype("bool"),) * len(loop)
    cast, home = [], next(x for x in xs if type(x) is Array)
    for x, to in zip(xs, loop, strict=False):
        if type(x) is Array:
            x = x if x.dtype == to else xp.astype(x, to) if to.kind != "b" else x != 0
        elif type(x) in SCALARS and ufunc.__name__ not in _FORMULAS:
            x = bool(x) if to.kind == "b" else x
        else:
            x = as_array_like(to.type(x), home) if ufunc.__name__ in _FORMULAS else to.type(x)
        cast.append(x)
    return tuple(cast)


def _over_axes(
    ufunc: Any,
    function: Callable[..., Any],
    xs: tuple[Any, ...],
    axes: Any = NO_VALUE,
    axis: Any = NO_VALUE,
    keepdims: bool = False,
) -> Array:
    """A product of vectors or matrices along the axes that are asked for."""
    name = ufunc.__name__
    cores = [[d for d in part.strip("()").split(",") if d] for part in _core_dimensions(ufunc)]
    if axis is not NO_VALUE or keepdims:
        if name != "vecdot":
            raise TypeError(f"{name}(axis=, keepdims=): there is not one axis along which it runs")
        if axis is not NO_VALUE:
            axes = [(axis,), (axis,)] + ([(axis,)] if keepdims else [])
    if axes is not NO_VALUE:
        places = [(k,) if isinstance(k, int) else tuple(k) for k in axes]
        xs = tuple(xp.moveaxis(x, k, _last(len(k))) for x, k in zip(xs, places, strict=False))
        out = function(*xs)
        if keepdims:
            return xp.moveaxis(xp.expand_dims(out, axis=-1), -1, places[-1][0])
        if len(places) > len(xs) and cores[-1]:
            out = xp.moveaxis(out, _last(len(places[-1])), places[-1])
        return out
    out = function(*xs)
    return xp.expand_dims(out, axis=-1) if keepdims else out


def _last(count: int) -> tuple[int, ...]:
    return tuple(range(-count, 0))


def _core_dimensions(ufunc: Any) -> list[str]:
    inputs, _, output = ufunc.of_numpy.signature.partition("->")
    return [part.strip(",") + ")" for part in inputs.split(")") if part] + [output]


# ── making them ─────────────────────────────────────────────────────────────────────────────────


@functools.cache
def _signature(nin: int, nout: int, of_vectors: bool) -> inspect.Signature:
    """The signature that NumPy's ufunc shows, which older versions do not show."""
    names = ("x",) if nin == 1 else ("x1", "x2")
    out = None if nout == 1 else (None,) * nout
    extra: dict[str, Any] = {"where": True}
    if of_vectors:
        extra = {"axes": NO_VALUE, "axis": NO_VALUE, "keepdims": False}
    settings = {
        **extra, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None,
    }  # fmt: skip
    parameter = inspect.Parameter
    return inspect.Signature(
        [
            *(parameter(n, parameter.POSITIONAL_ONLY) for n in names),
            parameter("out", parameter.POSITIONAL_OR_KEYWORD, default=out),
            *(parameter(n, parameter.KEYWORD_ONLY, default=v) for n, v in settings.items()),
        ]
    )


def _documentation(name: str, function: Callable[..., Any] | None, ufunc: Any) -> str:
    """A docstring: what it computes, and what the settings mean."""
    first = f"`pb.xp.{_NAMES.get(name, name)}` with NumPy's signature."
    if function is not None:
        first = (function.__doc__ or "").strip().splitlines()[0]
    lines = [
        first, "", "Parameters", "----------",
        *(f"{p}\n    An array, number or list." for p in ("x", "x1", "x2") if p in ufunc.__signature__.parameters),
        "out, signature\n    Refused.",
    ]  # fmt: skip
    if ufunc.signature is None:
        lines.append("where\n    A mask; where it is False, the result and the cotangent are 0.")
    else:
        lines.append("axes, axis, keepdims\n    As in NumPy.")
    lines.append('dtype, casting, order, subok\n    As in NumPy; `order` may not be "F".')
    return "\n".join(lines)


def _make(name: str) -> Any:
    of_numpy, function = getattr(np, name), _FORMULAS.get(name)
    ufunc: Any = (_of_one if of_numpy.nin == 1 else _of_two)(name, function)
    ufunc.of_numpy = of_numpy
    ufunc.__name__ = ufunc.__qualname__ = name
    ufunc.__module__ = "pullback.numpy"
    for attribute in ("nin", "nout", "nargs", "identity", "signature"):
        setattr(ufunc, attribute, getattr(of_numpy, attribute))
    ufunc.__signature__ = _signature(of_numpy.nin, of_numpy.nout, of_numpy.signature is not None)
    ufunc.__doc__ = _documentation(name, function, ufunc)
    ufunc_methods.attach(ufunc, of_numpy)
    return ufunc


# By the names that NumPy knows, in whatever version is installed.
UFUNCS: dict[str, Any] = {name: _make(name) for name in (*_OF_XP, *_FORMULAS) if hasattr(np, name)}
UFUNCS |= {alias: UFUNCS[name] for alias, name in _ALIASES.items()}
globals().update(UFUNCS)

__all__ = sorted(UFUNCS)
