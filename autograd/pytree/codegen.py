"""Structures of pytrees, with a flatten and an unflatten written out for those that models have.

optree walks a model of two layers in 2.2 µs and builds one in 1.0; straight-line code takes 0.2 and 0.3. A
training step does so six times, which is a fifth of a step of a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Fields = dict[type, tuple[list[str], list[str]]]  # of each registered dataclass: children, statics


class Structure:
    """What `tree.flatten` says of a tree beside its leaves: equal for trees of one structure.

    Attributes
    ----------
    spec : optree.PyTreeSpec
        What it is.
    take : callable or None
        ``take(tree)``: the leaves, or None if the tree has another structure.
    build : callable
        ``build(leaves)``: the tree.
    """

    __slots__ = ("build", "spec", "take")

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.take: Callable[[Any], list[Any] | None] | None = None
        self.build: Callable[[Iterable[Any]], Any] = spec.unflatten

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Structure) and self.spec == other.spec)

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return str(self.spec)


class _Unusual(Exception):
    """A node that is left to optree."""


def write_out(structure: Structure, tree: Any, fields: Fields, leaf_types: set[type]) -> None:
    """Give `structure` its own code, from one tree of it: dataclasses, tuples, lists and None down to leaves."""
    scope: dict[str, Any] = {"new": object.__new__}
    checks: list[str] = []
    builds: list[str] = []
    leaves: list[str] = []

    def bind(value: Any) -> str:
        scope[name := f"k{len(scope)}"] = value
        return name

    def visit(x: Any, name: str, place: str) -> str:
        """Write the checks and the building of one node; what it is called where it is built."""
        kind = type(x)
        if kind in leaf_types:
            leaves.append(place)
            return f"a{len(leaves) - 1}"
        if place != name:
            checks.append(f"{name} = {place}")
        if x is None:
            checks.append(f"if {name} is not None: return None")
            return "None"
        known = bind(kind)
        checks.append(f"if type({name}) is not {known}: return None")
        if kind is tuple or kind is list:
            checks.append(f"if len({name}) != {len(x)}: return None")
            parts = [visit(part, f"{name}_{i}", f"{name}[{i}]") for i, part in enumerate(x)]
            return (
                f"[{', '.join(parts)}]" if kind is list else f"({' '.join(p + ',' for p in parts)})"
            )
        if kind not in fields or any("__setattr__" in vars(base) for base in kind.__mro__[:-1]):
            raise _Unusual
        children, statics = fields[kind]
        values = {s: bind(getattr(x, s)) for s in statics}
        checks.extend(f"if {name}.{s} != {value}: return None" for s, value in values.items())
        values |= {c: visit(getattr(x, c), f"{name}_{c}", f"{name}.{c}") for c in children}
        builds.append(f"{name} = new({known})")
        builds.extend(f"{name}.{field} = {value}" for field, value in values.items())
        return name

    try:
        root = visit(tree, "x", "x")
    except _Unusual:
        return
    names = "".join(f"a{i}, " for i in range(len(leaves)))
    source = "\n    ".join(["def take(x):", *checks, f"return [{', '.join(leaves)}]"])
    source += "\n" + "\n    ".join(
        ["def build(leaves):", f"({names}) = leaves", *builds, f"return {root}"]
    )
    exec(source, scope)
    structure.take, structure.build = scope["take"], scope["build"]
