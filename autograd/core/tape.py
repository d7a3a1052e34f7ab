"""The tape: a flat list of recorded operations, in order, so that neither sweep nor teardown recurses.

``entries[slot]`` is the `Entry` of the operation that made the value of this slot, or None, for a
watched input and for all but the last output of an operation with several. All entries have one
layout, whoever writes them: generated code (`codegen_forward.py`, `codegen_backward.py`), functions
of lists (`dispatch.py`), and Python functions that are recorded as one operation (`custom_vjp` and
`checkpoint`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeAlias
from weakref import ref

import numpy as np

from ...backend import Backend, backend_of, current, is_array
from ...backend.common.base import LAZY
from ..pytree import tree
from .array import Array, backend_array, unwrap_closed
from .dtypes import is_inexact
from .levels.batched import Batched, all_rows
from .levels.level import ORDER
from .namespaces import NAMESPACES, namespace_of


class Pull(Protocol):
    """The function that carries the cotangent of an operation's outputs back to its traced inputs.

    Attributes
    ----------
    operation : str
        The operation's name.
    inputs : int
        How many of its inputs are on the tape.
    kept : sequence of str
        The names of the values at the end of its entries, which its rules ask for.
    batched : bool
        Whether its rules take many cotangents at once, along a leading axis.
    """

    operation: str
    inputs: int
    kept: Sequence[str]
    batched: bool

    def __call__(self, slot: int, cts: list[Any], entry: Entry) -> None:
        """Take the cotangent in `slot` off the list, and add its shares to those of the inputs."""


# ``(pull, *input_slots, …, *kept)``: the `Pull`; the slots of its ``pull.inputs`` traced inputs; what it fits their
# cotangents to (their shapes and dtypes, where it looks at them at all); and the values named in ``pull.kept``.
# A plain tuple, since a class of our own takes several times as long to make, once for each operation.
Entry: TypeAlias = tuple[Any, ...]


def input_slots(entry: Entry) -> tuple[int, ...]:
    """The slots of the traced inputs of an entry's operation."""
    return entry[1 : 1 + entry[0].inputs]


def _is_view(x: Any) -> bool:
    return getattr(x, "base", None) is not None


# Views that a closed tape had locked while another tape locks their base: they are unlocked after that one is closed.
_WAITING: deque[ref[Any]] = deque()


def _unlock_bases_first(arrays: list[Any], unlock: Callable[[list[Any]], None]) -> None:
    """Allow writes to arrays, to each base before its views; a view whose base is locked waits."""
    for x in sorted(arrays, key=_is_view):
        try:
            unlock([x])
        except ValueError:
            _WAITING.append(ref(x))


def _waiting() -> list[Any]:
    """The views that wait and are still there; none wait from then on."""
    found = []
    for _ in range(len(_WAITING)):
        with suppress(IndexError):  # another thread took it
            found.append(_WAITING.popleft()())
    return [x for x in found if x is not None]


class Along(threading.local):
    """A context in which cotangents are zero, and only derivatives with respect to them are wanted: `linearize`."""

    def __init__(self) -> None:
        self.depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: Any) -> None:
        self.depth -= 1


ALONG = Along()


class TapeData:
    """An open tape records operations on the arrays it watches; a closed one makes them constants."""

    __slots__ = (
        "__weakref__", "capture", "collective", "copies", "entries", "held", "latest", "open", "order",
    )  # fmt: skip

    def __init__(self, *, copies: bool = False) -> None:
        self.entries: list[Entry | None] = []
        self.open = True
        self.order = next(ORDER)  # newer tapes are inner ones; the counter is safe under threads
        # What the caller could change between forward and backward is copied (`vjp`, `Tape`), or held read-only
        # until the end (`grad`).
        self.copies = copies
        self.held: list[Any] = []
        self.latest: Any = None
        # what makes an input of this tape of an array of an older open one, where that is not a constant of it
        self.capture: Callable[[Array], Array] | None = None
        # whether it has operations in which other ranks take part, and so has to be swept whatever the output
        self.collective = False

    def hold(self, value: Any) -> None:
        """Forbid writes to a raw array that a rule keeps, until the tape is closed."""
        self.latest = value  # a loop uses one constant many times: generated code looks here first
        if type(value) is Batched:
            value = backend_array(all_rows(value))
        if not self.copies:
            self.held += backend_of(value).lock([value])

    def hold_all(self, values: list[Any], array_type: type | None = None) -> None:
        """Forbid writes to the raw arrays among the inputs; `array_type` is the class of all, if known."""
        if array_type is not None:
            self.held += backend_of(values[0]).lock(values)
            return
        # under `vmap`, the arrays of all rows
        values = [backend_array(all_rows(v)) if type(v) is Batched else v for v in values]
        for each in {type(value) for value in values} - {Array}:
            arrays = [value for value in values if type(value) is each]
            self.held += backend_of(arrays[0]).lock(arrays)

    def watch(self, value: Any) -> Array:
        """An `Array` over `value` whose later uses are recorded here."""
        return self.watch_all([value])[0]

    def watch_all(self, values: list[Any], array_type: type | None = None) -> list[Array]:
        """An `Array` over each of `values`, in consecutive slots; `array_type` is a known class of all of them."""
        if array_type is None:
            for value in values:
                if (
                    type(value) not in NAMESPACES
                ):  # generated code looks the library up by class alone
                    namespace_of(value)
            values = [v.__copy__() if type(v) is Array else v for v in values]  # for later writes
        if LAZY:
            values = [namespace_of(v).filled(v) if type(v) in LAZY else v for v in values]
        entries, watched = self.entries, []
        for value in values:
            watched.append(Array(value, self, len(entries)))
            entries.append(None)
        return watched

    def close(self) -> None:
        """Stop recording, and let go of what was held."""
        self.open = False
        self.latest = None
        if self.held:
            unlock = backend_of(self.held[0]).unlock  # only one library has locks
            try:
                unlock(self.held)
            except ValueError:  # a view can be written to only after its base can
                _unlock_bases_first(self.held, unlock)
            self.held.clear()
            if _WAITING:
                _unlock_bases_first(_waiting(), unlock)

    def detached(self) -> TapeData:
        """A closed tape with the entries of this closed one, which has none from then on.

        For tapes that outlive their sweep. Entries may reach arrays of their own tape: `implicit` keeps the user's
        function and what that closes over. Arrays refer to the tape they were made on; where that has no entries, there
        is no cycle, and memory is freed without the garbage collector.
        """
        kept = TapeData(copies=self.copies)
        kept.open, kept.order, kept.collective = False, self.order, self.collective
        kept.entries, self.entries = self.entries, []
        return kept


def _home(arrays: Any) -> Backend:
    """The backend of the first array in a tree, where a number that is used with these arrays belongs."""
    for x in tree.leaves(arrays):
        inner = backend_array(x)
        if is_array(inner) and not isinstance(inner, np.generic):
            home = backend_of(inner)
            return current() if home.recording else home
    return current()


def check_differentiable(x: Any, where: str, arrays: Any = ()) -> Any:
    """The value one level down of an array that a derivative is asked for.

    A number becomes an array of the library of the first array in the tree `arrays`; of the active one, if there is
    none.

    Raises
    ------
    TypeError
        If `x` is not an array or a float, or if its dtype is an integer or boolean one.
    """
    value = unwrap_closed(x)
    if type(value) is not Array:
        if type(value) in (bool, int):
            raise TypeError(
                f"{where} is {value!r}, of type {type(value).__name__}: derivatives are for real and "
                "complex floating-point numbers; pass a float"
            )
        if type(value) in (float, complex):
            return _home(arrays).asarray(value)
        if not isinstance(value, np.generic) and not is_array(value):
            raise TypeError(
                f"{where} is {value!r}, of type {type(value).__name__}: derivatives are for arrays and floats; "
                "pass it as an argument that is not differentiated, or make it a pb.tree.static field"
            )
        if isinstance(value, np.generic):
            value = _home(arrays).asarray(np.asarray(value))
    if not is_inexact(value.dtype):
        raise TypeError(
            f"{where} has dtype {value.dtype}: derivatives are for real and complex floating-point arrays; "
            "convert it by pb.xp.astype(x, pb.xp.float64), or leave it out of the differentiated arguments"
        )
    return value
