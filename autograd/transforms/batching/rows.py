"""A function one level down, and the version of it that is right for every function: one call for each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.array import Array
from ...core.levels.batched import Batched
from ...core.namespaces import NAMESPACES, namespace_of
from ...core.registry import REGISTRY
from .array import batch_size

# Functions that run row by row, with the reason or the condition.
BY_ROWS = {
    "convolve": "libraries convolve one pair of vectors at a time",
    "isin": "where the elements looked for are in a set of each row: libraries look into one set at a time",
    "lfilter": "a filter's coefficients are one set for all signals, and here they may differ from row to row",
    "linalg.matrix_rank": "where the cut-off differs from row to row",
    "linalg.pinv": "where the cut-off differs from row to row",
    "roll": "where the shift differs from row to row",
    "sddmm": "SciPy and CuPy compute products at the positions of one sparse matrix at a time",
    "searchsorted": "where the sorted array differs from row to row: libraries search in one at a time",
    "setitem": "at masks, in libraries that have the standard's writes alone; NumPy and CuPy write all rows at once",
    "sparse_product": "SciPy and CuPy multiply by one sparse matrix at a time",
    "sylvester": "SciPy solves one equation at a time",
}


def plain(name: str, args: Any) -> Any:
    """The function of this name in the namespace of the first array among the arguments, an `Array` if there is one."""
    found = NAMESPACES[Array]
    for x in args:
        if isinstance(x, list | tuple) and x:
            x = next((part for part in x if type(part) is Array), x[0])
        if hasattr(x, "dtype"):
            found = namespace_of(x)
            if type(x) is Array:
                break
    if name in REGISTRY and REGISTRY[name].kernel is not None:
        return REGISTRY[name].kernel_in(found)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def row_by_row(name: str) -> Callable[..., Any]:
    """The batched version of any function: one call for each row."""

    def call(*args: Any, **settings: Any) -> Any:
        k = batch_size((args, settings.values())) or 0
        if not k:
            raise ValueError(
                f"{name} runs row by row under vmap, and there are no rows to say what shape the result has"
            )
        rows = []
        for i in range(k):
            values = _row(args, i)
            chosen = {key: _row(value, i) for key, value in settings.items()}
            rows.append(plain(name, [*values, *chosen.values()])(*values, **chosen))
        return stacked(rows)

    return call


def _row(x: Any, i: int) -> Any:
    if type(x) is Batched:
        return namespace_of(x.value).getitem(x.value, (i, ...))
    if type(x) in (list, tuple):
        return type(x)(_row(part, i) for part in x)
    return x


def stacked(rows: list[Any]) -> Any:
    """The results of all rows, as `Batched`."""
    first = rows[0]
    if isinstance(first, tuple | list):
        parts = [stacked(list(part)) for part in zip(*rows, strict=True)]
        return first._make(parts) if hasattr(first, "_make") else type(first)(parts)
    xp = NAMESPACES[Array] if any(type(row) is Array for row in rows) else namespace_of(first)
    return Batched(xp.stack(rows, axis=0))
