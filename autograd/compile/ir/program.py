"""The program of a compiled function: a flat list of operations on values, in order.

A `Value` is assigned once. It is an input, a constant or what an operation made; a *number* is a Python number
that is computed anew by Python at each replay, *opaque* is whatever else a function returned (a factor), that can
only be passed on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ARRAY, NUMBER, OPAQUE = "array", "number", "opaque"


class Value:
    """One quantity of a program, assigned once.

    Attributes
    ----------
    name : str
        In the listing.
    value_type : {"array", "number", "opaque"}
    shape, dtype
        Of an array; a number has shape () and the dtype that NumPy would give it.
    op : Op or None
        What makes it; None for an input or a constant.
    held
        A constant's value.
    input_index : int
        The position of an input among the inputs, else −1.
    numbers : frozenset of int
        The inputs that a number was computed from; those that are Python numbers themselves.
    """

    __slots__ = ("dtype", "held", "input_index", "name", "numbers", "op", "shape", "value_type")

    def __init__(
        self,
        name: str,
        value_type: str,
        shape: tuple[int, ...],
        dtype: Any,
        *,
        op: Op | None = None,
        held: Any = None,
        input_index: int = -1,
        numbers: frozenset[int] | None = None,
    ) -> None:
        self.name, self.value_type, self.shape, self.dtype = name, value_type, shape, dtype
        self.op, self.held, self.input_index, self.numbers = op, held, input_index, numbers

    @property
    def constant(self) -> bool:
        """Whether its value is known before any call."""
        return self.op is None and self.input_index < 0

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return self.size * np.dtype(self.dtype).itemsize

    def __repr__(self) -> str:
        if self.value_type == OPAQUE:
            return f"{self.name}: object"
        if self.value_type == NUMBER:
            return f"{self.name}: {'int' if self.dtype.kind in 'iub' else 'float'}"
        return f"{self.name}: {short(self.dtype)}[{', '.join(map(str, self.shape))}]"


def short(dtype: Any) -> str:
    """``f32`` for float32."""
    text = str(dtype).rpartition(".")[2]
    for long, brief in (("float", "f"), ("complex", "c"), ("uint", "u"), ("int", "i")):
        if text.startswith(long):
            return brief + text.removeprefix(long)
    return text


class Tuple:
    """The structure of a function's result that was a tuple: its class, and what stands in it."""

    __slots__ = ("items", "make")

    def __init__(self, make: Callable[[list[Any]], Any], items: tuple[Any, ...]) -> None:
        self.make, self.items = make, items


@dataclass(eq=False)
class Op:
    """One call of a function.

    Attributes
    ----------
    name : str
        As in the namespace; ``py.`` in front for operators on Python numbers.
    function : callable
        What computes it.
    args, settings
        What it is called with; `Value`s stand where arrays go.
    result
        A `Value`, or a `Tuple` of results.
    line : str
        The user's line.
    shares : frozenset of int or None
        Which of `inputs` the results shared memory with while recording; None if that is not known.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    settings: dict[str, Any]
    result: Any = None
    line: str = ""
    shares: frozenset[int] | None = None

    def outputs(self) -> list[Value]:
        """The values that it makes."""
        return values_in(self.result)

    def inputs(self) -> list[Value]:
        """The values that it uses, those of settings and of keys too."""
        found: list[Value] = []
        for x in self.args:
            if type(x) is Value:
                found.append(x)
            else:
                _collect(x, found)
        if self.settings:
            _collect(self.settings, found)
        return found


@dataclass
class Program:
    """A program: its inputs, its operations and its outputs."""

    inputs: list[Value]
    ops: list[Op]
    outputs: list[Any]  # `Value`s, or what is returned as it is
    name: str = "f"
    names: list[str] = field(default_factory=list)  # of the inputs, for people
    static: dict[int, Any] = field(default_factory=dict)  # inputs whose value was read
    removed: dict[str, int] = field(default_factory=dict)
    precision: str = "float32"  # of products


def values_in(x: Any) -> list[Value]:
    """The `Value`s in nested tuples, lists, dicts, slices and results."""
    found: list[Value] = []
    _collect(x, found)
    return found


def _collect(x: Any, found: list[Value]) -> None:
    """Add the `Value`s in `x`: a list and no generator, since passes ask for the inputs of every operation often."""
    cls = type(x)
    if cls is Value:
        found.append(x)
        return
    if cls in _LEAVES:
        return
    parts: Any
    if cls is Tuple:
        parts = x.items
    elif isinstance(x, tuple | list):
        parts = x
    elif cls is dict:
        parts = x.values()
    elif cls is slice:
        parts = (x.start, x.stop, x.step)
    else:
        return
    for part in parts:
        _collect(part, found)


_LEAVES = frozenset((bool, int, float, str, type(None)))


def replace(x: Any, new: Callable[[Any], Any]) -> Any:
    """A nested structure with each leaf x replaced by ``new(x)``."""
    cls = type(x)
    if cls is tuple or cls is list:
        return cls([replace(part, new) for part in x])
    if cls is dict:
        return {k: replace(v, new) for k, v in x.items()} if x else {}
    if cls is slice:
        return slice(replace(x.start, new), replace(x.stop, new), replace(x.step, new))
    if cls is not Value and isinstance(x, tuple) and hasattr(x, "_make"):
        return x._make([replace(part, new) for part in x])
    return new(x)


# ── printing ──────────────────────────────────────────────────────────────────────────────────


def text_of(x: Any) -> str:
    """An argument as the listing shows it."""
    cls = type(x)
    if cls is Value:
        return constant_text(x) if x.constant else x.name
    if cls is Tuple:
        return "(" + ", ".join(repr(v) if type(v) is Value else text_of(v) for v in x.items) + ")"
    if cls is tuple or cls is list:
        inside = ", ".join(text_of(v) for v in x)
        if cls is list:
            return f"[{inside}]"
        return f"({inside}{',' if len(x) == 1 else ''})"
    if cls is slice:
        ends = [x.start, x.stop] + ([x.step] if x.step is not None else [])
        return ":".join("" if v is None else text_of(v) for v in ends)
    if cls is dict:
        return "{" + ", ".join(f"{k}: {text_of(v)}" for k, v in x.items()) + "}"
    if x is ...:
        return "..."
    if isinstance(x, np.dtype):
        return short(x)
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return f"array {short(x.dtype)}{list(x.shape)}"
    return repr(x) if cls in (bool, int, float, complex, str, type(None)) else cls.__name__


def constant_text(value: Value) -> str:
    """A constant: its number if it is one, else its dtype and shape."""
    if value.value_type == OPAQUE:
        return "object"
    if value.value_type == NUMBER or value.shape == ():
        try:
            return f"{value.held.item() if value.value_type == ARRAY else value.held!r}"
        except (AttributeError, TypeError):  # a library without host access
            pass
    return f"const {short(value.dtype)}[{', '.join(map(str, value.shape))}]"


def op_text(op: Op) -> str:
    """One line of the listing."""
    settings = [
        f"{k}={text_of(v)}" for k, v in op.settings.items() if v is not None and v is not False
    ]
    inside = ", ".join([*(text_of(a) for a in op.args), *settings])
    result = repr(op.result) if type(op.result) is Value else text_of(op.result)
    return f"{result} = {op.name}({inside})"
