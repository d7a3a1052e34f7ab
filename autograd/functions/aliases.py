"""The base of an array and its views, looked up when there is something to write.

`core/views.py` says what arrays remember of their bases; `writes.py` uses the functions here.
"""

from __future__ import annotations

import gc
import itertools
from typing import Any

import numpy as np

from ..core.array import Array, backend_array
from ..core.defvjp import function_of
from ..core.dtypes import as_numpy
from ..core.registry import find
from ..core.tracer_like import TRACERS
from ..core.views import Link, Step, is_integer, is_number, register, selects_view, start_watching


def link_of(x: Any) -> Link | None:
    """The link of an array to its base and views; None where it has neither.

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
    """Register views with their bases, from the first write on; the views of earlier are searched for."""
    # this comes first, so that no view is missed that another thread makes meanwhile
    if not start_watching():
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
        if type(x.link.base) is Array:
            register(x, x.link.base)


def _base_on_tape(x: Array, first: Array, on_tapes: dict[tuple[int, int], Array]) -> Array:
    """The base of `x`, where only the first of a chain of views is known; lost bases are made again."""
    tape = x.tape
    if not tape.open:
        # this is right for a chain of one step; longer ones are refused, because the tape is gone
        return first
    _, slot, shape = _step_at(tape, x.slot, x.shape)
    missing = []
    while slot != first.slot and (id(tape), slot) not in on_tapes:
        step, above, shape_above = _step_at(tape, slot, shape)
        missing.append((slot, step))
        slot, shape = above, shape_above
    base = first if slot == first.slot else on_tapes[id(tape), slot]
    for slot, step in reversed(missing):
        base = on_tapes[id(tape), slot] = made(base, step)
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
    """The step that made the view of this shape in a slot of a tape, and the slot and shape of its base.

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
    if pull.operation == "einsum":  # a function of a list, of one array here
        _, slot, ((base_shape, _),), known = entry
        return Step("einsum", (), {"subscripts": known["subscripts"]}), slot, base_shape
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
    """A NumPy array of the shape and strides that `x` has, or would have in NumPy; its elements mean nothing."""
    inner = backend_array(x)
    if type(inner) in TRACERS:
        inner.recorder.by_layout = True
        inner = inner.real_value
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
    return on_layout(layout(link.base), link.step, x.shape)


def is_contiguous(x: Any) -> bool:
    """Whether the elements of `x` lie, or would lie in NumPy, without gaps in the order of their indices."""
    return layout(x).flags.c_contiguous


def _strided(shape: Any, dtype: Any, strides: Any) -> np.ndarray:
    return np.lib.stride_tricks.as_strided(np.empty(1, dtype), shape, strides)


def on_layout(laid_out: np.ndarray, step: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The view of this shape that a step makes of one of NumPy's arrays."""
    name, args, settings = step
    if name == "getitem":
        parts = args[0] if type(args[0]) is tuple else (args[0],)
        return laid_out[tuple(0 if is_integer(part) else part for part in parts)]
    if name in ("reshape", "ravel", "squeeze", "expand_dims"):
        return np.reshape(laid_out, shape)
    if name == "broadcast_to":
        return np.broadcast_to(laid_out, shape)
    if name == "astype":
        return laid_out
    function: Any = np
    for part in name.split("."):
        function = getattr(function, part)
    return function(laid_out, *args, **settings)


def _reshapes(laid_out: np.ndarray, shape: Any) -> bool:
    try:
        np.reshape(laid_out, shape, copy=False)
    except ValueError:
        return False
    return True


def _shape_in(step: Step, base: Any) -> Any:
    shape = step.args[0] if step.args else step.settings["shape"]
    return shape if isinstance(shape, tuple | list) else (shape,)


# ── views from their bases ────────────────────────────────────────────────────────────────────


def call(x: Any, name: str, *args: Any, **settings: Any) -> Any:
    """A function of the namespace of `x`, recorded."""
    if type(x) is Array:
        return function_of(find(name))(x, *args, **settings)
    function = x.xp
    for part in name.split("."):
        function = getattr(function, part)
    return function(x, *args, **settings)


def made(base: Any, step: Any) -> Any:
    """The view, made anew."""
    if step.name == "ravel":
        return call(base, "reshape", (-1,))
    if step.name == "einsum" and type(base) is Array:
        return function_of(find("einsum"))([base], **step.settings)
    return call(base, step.name, *step.args, **step.settings)
