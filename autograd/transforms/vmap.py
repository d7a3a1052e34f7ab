"""`vmap`: a function of one example as a function of many, run once.

The function gets arrays with a leading axis that it does not see (`core/levels/batched.py`): every operation runs on
all rows at once (`batching/`). Where a solver has to look at values, such as an iteration until it converges, the
function is called for each row instead, and the results are stacked.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import optree

from ...backend import backend_of, is_array
from ...backend.common.lengths import unknown
from ..core.array import Array, backend_array, result, unwrap_closed
from ..core.levels.batched import Batched
from ..core.levels.level import BatchLevel, NeedsRows
from ..core.namespaces import namespace_of
from ..functions import namespace
from ..functions.writes import Writes
from ..pytree import tree
from ..pytree.codegen import NAMESPACE
from .arguments import restore_type
from .batching.opaque import as_row, opened
from .transformed import check_function, transformed


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """The function that applies `f` to each row of its arguments, in one run.

    ``vmap(f)(x)[i] = f(x[i])``: `f` is written for one example and called once, on arrays that show the shape of one
    example; each operation computes all rows together. Derivatives pass through, in any nesting: ``vmap(grad(loss))``
    gives per-example gradients, ``jacobian(vmap(f))`` the derivatives of all outputs.

    Parameters
    ----------
    f : callable
        Of arrays and pytrees of them; returns the same.
    in_axes : int, None, or pytree of them
        The axis of each positional argument that is mapped over; None for one that is the same for all rows. A tuple
        or list has one entry for each argument, and an entry may be a pytree that begins as the argument does: a
        number or None stands for all leaves below it. Negative axes count from the end.
    out_axes : int, None, or pytree of them
        Where the mapped axis stands in each output; None for one that is the same for all rows.
    axis_size : int, optional
        How many rows; needed only where no argument is mapped.

    Returns
    -------
    callable
        Called as `f`, with mapped arguments. Keyword arguments are mapped over axis 0. Outputs that do not vary from
        row to row are repeated. It gives back NumPy arrays where it was given them.

    Raises
    ------
    ValueError
        If mapped axes differ in length or are none of an argument's, if `in_axes` or `out_axes` do not fit the
        arguments or the result, or an output with ``out_axes=None`` varies from row to row.
    TypeError
        If `f` reads a value that varies from row to row (``if x > 0``, ``float(x)``, ``x[mask]``) or writes in place
        to an array that it closes over.

    Notes
    -----
    Products, linear systems and decompositions of all rows are one batched call. Functions that run row by row are
    sparse products; where a solver iterates until it converges (`cg`, `implicit.root`, `minimize`, sparse solves), `f`
    as a whole is called for each row, so that Python side effects are seen more than once.

    Random functions draw for each row from that row's key, as if called alone; with one key for all they draw the same.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x, y = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.asarray([1.0, 10.0])
    >>> pb.vmap(lambda x, y: y * pb.xp.sum(x))(x, y)
    array([ 3., 70.])

    Gradients of each example's loss, by one product for all:

    >>> loss = lambda w, x, y: (w @ x - y) ** 2
    >>> pb.vmap(pb.grad(loss), in_axes=(None, 0, 0))(np.asarray([1.0, 1.0]), x, y)
    array([[  4.,   8.],
           [-18., -24.]])
    """
    check_function("vmap", f)
    _check_axes(in_axes, "in_axes")
    _check_axes(out_axes, "out_axes")
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)

    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = tree.flatten((args, kwargs))
        axes = flat_prefix(in_axes, args, "in_axes", "the arguments")
        axes += [0] * (len(leaves) - len(axes))
        size = _common_size(f, args, kwargs, leaves, axes, axis_size)
        like = _like(leaves, axes)
        rows = [_rows_first(x, axis) for x, axis in zip(leaves, axes, strict=True)]
        found = _run(f, rows, spec, axes, size)
        if found is None:
            found = _run_rows(f, rows, spec, axes, size)
        outs, out_spec = found
        where = flat_prefix(out_axes, tree.unflatten(out_spec, outs), "out_axes", "the result")
        taken = {id(backend_array(x)) for x in leaves}
        results = [_result(y, axis, size, like, taken) for y, axis in zip(outs, where, strict=True)]
        return tree.unflatten(out_spec, results)

    settings = {"in_axes": in_axes, "out_axes": out_axes, "axis_size": axis_size}
    return transformed(mapped, vmap, f, **settings)


# ── axes ──────────────────────────────────────────────────────────────────────────────────────


def _check_axes(axes: Any, name: str) -> None:
    """Refuse what is no tree of integers and None.

    Raises
    ------
    TypeError
        For anything else.
    """
    for x in optree.tree_leaves(axes, none_is_leaf=True, namespace=NAMESPACE):
        if x is not None and (not isinstance(x, int | np.integer) or isinstance(x, bool)):
            raise TypeError(
                f"vmap: {name} holds {x!r}, of type {type(x).__name__}; it has to be an integer, None, or a tree of "
                "them"
            )


def flat_prefix(axes: Any, full: Any, name: str, what: str) -> list[Any]:
    """One axis for each leaf of a tree, from a tree that begins as that does.

    Raises
    ------
    ValueError
        If it does not.
    """
    # registers the dataclasses in the tree
    tree.flatten(full)
    try:
        spread = optree.broadcast_prefix(axes, full, none_is_leaf=True, namespace=NAMESPACE)
    except ValueError as error:
        raise ValueError(
            f"vmap: {name}={axes!r} does not fit {what}: it has to be an integer, None, or a tree that begins as "
            f"{what} ({tree.flatten(full)[1]}), with one entry for each positional argument; {error}"
        ) from None
    leaves = optree.tree_leaves(full, none_is_leaf=True, namespace=NAMESPACE)
    return [axis for axis, leaf in zip(spread, leaves, strict=True) if leaf is not None]


def _common_size(
    f: Any, args: Any, kwargs: Any, leaves: list[Any], axes: list[Any], axis_size: int | None
) -> int:
    """The number of rows.

    Raises
    ------
    ValueError
        If mapped axes are not there, differ in length, or there are none and no `axis_size`.
    """
    found: list[tuple[tuple[int, ...], int, int]] = []
    for i, (x, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is None:
            continue
        shape = tuple(getattr(x, "shape", ()))
        if not -len(shape) <= axis < len(shape):
            wanted = axis + 1 if axis >= 0 else -axis
            raise ValueError(
                f"vmap was asked to map {_name(f, args, kwargs, i)} along axis {axis}, which needs an array of at "
                f"least {wanted} axes, but its shape is {shape} ({type(x).__name__}); pass None for it in in_axes if "
                "it is the same for all rows"
            )
        found.append((shape, axis, i))
    sizes = {shape[axis] for shape, axis, _ in found}
    if axis_size is not None:
        sizes.add(axis_size)
    if not sizes:
        raise ValueError(
            "vmap: no argument is mapped, so that the number of rows is not known: give one of them an axis in "
            "in_axes, or pass axis_size"
        )
    if unknown(sizes):
        raise ValueError(
            "vmap: the number of rows of a Dask array is not known; x.compute_chunk_sizes() finds it"
        )
    if len(sizes) > 1:
        lines = [
            f"  * {_name(f, args, kwargs, i)} of shape {shape} has {shape[axis]} along axis {axis}"
            for shape, axis, i in found
        ]
        lines += [] if axis_size is None else [f"  * axis_size={axis_size}"]
        raise ValueError("vmap got inconsistent sizes of the mapped axes:\n" + "\n".join(lines))
    return int(sizes.pop())


def _name(f: Any, args: Any, kwargs: Any, i: int) -> str:
    """The name of the i-th leaf of the arguments."""
    which, _, rest = tree.paths((args, kwargs))[i].partition(".")
    head, _, inner = rest.partition(".")
    name = head
    if which == "0":
        name = f"argument {head}"
        with contextlib.suppress(ValueError, TypeError, IndexError):
            parameters = list(inspect.signature(f).parameters.values())
            chosen = parameters[int(head)]
            if chosen.kind in (chosen.POSITIONAL_ONLY, chosen.POSITIONAL_OR_KEYWORD):
                name = f"argument {chosen.name}"
    else:
        name = f"keyword argument {head}"
    return f"{name}, leaf {inner!r}," if inner else name


def _like(leaves: list[Any], axes: list[Any]) -> Any:
    """An argument whose class the results have: the first mapped one, else the first array."""
    for x, axis in zip(leaves, axes, strict=True):
        if axis is not None:
            return x
    arrays = (x for x in leaves if is_array(backend_array(x)))
    return next(arrays, None)


# ── one run for all rows ──────────────────────────────────────────────────────────────────────


def _rows_first(x: Any, axis: int | None) -> Any:
    """The value of a mapped argument one level down, rows first; others as they are, of which writes reach nobody."""
    if axis is None:
        return x.__copy__() if type(x) is Array else x
    value = unwrap_closed(x)
    if isinstance(value, np.generic) or not hasattr(value, "dtype"):
        value = backend_array(namespace.asarray(value))
    return value if axis in (0, -len(value.shape)) else namespace_of(value).moveaxis(value, axis, 0)


def _run(f: Any, rows: list[Any], spec: Any, axes: list[Any], size: int) -> Any:
    """The outputs, as `Batched` where they vary, and their structure; None if the rows have to be called one by one."""
    level = BatchLevel(size)
    given = [x if axis is None else as_row(x, level) for x, axis in zip(rows, axes, strict=True)]
    args, kwargs = tree.unflatten(spec, given)
    try:
        with opened(level), Writes() as writes:
            out = f(*args, **kwargs)
    except NeedsRows as request:
        if request.level is not level:
            raise
        return None
    leaves, out_spec = tree.flatten(out)
    for x in writes.outlasting(out, args, kwargs):
        raise TypeError(
            f"vmap({getattr(f, '__name__', 'f')}): it writes in place to an array of shape {tuple(x.shape)} that it "
            "closes over, which would be another one for each row; make that array an argument, or return what is "
            "written"
        )
    return [_output(y, level) for y in leaves], out_spec


def _output(y: Any, level: BatchLevel) -> Any:
    """`Batched` without a level for an output that varies, else its value."""
    inner = unwrap_closed(y)
    if type(inner) is not Batched or inner.level is not level:
        return inner
    return Batched(inner.value) if inner.mapped else inner.value


def _run_rows(f: Any, rows: list[Any], spec: Any, axes: list[Any], size: int) -> Any:
    """The outputs and their structure, from one call of `f` for each row."""
    if not size:
        raise ValueError(
            f"vmap({getattr(f, '__name__', 'f')}): a solver in it runs row by row, and there are no rows to say what "
            "shape the result has"
        )
    outs: list[list[Any]] = []
    specs = []
    for i in range(size):
        given = [
            copy(x) if axis is None else _one_row(namespace_of(x).getitem(x, (i, ...)))
            for x, axis in zip(rows, axes, strict=True)
        ]
        args, kwargs = tree.unflatten(spec, given)
        leaves, out_spec = tree.flatten(f(*args, **kwargs))
        outs.append(leaves)
        specs.append(out_spec)
    for other in specs[1:]:
        if other != specs[0]:
            raise ValueError(
                f"vmap: the function returned trees of different structure for different rows: {specs[0]} and {other}"
            )
    return [_stacked(list(column)) for column in zip(*outs, strict=True)], specs[0]


def _one_row(value: Any) -> Array:
    """A row as an array of the function; without axes it is a number, as NumPy's rows are."""
    value = unwrap_closed(value)
    return Array(value) if value.shape else result(value)


def _stacked(column: list[Any]) -> Any:
    if not _is_number(column[0]):
        return column[0]
    return Batched(unwrap_closed(namespace.stack([namespace.asarray(y) for y in column])))


def _is_number(x: Any) -> bool:
    return is_array(backend_array(x)) or isinstance(x, bool | int | float | complex)


# ── results ───────────────────────────────────────────────────────────────────────────────────


def _result(y: Any, axis: int | None, size: int, like: Any, taken: set[int]) -> Any:
    """One output, with the mapped axis in its place, in the class of the arguments and a buffer of its own.

    Raises
    ------
    ValueError
        If it varies and has no axis, or not that axis.
    TypeError
        If it is no array.
    """
    if type(y) is not Batched or y.level is not None:
        if axis is None:
            return restore_type(y, like) if hasattr(y, "dtype") else y
        if not _is_number(y):
            raise TypeError(
                f"vmap: the function returned {y!r}, of type {type(y).__name__}, which has no rows; return arrays, or "
                "give it None in out_axes"
            )
        y = y if hasattr(y, "dtype") else _number(y, like)
        value = namespace_of(y).broadcast_to(y, (size, *y.shape))
    elif axis is None:
        raise ValueError(
            f"vmap: an output of shape {y.shape} varies from row to row, but out_axes is None for it; give it the axis "
            "where the rows stand"
        )
    else:
        value = y.value
    ndim = len(value.shape)
    if not -ndim <= axis < ndim:
        raise ValueError(f"vmap: out_axes={axis} for an output of {ndim} axes, rows included")
    if axis % ndim:
        value = namespace_of(value).moveaxis(value, 0, axis)
    value = unwrap_closed(value)
    if type(value) not in (Array, Batched):
        value = backend_of(value).as_gradient(value)
        if id(value) in taken:
            value = namespace_of(value).copy(value)
        taken.add(id(value))
    return restore_type(value, like)


def _number(y: Any, like: Any) -> Any:
    below = backend_array(like)
    return backend_array(namespace.asarray(y)) if like is None else backend_of(below).asarray(y)
