"""Pytrees taken apart and put together by straight-line code, written from one example.

optree walks a small model in 2 µs; the lines written here take a tenth of that, and check the structure on the way.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from . import tree


class Unusual(Exception):
    """A node that is left to optree."""


def is_leaf(x: Any) -> bool:
    """Whether optree takes `x` for a leaf."""
    found = tree.leaves(x)
    return len(found) == 1 and found[0] is x


def take(x: Any, name: str, leaf: Any, bind: Any, lines: list[str], miss: str) -> None:
    """Write the lines that check the structure of one argument and name its leaves.

    Parameters
    ----------
    x
        The example.
    name : str
        What it is called in the code.
    leaf : callable
        ``leaf(x, expression)``: called for each leaf, in the order of `tree.flatten`.
    bind : callable
        ``bind(object)``: a global name for it.
    lines : list of str
        Where the lines go.
    miss : str
        What to do where the structure is another one.

    Raises
    ------
    Unusual
        For containers that have no attributes or items to go by.
    """
    kind = type(x)
    if x is None:
        lines.append(f"if {name} is not None: {miss}")
    elif kind is tuple or kind is list or (isinstance(x, tuple) and hasattr(x, "_fields")):
        lines.append(f"if type({name}) is not {bind(kind)} or len({name}) != {len(x)}: {miss}")
        for i, part in enumerate(x):
            _child(part, f"{name}[{i}]", f"{name}_{i}", leaf, bind, lines, miss)
    elif kind is dict:
        if not all(type(key) is str for key in x):
            raise Unusual
        lines.append(f"if type({name}) is not dict or len({name}) != {len(x)}: {miss}")
        for i, key in enumerate(sorted(x)):
            lines.append(f"if {key!r} not in {name}: {miss}")
            _child(x[key], f"{name}[{key!r}]", f"{name}_{i}", leaf, bind, lines, miss)
    elif dataclasses.is_dataclass(kind):
        tree.register(kind)
        fields = dataclasses.fields(x)
        lines.append(f"if type({name}) is not {bind(kind)}: {miss}")
        for f in fields:
            if f.metadata.get("static"):
                lines.append(f"if {name}.{f.name} != {bind(getattr(x, f.name))}: {miss}")
        for f in fields:
            if not f.metadata.get("static"):
                _child(
                    getattr(x, f.name),
                    f"{name}.{f.name}",
                    f"{name}_{f.name}",
                    leaf,
                    bind,
                    lines,
                    miss,
                )
    elif not is_leaf(x):
        raise Unusual
    else:
        leaf(x, name)


def _child(
    x: Any, place: str, name: str, leaf: Any, bind: Any, lines: list[str], miss: str
) -> None:
    if x is None or isinstance(x, tuple | list | dict) or dataclasses.is_dataclass(type(x)):
        lines.append(f"{name} = {place}")
        take(x, name, leaf, bind, lines, miss)
    else:
        take(x, place, leaf, bind, lines, miss)


def put(x: Any, leaf: Any, bind: Any, lines: list[str]) -> str:
    """The expression that builds a tree like `x`, with the lines that it needs before.

    ``leaf()`` gives the expression of the next leaf, in the order of `tree.flatten`.

    Raises
    ------
    Unusual
        As `take`.
    """
    kind = type(x)
    if x is None:
        return "None"
    if kind is tuple:
        return "(" + "".join(f"{put(part, leaf, bind, lines)}, " for part in x) + ")"
    if kind is list:
        return "[" + ", ".join(put(part, leaf, bind, lines) for part in x) + "]"
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return f"{bind(kind)}({', '.join(put(part, leaf, bind, lines) for part in x)})"
    if kind is dict:
        if not all(type(key) is str for key in x):
            raise Unusual
        parts = {key: put(x[key], leaf, bind, lines) for key in sorted(x)}
        return "{" + ", ".join(f"{key!r}: {parts[key]}" for key in x) + "}"
    if dataclasses.is_dataclass(kind):
        return _put_dataclass(x, leaf, bind, lines)
    if is_leaf(x):
        return leaf()
    raise Unusual


def _put_dataclass(x: Any, leaf: Any, bind: Any, lines: list[str]) -> str:
    kind: Any = type(x)
    if any("__setattr__" in vars(base) for base in kind.__mro__[:-1]):
        raise Unusual  # frozen
    values = {}
    for f in dataclasses.fields(x):
        if not f.metadata.get("static"):
            values[f.name] = put(getattr(x, f.name), leaf, bind, lines)
    for f in dataclasses.fields(x):
        if f.metadata.get("static"):
            values[f.name] = bind(getattr(x, f.name))
    made = bind(kind)
    name = f"n{made}"  # as unique as the name that is bound: parts of a result are written apart
    lines.append(f"{name} = {bind(object.__new__)}({made})")
    lines += [f"{name}.{field} = {value}" for field, value in values.items()]
    return name
