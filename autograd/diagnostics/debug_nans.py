"""Finding the operation that makes a NaN or an infinity: `debug_nans`.

While it is on, every kernel of every primitive is wrapped by a check of its result, and the sweep keeps its
cotangents in a list that checks what is put into it. Nothing is wrapped, and nothing costs anything, while it is off.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from ...backend.common.forks import ForkSafeLock, in_child
from ..core.array import backend_array
from ..core.cotangents import DEFERRED
from ..core.dtypes import is_inexact
from ..core.hooks import HOOKS
from ..core.levels.batched import all_rows
from ..core.namespaces import namespace_of
from ..core.registry import REGISTRY, Primitive

_lock = ForkSafeLock()
_blocks: list[list[int]] = []  # those that are open, each with its thread
_looking: list[bool | None] = [False]  # whether operations are looked at; None while that changes
_lines: dict[tuple[int, int], str] = {}  # (order of the tape, slot): where the user called


class debug_nans:
    """Raise at the first operation that makes a NaN or an infinity, forward or backward.

    The error names the operation, the shapes, and the user's line that called it. An operation whose inputs are
    not finite already is not blamed. In force for all threads while one is inside; slow:
    each result is looked at.

    Raises
    ------
    FloatingPointError
        From the operation.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> with pb.debug_nans():  # doctest: +ELLIPSIS
    ...     pb.grad(lambda x: pb.xp.sum(x / x))(np.asarray([1.0, 0.0]))
    Traceback (most recent call last):
    ...
    FloatingPointError: divide of arrays of shape (2,), (2,) made an infinity or NaN, called at ...
    """

    def __init__(self) -> None:
        self._opened: list[list[int]] = []

    def __enter__(self) -> debug_nans:
        block = [threading.get_ident()]
        try:
            with _lock.current:
                _blocks.append(block)
                _settle()
            self._opened.append(block)
        except BaseException:  # Ctrl-C: the block is not entered, and would never be left
            _close(block)
            raise
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        block = self._opened.pop()
        try:
            _close(block)
        except BaseException:  # Ctrl-C: nobody else would close it
            _close(block)
            raise


def _close(block: list[int]) -> None:
    """Close a block, if it is open."""
    with _lock.current:
        _blocks[:] = [other for other in _blocks if other is not block]
        _settle()


@in_child
def _forget() -> None:
    """Close the blocks of the parent's other threads, and do what one of them may have done by half."""
    _blocks[:] = [block for block in _blocks if block == [threading.get_ident()]]
    _settle()


def _settle() -> None:
    """Look at operations while a block is open, and at none after the last one."""
    wanted = bool(_blocks)
    if _looking[0] is not wanted:
        _looking[0] = None  # until the switch is through
        if wanted:
            _switch(_checked, CheckedList)
        else:
            _switch(None, list)
            _lines.clear()
        _looking[0] = wanted


def _switch(wrap: Callable[..., Any] | None, cts: type[list]) -> None:
    """Make every primitive look its kernels up anew, through `wrap`, and the sweep use another list."""
    HOOKS.kernel, HOOKS.cotangents = wrap, cts
    for primitive in REGISTRY.values():
        primitive.kernels.refresh()


def _checked(primitive: Primitive, kernel: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*args: Any, **settings: Any) -> Any:
        with np.errstate(all="ignore"):  # what NumPy would warn of is raised below, with the line
            out = kernel(*args, **settings)
        frame = sys._getframe(1)
        line = _users_line(frame)
        tape: Any = frame.f_locals.get("tape")
        if getattr(tape, "open", False):
            _lines[tape.order, len(tape.entries)] = line
        first = out[0] if isinstance(out, tuple | list) and len(out) else out
        if not _finite(first) and all(_finite(a) for a in args):
            shapes = ", ".join(str(tuple(a.shape)) for a in args if hasattr(a, "shape"))
            raise FloatingPointError(
                f"{primitive.name} of arrays of shape {shapes} made an infinity or NaN, called at {line}"
            )
        return out

    return checked


def _finite(x: Any) -> bool:
    x = all_rows(backend_array(x))
    if not hasattr(x, "dtype") or not is_inexact(x.dtype):
        return True
    xp = namespace_of(x)
    return bool(xp.all(xp.isfinite(x)))


def _users_line(frame: FrameType | None) -> str:
    """The innermost line outside of this package and of generated code."""
    package = __name__.partition(".")[0]
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != package and not frame.f_code.co_filename.startswith(
            "<pullback"
        ):
            return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return "an unknown line"


class CheckedList(list):
    """The cotangents of a sweep, each looked at when it is put in."""

    def __setitem__(self, slot: Any, share: Any) -> None:
        if share is not None and not isinstance(slot, slice):
            value = share.materialize() if type(share) in DEFERRED else share
            if not _finite(value):
                _blame(sys._getframe(1), value)
        super().__setitem__(slot, share)


def _blame(frame: FrameType | None, share: Any) -> None:
    """Name the rule in whose backward function a share was made, if one was."""
    while frame is not None and frame.f_code.co_name in ("accumulate", "add_share"):
        frame = frame.f_back
    if frame is None or "entry" not in frame.f_locals:
        return  # a seed of the user's own
    tape = frame.f_back.f_locals.get("tape") if frame.f_back is not None else None
    line = _lines.get(
        (getattr(tape, "order", -1), frame.f_locals.get("slot", -1)), "an unknown line"
    )
    name = frame.f_locals["entry"][0].operation
    raise FloatingPointError(
        f"the derivative of {name} made an infinity or NaN, in a cotangent of shape {tuple(share.shape)}; "
        f"the operation was called at {line}"
    )
