"""Functions of functions: `apply_along_axis`, `vectorize`, `piecewise`, `fromfunction` and their kin.

Each calls a Python function on parts of an array, and puts its results together, so that derivatives pass through.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...functions import namespace as xp
from ..arguments import as_array
from ..conversions import normalize_axis
from ..operands import NO_VALUE, arrays, as_array_like, constant

__all__ = [
    "apply_along_axis",
    "apply_over_axes",
    "fromfunction",
    "iterable",
    "piecewise",
    "vectorize",
]


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Array:
    """A function of vectors applied to each slice along an axis; its results replace the slices.

    Parameters
    ----------
    func1d : callable
        Of a vector, and of `args` and `kwargs`.
    axis : int
        The axis.
    arr
        An array.

    Returns
    -------
    Array
        Of the shape of `arr`, with the axes of one result instead of the axis.

    Raises
    ------
    ValueError
        If there is no slice.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.apply_along_axis(lambda v: v / np.sum(v), 1, [[1.0, 3.0], [2.0, 2.0]])
    Array([[0.25, 0.75],
           [0.5 , 0.5 ]], dtype=float64, device='cpu')
    """
    x = as_array(arr)
    axis = normalize_axis(axis, x.ndim)
    moved = xp.moveaxis(x, axis, -1)
    lead = moved.shape[:-1]
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    rows = xp.reshape(moved, (-1, x.shape[axis]))
    results = [as_array_like(func1d(rows[k, :], *args, **kwargs), x) for k in range(rows.shape[0])]
    out = xp.stack(results)
    core = out.shape[1:]
    out = xp.reshape(out, lead + core)
    destination = tuple(range(axis, axis + len(core)))
    return xp.moveaxis(out, tuple(range(len(lead), out.ndim)), destination) if core else out


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Array:
    """``func(a, axis)`` over one axis after the other; axes that it removes are kept with length 1.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.apply_over_axes(np.sum, np.ones((2, 3, 2)), [0, 2])
    Array([[[4.],
            [4.],
            [4.]]], dtype=float64, device='cpu')
    """
    x = as_array(a)
    ndim = x.ndim
    for axis in (axes,) if np.ndim(axes) == 0 else axes:
        k = axis + ndim if axis < 0 else axis
        found = as_array(func(x, k))
        if found.ndim != x.ndim:
            found = xp.expand_dims(found, axis=k)
            if found.ndim != x.ndim:
                raise ValueError("function is not returning an array of the correct shape")
        x = found
    return x


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """Functions, each evaluated where its condition holds alone; so none spoils the derivatives of another.

    Parameters
    ----------
    x
        An array.
    condlist
        Conditions; of several that hold, the last counts.
    funclist
        A function of the elements, or a number, for each condition, and one more for where none holds.
    *args, **kw
        Further arguments of the functions.

    Returns
    -------
    Array
        Of the shape and dtype of `x`; 0 where no condition holds.

    Raises
    ------
    TypeError
        In a compiled program, where it is not known how many elements a function gets: use two `where`.
    ValueError
        If there are not as many functions as conditions, or one more.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> x = np.asarray([-1.0, 4.0])
    >>> pb.grad(lambda x: np.sum(np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, np.sqrt])))(x)
    Array([-1.  ,  0.25], dtype=float64, device='cpu')
    """
    x = as_array(x)
    conditions = _conditions(condlist, x)
    count = len(conditions)
    functions = list(funclist)
    if len(functions) == count + 1:
        some = conditions[0]
        for c in conditions[1:]:
            some = some | c
        conditions.append(xp.logical_not(some))
    elif len(functions) != count:
        raise ValueError(
            f"with {count} condition(s), either {count} or {count + 1} functions are expected"
        )
    if backend_of(backend_array(x)).recording:
        raise TypeError(
            "piecewise in a compiled function: how many elements a function gets depends on values; use "
            "where(condition, f(where(condition, x, 1.0)), …)"
        )
    y = xp.zeros_like(x)
    for condition, function in zip(conditions, functions, strict=True):
        here = backend_array(xp.broadcast_to(condition, x.shape))
        if callable(function):
            chosen = x[here]
            if not chosen.size:
                continue
            values = as_array_like(function(chosen, *args, **kw), x)
            y = xp.at(y)[here].set(xp.astype(values, y.dtype, copy=False))
        else:
            value = as_array_like(function, x)
            y = xp.where(condition, xp.astype(value, y.dtype, copy=False), y)
    return y


def _conditions(condlist: Any, x: Array) -> list[Array]:
    """The conditions, one for each function, as booleans."""
    one = not isinstance(condlist, list | tuple) and np.ndim(condlist) == 0
    if not one and (isinstance(condlist, list | tuple) or condlist.ndim):
        one = np.ndim(condlist[0]) == 0 and x.ndim != 0
    given = [condlist] if one else [condlist[k] for k in range(len(condlist))]
    found = [constant(as_array_like(c, x)) for c in given]
    return [c if c.dtype.kind == "b" else c != 0 for c in found]


def fromfunction(
    function: Callable[..., Any], shape: Any, *, dtype: Any = float, like: Any = None, **kwargs: Any
) -> Any:
    """A function called with the indices along each axis, as arrays of the shape.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.fromfunction(lambda i, j: i + 10 * j, (2, 2))
    Array([[ 0., 10.],
           [ 1., 11.]], dtype=float64, device='cpu')
    """
    if like is not None:
        raise TypeError(
            "fromfunction(like=): arrays are made on the active backend, pb.backend.use"
        )
    axes = [xp.astype(xp.arange(n), np.dtype(dtype)) for n in shape]
    return function(*xp.meshgrid(*axes, indexing="ij"), **kwargs)


def iterable(y: Any) -> bool:
    """Whether ``iter(y)`` works.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.iterable(np.asarray(1.0))
    False
    """
    return np.iterable(y)


# ── vectorize ───────────────────────────────────────────────────────────────────────────────────


class vectorize:
    """A function of numbers as one of arrays: it is called for each element, and the results are stacked.

    Parameters
    ----------
    pyfunc : callable
        Of numbers (arrays without axes), or of arrays of the shapes in `signature`; returns one result or a tuple.
    otypes : str or list of dtypes, optional
        The dtypes of the results.
    doc : str, optional
        The docstring.
    excluded : set of int or str, optional
        Positions and names of arguments that are passed on as they are.
    cache : bool
        Ignored: the function is called once for each element in any case.
    signature : str, optional
        Such as ``"(n),(n)->()"``: the axes of the arguments and results of one call.

    Notes
    -----
    This is a loop in Python, as NumPy's is: for elementwise formulas call the function with arrays.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> f = np.vectorize(lambda a, b: a * b if a > b else b)
    >>> pb.grad(lambda a: np.sum(f(a, 2.0)))(np.asarray([1.0, 3.0]))
    Array([0., 2.], dtype=float64, device='cpu')
    """

    def __init__(
        self,
        pyfunc: Any = NO_VALUE,
        otypes: Any = None,
        doc: str | None = None,
        excluded: Any = None,
        cache: bool = False,
        signature: str | None = None,
    ) -> None:
        self.pyfunc = pyfunc
        self.otypes = None if otypes is None else [np.dtype(t) for t in otypes]
        self.excluded = set(excluded or ())
        self.cache = cache
        self.signature = signature
        self._cores = None if signature is None else _parsed(signature)
        self.__doc__ = doc or getattr(pyfunc, "__doc__", None)
        self.__name__ = getattr(pyfunc, "__name__", "vectorize")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results for all elements; as a decorator with settings, the vectorized function."""
        if self.pyfunc is NO_VALUE:
            return vectorize(
                args[0], otypes=self.otypes, excluded=self.excluded, signature=self.signature
            )
        names = [k for k in kwargs if k not in self.excluded]
        argnums = [i for i in range(len(args)) if i not in self.excluded]
        loose = [args[i] for i in argnums] + [kwargs[k] for k in names]
        if not loose:
            return self.pyfunc(*args, **kwargs)
        inputs = arrays(*loose)

        def one(values: list[Any]) -> Any:
            given, named = list(args), dict(kwargs)
            for i, value in zip(argnums, values, strict=False):
                given[i] = value
            named.update(zip(names, values[len(argnums) :], strict=True))
            return self.pyfunc(*given, **named)

        return self._results(one, inputs)

    def _results(self, one: Callable[..., Any], inputs: tuple[Array, ...]) -> Any:
        cores = [()] * len(inputs) if self._cores is None else self._cores[0]
        if len(cores) != len(inputs):
            raise TypeError(
                f"vectorize: {self.signature} has {len(cores)} arguments, {len(inputs)} are given"
            )
        lengths: dict[str, int] = {}
        lead_shapes = []
        for x, core in zip(inputs, cores, strict=True):
            split = x.ndim - len(core)
            if split < 0:
                raise ValueError(
                    f"vectorize: {x.ndim} axes where {self.signature} wants {len(core)}"
                )
            for name, n in zip(core, x.shape[split:], strict=True):
                if lengths.setdefault(name, n) != n:
                    raise ValueError(
                        f"vectorize: inconsistent size for core dimension {name!r}: {n} vs {lengths[name]}"
                    )
            lead_shapes.append(x.shape[:split])
        lead = np.broadcast_shapes(*lead_shapes)
        if 0 in lead:
            raise ValueError("cannot call `vectorize` on size 0 inputs")
        spread = [
            xp.broadcast_to(x, lead + x.shape[x.ndim - len(c) :])
            for x, c in zip(inputs, cores, strict=True)
        ]
        calls = [
            one([x[(*index, ...)] if lead or x.ndim else x for x in spread])
            for index in itertools.product(*map(range, lead))
        ]
        several = isinstance(calls[0], tuple)
        columns = list(zip(*calls, strict=True)) if several else [calls]
        outs = []
        for k, column in enumerate(columns):
            parts = (
                arrays(*column) if math.prod(lead) > 1 else (as_array_like(column[0], inputs[0]),)
            )
            dtype = xp.result_type(*parts) if self.otypes is None else self.otypes[k]
            out = xp.stack([xp.astype(p, dtype, copy=False) for p in parts])
            outs.append(xp.reshape(out, lead + out.shape[1:]))
        return tuple(outs) if several else outs[0]


def _parsed(signature: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The names of the axes of arguments and results."""
    text = signature.replace(" ", "")
    if not re.fullmatch(r"(\([\w,]*\),?)*->(\([\w,]*\),?)+", text):
        raise ValueError(f"not a valid gufunc signature: {signature}")

    def axes(part: str) -> list[tuple[str, ...]]:
        return [tuple(filter(None, core.split(","))) for core in re.findall(r"\(([\w,]*)\)", part)]

    inputs, _, outputs = text.partition("->")
    return axes(inputs), axes(outputs)
