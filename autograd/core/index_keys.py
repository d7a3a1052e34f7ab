"""Indices: what stands between the brackets of ``x[key]``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array, backend_array
from .tracer_like import CAPTURING, TRACERS, TracerLike, inner_tape
from .typing import Key, Value

BASIC = frozenset((int, slice, type(None), type(...)))


def is_basic(key: Key) -> bool:
    """Whether a key has only integers, slices, None and ellipsis, and so selects no element twice."""
    if type(key) is not tuple:
        return type(key) in BASIC
    return all(type(part) in BASIC for part in key)


def clean_key(key: Key) -> Key:
    """An index without traced layers: integers, slices, None, ellipsis and raw index arrays."""
    key_type = type(key)
    if key_type in BASIC:
        return key
    if key_type is tuple:
        return tuple([clean_key(part) for part in key])
    if key_type is Array:
        return backend_array(key)
    return np.asarray(key) if key_type is list else key


def copied_key(key: Key) -> Key:
    """The index with its arrays copied: the caller could change them before the pull."""
    if isinstance(key, tuple):
        return tuple([copied_key(part) for part in key])
    return key.copy() if hasattr(key, "copy") else key


def constant_of_trace(x: Value, key: Key) -> Value:
    """`x` as a constant of the recording that an index belongs to, if it does and `x` does not."""
    if CAPTURING and type(x) is Array and x.tape.open:
        tape = inner_tape(x.tape, (key,))
        if tape is not x.tape:
            return tape.capture(x)
    for part in key if type(key) is tuple else (key,):
        if type(part) in TRACERS and type(backend_array(x)) not in TRACERS:
            return _lifted(x, part)
    return x


def _lifted(x: Value, part: TracerLike) -> Value:
    if type(x) is Array:
        return Array(_lifted(x.value, part), x.tape, x.slot)
    return part.constant(x)


def hold_key(tape: Any, key: Key) -> bool:
    """Forbid writes to the arrays of an index that a rule keeps; whether the index selects a view."""
    view = True
    for part in key if type(key) is tuple else (key,):
        if hasattr(part, "dtype"):
            tape.hold(part)
            view = view and part.shape == () and "int" in str(part.dtype)
        elif type(part) not in BASIC:
            view = False
    return view
