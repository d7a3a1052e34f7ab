"""The namespace of Dask's arrays: functions that array-api-compat's lacks or has different from the standard.

All of them stay lazy. They are of four kinds: functions of elements, run by each block's own library; functions of
whole lines or matrices, run on blocks that hold these whole; reductions over chunks; and what Dask itself has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...common.base import LAZY, Namespace
from ...common.typing import XP
from . import blocks, indexing, linalg, manipulation, products, reductions, segments
from .shapes import told

# Functions of elements that the standard lacks, or that the blocks' libraries run in fewer passes than Dask's graph
# has operations.
ELEMENTS = (
    "sigmoid", "relu", "relu_vjp", "softplus", "sech2", "sinc", "sinc_derivative", "masked", "chosen", "with_sign",
    "twice", "leg", "ray", "over_root_below", "over_root_above", "over_below", "over_above", "whole_quotient",
    "over_cosh2", "power_slope", "log_nonzero", "divide_where_separated", "mills_excess", "erfcx_slope",
    "log_ndtr_slope",
)  # fmt: skip

# special functions with several results: how many
PARTS = {"airy": 4, "sici": 2, "shichi": 2, "fresnel": 2}


class Special:
    """The special functions, block by block."""

    __name__ = "dask.array.special"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = functools.partial(elements_of, f"special.{name}", parts=PARTS.get(name))
        self.__dict__[name] = found
        return found


def elements_of(function: str, *args: Any, parts: int | None = None, **settings: Any) -> Any:
    """A function of elements, of arrays and numbers."""
    return blocks.elementwise(function, *args, parts=parts, **settings)


def joined(x: Any) -> Any:
    """A NumPy array as a Dask array; everything else as it is.

    A copy, which later changes to the array do not reach. By its values it has a name, so that the same values are one
    task in a graph.
    """
    if isinstance(x, np.ndarray):
        import dask.array as da  # the arrays are Dask's: it is there

        return da.from_array(x.copy())
    if isinstance(x, list | tuple) and any(isinstance(part, np.ndarray) for part in x):
        return type(x)(joined(part) for part in x) if type(x) in (list, tuple) else x
    return x


def asarray(host: Any, dtype: Any = None) -> Any:
    """A number, nested list or NumPy array as a Dask array."""
    import dask.array as da  # the arrays are Dask's: it is there

    host = np.array(host, dtype=dtype, copy=True)
    made = da.from_array(host)
    if host.dtype.kind in "iub":  # a count or an index, whose values decide what a shape is
        made.__dict__["known"] = host
    return made


def joining(function: Callable[..., Any], raw: int | None = None) -> Callable[..., Any]:
    """A function of the namespace, which takes NumPy's arrays for Dask's, as rules give it both.

    The argument at `raw` is an index or a count, whose values the function looks at itself where they are NumPy's.
    """

    def call(*args: Any, **settings: Any) -> Any:
        if any(isinstance(x, np.ndarray | list | tuple) for x in args):
            args = tuple(x if i == raw else joined(x) for i, x in enumerate(args))
        out = function(*map(_told, args), **settings)
        return told(out) if type(out) in LAZY else out

    functools.update_wrapper(call, function, updated=())
    return call


def _told(x: Any) -> Any:
    """A Dask array with a shape that knows its chunks, alone, in a list or in a key; everything else as it is."""
    if type(x) in LAZY:
        return told(x)
    if type(x) in (list, tuple) and any(type(part) in LAZY for part in x):
        return type(x)(map(_told, x))
    return x


RAW = {"getitem": 1, "setitem": 2, "scatter_add": 1, "take": 1, "repeat": 1}
"""Which argument is left as it is: an index or a count."""


def fetch(arrays: list[Any]) -> list[Any]:
    """The values of Dask arrays, in one computation, as NumPy arrays.

    Raises
    ------
    TypeError
        If blocks are arrays of another library, which are not moved to the host silently.
    """
    from dask.base import compute  # the arrays are Dask's: it is there

    out = []
    for x in compute(*arrays):
        if not isinstance(x, np.ndarray | np.generic):
            raise TypeError(
                f"the blocks of the Dask array are {type(x).__module__}.{type(x).__name__}, the differentiated "
                "argument is NumPy's: nothing is moved silently; make the argument a Dask array of such blocks, "
                "dask.array.from_array(w, asarray=False)"
            )
        out.append(np.asarray(x))
    return out


def overrides(xp: XP) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Functions of the main namespace, of its `linalg` and of its `fft`, in place of those of `xp`."""
    main: dict[str, Any] = {name: functools.partial(elements_of, name) for name in ELEMENTS}
    main |= {
        name: getattr(indexing, name)
        for name in ("getitem", "setitem", "scatter_add", "take", "take_along_axis", "copy")
    }
    main |= {
        "expm": linalg.whole_matrices("expm"),
        "matmul": products.matmul,
        "linear": products.linear,
        "linear_vjp_W": products.linear_vjp_W,
        "sum_by_segment": segments.sum_by_segment,
        "max_by_segment": segments.max_by_segment,
    }
    main["filled"] = told  # without blocks of no elements
    main["linear_relu"] = lambda x, W, b: main["relu"](products.linear(x, W, b))
    main |= manipulation.bind(xp) | reductions.bind(xp)
    return main, linalg.bind(xp), manipulation.fourier()


def finished(extended: Namespace) -> Namespace:
    """The namespace, all of whose functions take NumPy's arrays for Dask's."""
    extended.__dict__["factor"] = linalg.factor_of(lambda: extended)
    extended.__dict__["softmax_cross_entropy"] = functools.partial(
        reductions.softmax_cross_entropy, extended
    )
    for name in ("softmax", "log_softmax"):
        extended.__dict__[name] = reductions.along_rows(name, extended.__dict__[name])
    for space in (extended, extended.linalg, extended.fft):
        base = space.base
        for name in dir(base):
            if not name.startswith("_") and name not in space.__dict__:
                space.__dict__[name] = getattr(base, name)
        for name, value in list(space.__dict__.items()):
            if name != "base" and callable(value) and not isinstance(value, type):
                space.__dict__[name] = joining(value, RAW.get(name))
    return extended
