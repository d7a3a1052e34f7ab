"""Writes: ``x[key] = v`` and ``x += v`` reach the array that `x` is a view of, and all views of that.

No buffer is written to. A write gives `x` a new value; that of its base is computed from the old one and the view's,
by a function that is recorded as any other, and so on up to the array that is no view; then every other view of what
changed is made again. `Array` and the symbols of `compile` are treated alike.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from typing import Any
from weakref import ref

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dtypes import is_complex
from ..core.namespaces import namespace_of
from ..core.tracer_like import TRACERS
from ..core.typing import ArrayLike
from ..core.views import Link, Step
from ..pytree import tree
from .aliases import call, link_of, made, on_layout, watch

# How often the garbage is collected before an array counts as kept: while another thread does so, a call does nothing.
COLLECTIONS = 10
# Seconds by which each pause between two of them is longer than the one before: that thread's collection takes from one
# millisecond to a tenth of a second, as there are few objects or many.
PAUSE = 0.002
READ_ONLY = frozenset(("broadcast_to", "diagonal", "linalg.diagonal"))


def check_writable(x: ArrayLike) -> None:
    """Refuse a write to what NumPy makes read-only.

    Raises
    ------
    ValueError
        For such a view.
    """
    while True:
        if getattr(x, "locked", False):
            raise ValueError(
                "assignment destination is read-only: a derivative that is being taken keeps this array; write to a "
                "copy of it"
            )
        link = link_of(x)
        if link is None or link.base is None:
            return
        step: Any = link.step
        if type(link.base) is not type(x):
            raise ValueError(
                f"a write in place to what {step.name} made of a {type(link.base).__name__}, which is not an array of "
                "pullback's: its own buffer is never written to, so the write would be lost; begin with "
                "pb.xp.asarray(a), or write to a copy"
            )
        if step.name in READ_ONLY or (step.name == "imag" and not is_complex(link.base.dtype)):
            raise ValueError(
                f"assignment destination is read-only: {step.name} gives a view that NumPy does not write to; "
                "write to its base, or to a copy: pb.xp.asarray(x, copy=True)"
            )
        x = link.base


def write(x: ArrayLike, out: Any, key: Any = None) -> Any:
    """Give `x` the value of `out`, of its shape and dtype; `key` is the index of what is new, if it is known."""
    watch()
    for writes in _NOTED.running:
        writes.note(x)
    link = link_of(x)
    if link is None:
        return _renewed(x, out)
    _settle_views(x)
    path, values = [x], [out]
    while link is not None and link.base is not None:
        values.append(base_with(link.base, link.step, values[-1]))
        path.append(link.base)
        link = link_of(link.base)
        _settle_views(path[-1])
    changed = [key, *(getattr(link_of(view), "step", None) for view in path[:-1])]
    for i in reversed(range(len(path))):
        member = path[i]
        if i + 1 == len(path):
            _renewed(member, values[i])
        elif _lies_as(values[i], getattr(_memory(member), "strides", None)):
            rebind(member, values[i])
        else:
            rebind(member, made(path[i + 1], changed[i + 1]))
        _renew_views(member, changed[i], path[i - 1] if i else None)
    return x


class Writes:
    """The arrays that are written to in place while a function runs on stand-ins for its caller's arrays.

    `checkpoint` and `compile` run functions so. A write to an array that it
    closes over would leave a stand-in's value there, whose derivative nobody knows.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.autograd.functions.writes import Writes
    >>> outside = pb.xp.zeros(2)
    >>> with Writes() as writes:
    ...     inside = pb.xp.zeros(3)
    ...     inside[0] = 1.0
    ...     outside[:1] += 1.0
    >>> del inside
    >>> [x.shape for x in writes.outlasting()]
    [(2,)]
    """

    def __init__(self) -> None:
        self.written: list[Any] = []

    def __enter__(self) -> Writes:
        _NOTED.running.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _NOTED.running.remove(self)

    @staticmethod
    def watched() -> bool:
        """Whether a function is running on stand-ins, whose operations are recorded or will be computed again."""
        return bool(_NOTED.running)

    def note(self, x: ArrayLike) -> None:
        """Remember an array that is written to, and what it is a view of."""
        while x is not None:
            self.written.append(ref(x))
            link = link_of(x)
            x = None if link is None else link.base

    def outlasting(self, *known: Any) -> list[Any]:
        """The arrays that were written to and are still there, without those in these trees and what they view."""
        expected: set[int] = set()
        for x in tree.leaves(known) if self.written else ():
            while x is not None:
                expected.add(id(x))
                link = link_of(x) if hasattr(type(x), "link") else None
                x = None if link is None else link.base
        # Arrays that only a cycle keeps end with the function.
        left, tries = self._left(expected), 1 if threading.active_count() == 1 else COLLECTIONS
        for i in range(tries if left else 0):
            del left
            gc.collect()
            left = self._left(expected)
            if not left:
                break
            time.sleep(PAUSE * i)
        return left

    def _left(self, expected: set[int]) -> list[Any]:
        return [x for r in self.written if (x := r()) is not None and id(x) not in expected]


class _Noted(threading.local):
    def __init__(self) -> None:
        self.running: list[Writes] = []


_NOTED = _Noted()


def _settle_views(base: Any) -> None:
    """Find the links of all views of `base`, so that unknown ones are refused before anything changes."""
    todo = [base]
    while todo:
        link = getattr(todo.pop(), "link", None)
        for reference in link.views if type(link) is Link else ():
            view = reference()
            if view is not None and link_of(view) is not None:
                todo.append(view)


def _renewed(x: ArrayLike, out: Any) -> Any:
    """`x` with the value of `out`; its elements stay where they lie in memory, as after any write."""
    laid_out = _memory(x)
    strides = _strides(laid_out)
    if strides is not None and not _lies_as(out, strides):
        out = _relaid(out, laid_out)
    return rebind(x, out)


def rebind(x: ArrayLike, out: Any) -> Any:
    """Give `x` the value, tape and slot of `out`; no buffer is written to."""
    if type(x) is not Array:
        return x.rebind(out)
    x.value, x.tape, x.slot = out.value, out.tape, out.slot
    return x


def _renew_views(base: Any, changed: Any, but: Any) -> None:
    """Make the views of `base`, and theirs, again, where the change can be seen."""
    todo = [(base, changed)]
    while todo:
        x, part = todo.pop()
        link = getattr(x, "link", None)
        for reference in list(link.views) if type(link) is Link else ():
            view = reference()
            if view is None or view is but:
                continue
            view_link = link_of(view)
            if (
                view_link is None
                or view_link.base is not x
                or _disjoint(part, view_link.step, x.shape)
            ):
                continue
            rebind(view, made(x, view_link.step))
            todo.append((view, None))


def _disjoint(a: ArrayLike, b: ArrayLike, shape: tuple[int, ...]) -> bool:
    """Whether two parts of an array have no element in common, as far as their first axis shows."""
    first, second = _span(a, shape), _span(b, shape)
    if first is None or second is None:
        return False
    if not len(first) or not len(second):
        return True
    (low, high), (other_low, other_high) = (sorted((r[0], r[-1])) for r in (first, second))
    return high < other_low or other_high < low


def _span(part: Any, shape: tuple[int, ...]) -> range | None:
    if type(part) is Step:
        if part.name != "getitem":
            return None
        part = part.args[0]
    if type(part) is tuple:
        part = part[0] if part else None
    if type(part) is int:
        return range(part % shape[0], part % shape[0] + 1)
    if type(part) is slice and all(
        type(e) in (int, type(None)) for e in (part.start, part.stop, part.step)
    ):
        return range(*part.indices(shape[0]))
    return None


# ── bases from views ──────────────────────────────────────────────────────────────────────────


def base_with(base: Any, step: Any, view: Any) -> Any:
    """The base, with a new value of its view in it."""
    name, args, settings = step
    shape = tuple(base.shape)
    if name == "getitem":
        return call(base, "setitem", view, args[0])
    if name == "astype":
        return view
    if name in ("reshape", "ravel", "squeeze", "expand_dims"):
        return call(view, "reshape", shape)
    if name in ("flip", "matrix_transpose", "swapaxes"):
        return call(view, name, *args, **settings)
    if name in ("real", "imag"):
        return _with_part(base, name, view)
    indices = np.arange(math.prod(shape)).reshape(shape)
    if name == "einsum":
        indices = np.einsum(settings["subscripts"], indices)
    else:
        indices = on_layout(indices, step, view.shape)
    # the view is a permutation of axes
    if indices.size == math.prod(shape):
        back = _axes_back(name, args, settings, len(shape))
        if back is not None:
            return call(view, "permute_dims", back)
    return _with_elements(base, indices, view)


def _axes_back(name: str, args: Any, settings: Any, ndim: int) -> tuple[int, ...] | None:
    if name not in ("permute_dims", "moveaxis"):
        return None
    laid_out = np.empty((1,) * ndim, bool)
    order = np.arange(ndim)
    if name == "permute_dims":
        axes = args[0] if args else settings["axes"]
        order = np.asarray([a % ndim for a in axes], int)
    else:
        # an array whose axes differ in length shows where each axis goes
        for i in range(ndim):
            moved = np.moveaxis(laid_out.repeat(2, i), *args, **settings).shape
            order[moved.index(2)] = i
    return tuple(int(i) for i in np.argsort(order))


def _with_elements(base: Any, indices: np.ndarray, view: Any) -> Any:
    flat = call(base, "reshape", (-1,))
    backend = backend_of(_memory(base))
    flat = call(flat, "setitem", call(view, "reshape", (-1,)), backend.asarray(indices.reshape(-1)))
    return call(flat, "reshape", tuple(base.shape))


def _with_part(base: Any, name: str, view: Any) -> Any:
    """A complex base with another real or imaginary part."""
    if not is_complex(base.dtype):
        return view
    other = call(base, "imag" if name == "real" else "real")
    real, imag = (view, other) if name == "real" else (other, view)
    return call(real, "astype", base.dtype) + call(imag, "astype", base.dtype) * 1j


# ── memory ────────────────────────────────────────────────────────────────────────────────────


def _memory(x: ArrayLike) -> Any:
    inner = backend_array(x)
    return inner.real_value if type(inner) in TRACERS else inner


def _relaid(out: Any, laid_out: np.ndarray) -> Any:
    """`out` with its elements in memory in the order of `laid_out`, as a write leaves them."""
    if type(out) is Array:
        return Array(_relaid(out.value, laid_out), out.tape, out.slot)
    if type(out) in TRACERS:
        return type(out)(out.recorder, out.of, _relaid(out.real_value, laid_out))
    laid = namespace_of(laid_out).empty_like(laid_out, dtype=out.dtype)
    laid[...] = out
    return laid


def _lies_as(out: Any, laid_out: Any) -> bool:
    strides = _strides(_memory(out))
    return strides is None or not strides or strides == laid_out


def _strides(x: ArrayLike) -> tuple[int, ...] | None:
    """The strides of an array; None where its library does not report them."""
    found = getattr(x, "strides", None)
    return found if isinstance(found, tuple) else None
