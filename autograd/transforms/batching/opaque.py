"""The user's functions that are one operation of a tape, `custom_vjp` and `checkpoint`, under `vmap`.

Where an older tape records what happens to the arrays inside a level, it has to record the function of all rows as one
operation. That function opens a level of its own whenever it runs: in the forward pass, and when the backward pass runs
it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...core.array import Array, result, unwrap_closed
from ...core.cotangents import as_constant
from ...core.levels.batched import Batched
from ...core.levels.level import OPEN, BatchLevel, NeedsRows
from ...core.namespaces import NAMESPACES
from ...pytree import tree


@contextmanager
def rows_from(outer: BatchLevel) -> Iterator[None]:
    """A context that passes a request for rows, of a level that was opened within, on to the level of the arguments."""
    try:
        yield
    except NeedsRows as request:
        if outer.open and not request.level.open:
            raise NeedsRows(outer) from None
        raise


def one_row(leaves: list[Any], flags: list[bool], i: int) -> list[Any]:
    """The i-th row of those leaves that vary."""
    xp = NAMESPACES[Array]
    pairs = zip(leaves, flags, strict=True)
    return [xp.getitem(x, (i, ...)) if varies else x for x, varies in pairs]


@contextmanager
def opened(level: BatchLevel) -> Iterator[BatchLevel]:
    """A context in which a level is open."""
    OPEN.append(level)
    try:
        yield level
    finally:
        level.open = False
        OPEN.remove(level)


def as_row(value: Any, level: BatchLevel) -> Array:
    """An array of the mapped function; without axes it is a number, as NumPy's rows are."""
    row = Batched(value, level)
    return Array(row) if row.shape else result(row)


def without_level(leaves: list[Any], level: BatchLevel) -> tuple[list[Any], list[bool]]:
    """Leaves one level down, as Arrays, and which of them vary from row to row."""
    below, flags = [], []
    for x in leaves:
        inner = unwrap_closed(x)
        own = type(inner) is Batched and inner.level is level
        below.append(as_constant(inner.value) if own else x)
        flags.append(own and inner.mapped)
    return below, flags


def with_level(leaves: list[Any], flags: list[bool], level: BatchLevel) -> list[Any]:
    """The opposite of `without_level`, at a level."""
    pairs = zip(leaves, flags, strict=True)
    return [as_row(unwrap_closed(x), level) if varies else x for x, varies in pairs]


@dataclass(frozen=True)
class OfRows:
    """A function of one row's arguments as one of all rows'.

    Attributes
    ----------
    f : callable
        Of the arguments of one row.
    spec, flags
        The structure of its arguments, and which leaves vary.
    outer : BatchLevel
        The level of the arguments.
    found : list
        Filled by the last call: the structure of the result, and which of its leaves vary.
    """

    f: Callable[..., Any]
    spec: Any
    flags: list[bool]
    outer: BatchLevel
    found: list[Any]

    def __call__(self, *leaves: Any) -> list[Any]:
        """The leaves of the result, rows first where they vary, and after them those of the arguments after writes."""
        with rows_from(self.outer), opened(BatchLevel(self.outer.size)) as level:
            given = with_level(list(leaves), self.flags, level)
            before = [x.value if type(x) is Array else x for x in given]
            out = self.f(*tree.unflatten(self.spec, given))
            out_leaves, out_spec = tree.flatten(out)
            written = [
                i
                for i, (x, y) in enumerate(zip(given, before, strict=True))
                if type(x) is Array and x.value is not y
            ]
            outs = [*out_leaves, *(given[i] for i in written)]
            below, flags = without_level(outs, level)
        self.found[:] = [out_spec, flags, written]
        return below

    def labelled(self, outs: list[Any], level: BatchLevel) -> tuple[Any, list[tuple[int, Any]]]:
        """The result at the level of the arguments, and the arguments that were written to, with their new values."""
        spec, flags, written = self.found
        up = with_level(outs, flags, level)
        n = len(up) - len(written)
        return tree.unflatten(spec, up[:n]), list(zip(written, up[n:], strict=True))


def summed_share(share: Any, varies: bool, level: BatchLevel, of_rows: bool) -> Any:
    """One row's cotangents as those of all rows: of an argument that is the same for all, their sum.

    `of_rows` says whether the outputs vary; where they do not, there is one cotangent in all.
    """
    (value,), (own,) = without_level([share], level)
    xp = NAMESPACES[Array]
    value = as_constant(value)
    if varies:
        return value if own else xp.broadcast_to(value, (level.size, *value.shape))
    if own:
        return xp.sum(value, axis=0)
    return value * level.size if of_rows else value


def stacked_shares(shares: list[Any], varies: bool) -> Any:
    """The cotangents that each row gave, as those of all rows."""
    xp = NAMESPACES[Array]
    rows = xp.stack([as_constant(share) for share in shares], axis=0)
    return rows if varies else xp.sum(rows, axis=0)
