"""A model as a table: layers, shapes of their outputs, numbers of parameters.

The modules describe their parts by methods of their own, so that this file need not know the class `Module`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from ..autograd.core.array import Array, backend_array
from ..autograd.core.dtypes import is_inexact
from ..autograd.core.namespaces import namespace_of
from ..autograd.core.typing import PyTree, Value
from ..autograd.pytree import tree
from ..backend import current


class Row(NamedTuple):
    """A layer of the table."""

    layer: str
    kind: str
    output: str
    parameters: int


def summary(model: PyTree, input_shape: int | tuple[int, ...] | None = None) -> str:
    """The table that `Module.summary` describes.

    Raises
    ------
    ValueError
        If the model takes no inputs of that shape.
    TypeError
        For what is no shape.
    """
    x = None if input_shape is None else _zeros(model, input_shape)
    try:
        rows, _ = _rows("", model, x)
    except Exception as error:
        raise ValueError(
            f"summary: {type(model).__name__} takes no inputs of shape {input_shape}: {error}"
        ) from error
    head = Row("layer", "kind", "output", "parameters")  # type: ignore[arg-type]  # the heading
    table = [(r.layer, r.kind, r.output, str(r.parameters)) for r in (head, *rows)]
    if x is None:
        table = [(a, b, d) for a, b, _, d in table]  # type: ignore[misc]  # three columns
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.rjust(w) if i == len(widths) - 1 else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    rule = "-" * len(lines[0])
    state = _count(model) - sum(row.parameters for row in rows)
    total = f"{sum(row.parameters for row in rows)} parameters"
    total += f", and {state} numbers of state" if state else ""
    return "\n".join([lines[0], rule, *lines[1:], rule, total])


def _rows(name: str, module: Any, x: Value) -> tuple[list[Row], Any]:
    """The rows of a module, and its outputs for `x` (None for None)."""
    chain = module._chain()
    if chain is None:
        y = None if x is None else module(x)
        inner = list(module._children())
        own = _count(module, parameters=True) - sum(_count(m, parameters=True) for _, m in inner)
        shape = "" if y is None else str(tuple(y.shape))
        rows = [Row(name or "(model)", _label(module), shape, own)]
        # Only the module knows what inputs these are given.
        for path, child in inner:
            rows += _rows(_join(name, path), child, None)[0]
        return rows, y
    rows = []
    y = x
    for path, child in chain:
        more, y = _rows(_join(name, path), child, y)
        rows += more
    return rows, None if x is None else module(x)


def _join(name: str, path: str) -> str:
    return f"{name}.{path}" if name else path


def _count(module: Any, parameters: bool = False) -> int:
    """The number of elements that a module holds, or of its parameters alone, without state."""
    leaves = tree.leaves(module)
    chosen = tree.leaves(tree.parameter_mask(module)) if parameters else [True] * len(leaves)
    return sum(math.prod(p.shape) for p, c in zip(leaves, chosen, strict=True) if c)


def _label(module: Any) -> str:
    """The class, with the shape of its first array, or where it has none its settings, without defaults at the end."""
    fields = dataclasses.fields(module)
    values = [(f, getattr(module, f.name)) for f in fields]
    shapes = [v.shape for f, v in values if not f.metadata.get("static") and hasattr(v, "shape")]
    chosen = [(f, v) for f, v in values if f.metadata.get("static")]
    while len(chosen) > 1 and chosen[-1][0].default == chosen[-1][1]:
        chosen.pop()
    settings = [repr(v) for _, v in chosen]
    inside = ", ".join(map(str, shapes[0]) if shapes else settings)
    return f"{type(module).__name__}({inside})"


def _zeros(model: PyTree, shape: int | tuple[int, ...]) -> Any:
    """Zeros of a shape, on the device of the model's arrays and of their dtype.

    They are integers where the first layer is an embedding.
    """
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    if not all(isinstance(n, int | np.integer) for n in sizes):
        raise TypeError(
            "summary: it takes the shape of inputs, such as x.shape or (32, 64), not the inputs"
        )
    leaf = next((backend_array(p) for p in tree.leaves(model) if is_inexact(p.dtype)), None)
    if leaf is None:
        leaf = current().asarray(np.zeros((), np.float32))
    xp = namespace_of(leaf)
    first = model
    while (chain := first._chain()) is not None and chain:
        first = chain[0][1]
    zeros = xp.zeros_on_device_of(sizes, leaf)
    return Array(xp.astype(zeros, np.dtype("int64")) if first._integers else zeros)
