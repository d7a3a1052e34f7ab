"""Writes: ``x[key] = v`` and ``x += v`` reach the array that `x` is a view of, and all views of that.

No buffer is written to. A write gives `x` a new value; that of its base is computed from the old one and the view's,
by a function that is recorded as any other, and so on up to the array that is no view; then every other view of what
changed is made again. `Array` and the symbols of `compile` are treated alike.
"""

from __future__ import annotations

import gc
import itertools
import math
from typing import Any

import numpy as np

from ..backend import backend_of
from .array import Array, raw
from .dtypes import as_numpy
from .links import Link, Step, is_integer, is_number, register, selects_view, start_watching
from .primitive import find, front_of

READ_ONLY = frozenset(("broadcast_to", "diagonal", "linalg.diagonal"))


def link_of(x: Any) -> Link | None:
    """What is known of an array's base and views; None where it has neither.

    Raises
    ------
    ValueError
        If it is a view that was made on a tape which is over.
    """
    link = getattr(x, "link", None)
    if link is None or link is False:
        return None
    watch()
    link = x.link
    if not link.settled:
        base = link.base
        step = link.step or _step_at(x.tape, x.slot, x.shape)[0]
        if is_a_view(base, step):
            link.step, link.settled = step, True
        elif link.views:
            link.base, link.settled = None, True
        else:
            x.link = None
            return None
    return link


def watch() -> None:
    """Have bases know their views, from the first write on; those that there are already are looked for."""
    if not start_watching():  # first, so that what another thread makes meanwhile is not missed
        return
    frozen = gc.get_freeze_count()
    if frozen:
        gc.unfreeze()
    arrays = [x for x in gc.get_objects() if type(x) is Array]
    arrays = [x for x in arrays if type(getattr(x, "link", None)) in (Array, Link)]
    if frozen:
        gc.freeze()
    on_tapes = {(id(x.tape), x.slot): x for x in arrays if type(x.link) is Array}
    for x in arrays:
        if type(x.link) is Array:
            x.link = Link(_base_on_tape(x, x.link, on_tapes))
        if x.link.base is not None:
            register(x, x.link.base)


def _base_on_tape(x: Array, first: Array, on_tapes: dict[tuple[int, int], Array]) -> Array:
    """What `x` is a view of, where only the first of a chain of views is known; what is gone is made again."""
    tape = x.tape
    if not tape.open:
        return first  # which is right where there is one step; more are refused, as its tape is gone
    slot = _step_at(tape, x.slot, x.shape)[1]
    shape = _step_at(tape, x.slot, x.shape)[2]
    missing = []
    while slot != first.slot and (id(tape), slot) not in on_tapes:
        step, above, shape_above = _step_at(tape, slot, shape)
        missing.append((slot, step))
        slot, shape = above, shape_above
    base = first if slot == first.slot else on_tapes[id(tape), slot]
    for slot, step in reversed(missing):
        base = on_tapes[id(tape), slot] = _made(base, step)
    return base


def is_a_view(base: Any, step: Step) -> bool:
    """Whether NumPy gives a view for this step from this base."""
    if base.shape == () and link_of(base) is None and is_number(base):
        return False
    if step.name == "getitem":
        return selects_view(step.args[0], len(base.shape))
    if step.name == "reshape":
        return _reshapes(layout(base), _shape_in(step, base))
    if step.name == "ravel":
        return layout(base).flags.c_contiguous
    return True


def _step_at(tape: Any, slot: int, shape: Any) -> tuple[Step, int, tuple[int, ...]]:
    """How the view of this shape at a place of a tape was made, and the place and shape of its base.

    Raises
    ------
    ValueError
        If the tape is over and does not know any more.
    """
    entry = tape.entries[slot] if tape.open and 0 <= slot < len(tape.entries) else None
    if entry is None:
        raise ValueError(
            f"a write in place to, or beside, a view of shape {tuple(shape)} that was made under a derivative which is "
            "over: what it is a view of is not known any more; write to a copy, pb.xp.asarray(x, copy=True)"
        )
    pull = entry[0]
    if not hasattr(pull, "kept"):  # einsum, by its entry in `variadic.py`
        _, primitive, _, _, slots, ((base_shape, _),), known = entry
        return Step(primitive.name, (), {"subscripts": known["subscripts"]}), slots[0], base_shape
    slot, base_shape, dtype = entry[1:4]
    kept = dict(zip(reversed(pull.kept), reversed(entry), strict=False))
    name = pull.operation
    if name in ("expand_dims", "reshape", "squeeze"):
        step = Step("reshape", (tuple(shape),))
    elif name == "broadcast_to":
        step = Step(name, (tuple(shape),))
    elif name == "astype":
        step = Step(name, (as_numpy(dtype),), {"copy": False})
    elif name in ("flip", "linalg.diagonal"):
        step = Step(name, (), {k: kept[k] for k in ("axis", "offset") if k in kept})
    else:
        names = ("key", "axes", "source", "destination")
        step = Step(name, tuple([kept[k] for k in names if k in kept]))
    return step, slot, base_shape


# ── how arrays lie in memory, which decides whether reshape gives a view ──────────────────────


def layout(x: Any) -> np.ndarray:
    """An array of the shape and strides that `x` has, or would have in NumPy; its elements mean nothing."""
    inner = _memory(x)
    strides = getattr(inner, "strides", None)
    if type(inner) is np.ndarray:
        return inner
    dtype = as_numpy(x.dtype)
    if isinstance(strides, tuple):
        return _strided(x.shape, dtype, strides)
    link = link_of(x)
    if link is None or link.base is None:
        sizes = itertools.accumulate(reversed(x.shape), lambda a, b: a * max(b, 1), initial=1)
        steps = list(sizes)[:-1]
        return _strided(x.shape, dtype, tuple(dtype.itemsize * n for n in reversed(steps)))
    return _on_layout(layout(link.base), link.step, x.shape)


def is_contiguous(x: Any) -> bool:
    """Whether the elements of `x` lie, or would lie in NumPy, without gaps in the order of their indices."""
    inner = _memory(x)
    return (inner if type(inner) is np.ndarray else layout(x)).flags.c_contiguous


def _memory(x: Any) -> Any:
    inner = raw(x)
    return getattr(inner, "real_value", inner)


def _strided(shape: Any, dtype: Any, strides: Any) -> np.ndarray:
    return np.lib.stride_tricks.as_strided(np.empty(1, dtype), shape, strides)


def _on_layout(room: np.ndarray, step: Any, shape: tuple[int, ...]) -> np.ndarray:
    name, args, settings = step
    if name == "getitem":
        parts = args[0] if type(args[0]) is tuple else (args[0],)
        return room[tuple(0 if is_integer(part) else part for part in parts)]
    if name in ("reshape", "ravel", "squeeze", "expand_dims"):
        return np.reshape(room, shape)
    if name == "broadcast_to":
        return np.broadcast_to(room, shape)
    if name == "astype":
        return room
    function: Any = np
    for part in name.split("."):
        function = getattr(function, part)
    return function(room, *args, **settings)


def _reshapes(room: np.ndarray, shape: Any) -> bool:
    try:
        np.reshape(room, shape, copy=False)
    except ValueError:
        return False
    return True


def _shape_in(step: Step, base: Any) -> Any:
    shape = step.args[0] if step.args else step.settings["shape"]
    return shape if isinstance(shape, tuple | list) else (shape,)


def _relaid(out: Any, room: np.ndarray) -> Any:
    """`out` with its elements in memory in the order of `room`, as a write leaves them."""
    if type(out) is Array:
        return Array(_relaid(out.value, room), out.tape, out.slot)
    if hasattr(out, "real_value"):
        return type(out)(out.recorder, out.of, _relaid(out.real_value, room))
    laid = np.empty_like(room, dtype=out.dtype)
    laid[...] = out
    return laid


def _lies_as(out: Any, room: Any) -> bool:
    inner = _memory(out)
    return type(inner) is not np.ndarray or inner.ndim == 0 or inner.strides == room


# ── writes ────────────────────────────────────────────────────────────────────────────────────


def check_writable(x: Any) -> None:
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
        if step.name in READ_ONLY or (step.name == "imag" and not _is_complex(link.base)):
            raise ValueError(
                f"assignment destination is read-only: {step.name} gives a view that cannot be written to, as in NumPy; "
                "write to its base, or to a copy: pb.xp.asarray(x, copy=True)"
            )
        x = link.base


def write(x: Any, out: Any, key: Any = None) -> Any:
    """Give `x` the value of `out`, of its shape and dtype; `key` says where that is new, if it is known."""
    watch()
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
            rebind(member, _made(path[i + 1], changed[i + 1]))
        _renew_views(member, changed[i], path[i - 1] if i else None)
    return x


def _settle_views(base: Any) -> None:
    """Ask of all views of `base` what they are, so that what cannot be answered is refused before anything changes."""
    todo = [base]
    while todo:
        link = getattr(todo.pop(), "link", None)
        for reference in link.views if type(link) is Link else ():
            view = reference()
            if view is not None and link_of(view) is not None:
                todo.append(view)


def _renewed(x: Any, out: Any) -> Any:
    """`x` with the value of `out`; its elements stay where they lie in memory, as after any write."""
    room = _memory(x)
    if type(room) is np.ndarray and not _lies_as(out, room.strides):
        out = _relaid(out, room)
    return rebind(x, out)


def rebind(x: Any, out: Any) -> Any:
    """Give `x` the value and the place on the tape of `out`; no buffer is written to."""
    if type(x) is not Array:
        return x.rebind(out)
    x.value, x.tape, x.slot = out.value, out.tape, out.slot
    return x


def _renew_views(base: Any, changed: Any, but: Any) -> None:
    """Make the views of `base`, and theirs, again, where what changed can be seen."""
    todo = [(base, changed)]
    while todo:
        x, part = todo.pop()
        link = getattr(x, "link", None)
        for reference in list(link.views) if type(link) is Link else ():
            view = reference()
            if view is None or view is but:
                continue
            its = link_of(view)
            if its is None or its.base is not x or _apart(part, its.step, x.shape):
                continue
            rebind(view, _made(x, its.step))
            todo.append((view, None))


def _apart(a: Any, b: Any, shape: tuple[int, ...]) -> bool:
    """Whether two parts of an array have no element in common, as far as their first axis tells."""
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
    if type(part) is slice and all(type(e) in (int, type(None)) for e in (part.start, part.stop, part.step)):
        return range(*part.indices(shape[0]))
    return None


# ── views from bases, and bases from views ────────────────────────────────────────────────────


def _call(x: Any, name: str, *args: Any, **settings: Any) -> Any:
    if type(x) is Array:
        return front_of(find(name))(x, *args, **settings)
    function = x.space
    for part in name.split("."):
        function = getattr(function, part)
    return function(x, *args, **settings)


def _made(base: Any, step: Any) -> Any:
    """The view, made anew."""
    if step.name == "ravel":
        return _call(base, "reshape", (-1,))
    if step.name == "einsum" and type(base) is Array:
        return front_of(find("einsum"))([base], **step.settings)
    return _call(base, step.name, *step.args, **step.settings)


def base_with(base: Any, step: Any, view: Any) -> Any:
    """The base, with a new value of its view in it."""
    name, args, settings = step
    shape = tuple(base.shape)
    if name == "getitem":
        return _call(base, "setitem", view, args[0])
    if name == "astype":
        return view
    if name in ("reshape", "ravel", "squeeze", "expand_dims"):
        return _call(view, "reshape", shape)
    if name in ("flip", "matrix_transpose", "swapaxes"):
        return _call(view, name, *args, **settings)
    if name in ("real", "imag"):
        return _with_part(base, name, view)
    places = np.arange(math.prod(shape)).reshape(shape)
    if name == "einsum":
        places = np.einsum(settings["subscripts"], places)
    else:
        places = _on_layout(places, step, view.shape)
    if places.size == math.prod(shape):  # a permutation of axes
        back = _axes_back(name, args, settings, len(shape))
        if back is not None:
            return _call(view, "permute_dims", back)
    return _at_places(base, places, view)


def _axes_back(name: str, args: Any, settings: Any, ndim: int) -> tuple[int, ...] | None:
    if name not in ("permute_dims", "moveaxis"):
        return None
    room = np.empty((1,) * ndim, bool)
    order = np.arange(ndim)
    if name == "permute_dims":
        axes = args[0] if args else settings["axes"]
        order = np.asarray([a % ndim for a in axes], int)
    else:
        for i in range(ndim):  # where each axis goes, by an array whose axes differ in length
            lengths = [1] * ndim
            lengths[i] = 2
            moved = np.moveaxis(room.repeat(2, i), *args, **settings).shape
            order[moved.index(2)] = i
    return tuple(int(i) for i in np.argsort(order))


def _at_places(base: Any, places: np.ndarray, view: Any) -> Any:
    flat = _call(base, "reshape", (-1,))
    backend = backend_of(_memory(base))
    flat = _call(flat, "setitem", _call(view, "reshape", (-1,)), backend.asarray(places.reshape(-1)))
    return _call(flat, "reshape", tuple(base.shape))


def _is_complex(x: Any) -> bool:
    return "complex" in str(x.dtype)


def _with_part(base: Any, name: str, view: Any) -> Any:
    """A complex base with another real or imaginary part."""
    if not _is_complex(base):
        return view
    other = _call(base, "imag" if name == "real" else "real")
    real, imag = (view, other) if name == "real" else (other, view)
    return _call(real, "astype", base.dtype) + _call(imag, "astype", base.dtype) * 1j
