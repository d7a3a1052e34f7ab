"""`pb.xp` with every floating-point array watched by an open tape, for the array API test suite.

What it changes is listed in README.md: results of functions are watched, and reading a value is allowed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import pullback as pb
from pullback.autograd.core.array import Array, backend_array
from pullback.autograd.core.cotangents import DEFERRED
from pullback.autograd.core.dtypes import is_inexact
from pullback.autograd.core.sweep import sweep
from pullback.autograd.core.tape import TapeData

# How many tapes watch each array (2: a gradient of a gradient), and whether each call is pulled back too.
DEPTH = int(os.environ.get("PULLBACK_WATCH", "1"))
PULL = bool(os.environ.get("PULLBACK_PULL"))
LENGTH = (
    5000  # entries after which fresh tapes are begun; arrays of the old ones stay traced by those
)

tapes = [TapeData() for _ in range(DEPTH)]
# Their results carry no derivative, or need not: constants in the shape of an array.
CONSTANT = frozenset(("empty_like", "full_like", "ones_like", "stop_gradient", "zeros_like"))


def arrays_in(x: Any) -> Iterator[Array]:
    """The `Array`s of a (nested) sequence of arguments or results."""
    if type(x) is Array:
        yield x
    elif isinstance(x, list | tuple):
        for item in x:
            yield from arrays_in(item)


def floating(x: Any) -> list[Array]:
    """Those of floating-point dtype."""
    return [v for v in arrays_in(x) if is_inexact(v.dtype)]


def watch(x: Any) -> Any:
    """A function's result with its floating-point arrays on the tapes, if they are on none."""
    if isinstance(x, list | tuple):
        items = [watch(v) for v in x]
        return x._make(items) if hasattr(x, "_make") else type(x)(items)
    if type(x) is not Array or x.traced or not is_inexact(x.dtype):
        return x
    if len(tapes[-1].entries) > LENGTH:
        tapes[:] = [TapeData() for _ in range(DEPTH)]
    value = backend_array(x)
    for tape in tapes:
        value = tape.watch(value)
    return value


def pull(name: str, start: int, inputs: list[Array], outputs: list[Array]) -> None:
    """Pull ones back through what the last call recorded, and check the cotangents of its inputs."""
    tape = tapes[-1]
    mine = [x for x in inputs if x.tape is tape and x.slot < start]
    for y in outputs:
        if y.tape is not tape or y.slot < start:
            continue
        cts: list[Any] = [None] * len(tape.entries)
        cts[y.slot] = pb.xp.ones_like(y.value) if DEPTH > 1 else np.ones_like(y.value)
        entries, tape.entries = tape.entries, [None] * start + tape.entries[start:]
        try:
            sweep(tape, cts, consume=False)
        except np.linalg.LinAlgError:  # a matrix at which the function has no derivative
            continue
        finally:
            tape.entries = entries
        for x in mine:
            ct = cts[x.slot]
            if ct is not None:
                ct = ct.materialize() if type(ct) in DEFERRED else ct
                assert ct.shape == x.shape, f"{name}: cotangent of shape {ct.shape} for {x.shape}"
                assert ct.dtype == x.dtype, f"{name}: cotangent of dtype {ct.dtype} for {x.dtype}"


def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose results are watched, and must be traced if one of its arguments was."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        inputs = [x for x in floating([*args, *kwargs.values()]) if x.traced]
        start, tape = len(tapes[-1].entries), tapes[-1]
        out = function(*args, **kwargs)
        if inputs and name not in CONSTANT:
            outputs = floating(out)
            cut = [x for x in outputs if not x.traced]
            assert not cut, f"{name} of a traced array: an output of dtype {cut[0].dtype} is not"
            if PULL and tape is tapes[-1]:
                pull(name, start, inputs, outputs)
        return watch(out)

    return call


class Extension:
    """`linalg` or `fft` with its functions watched."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Any:
        function = getattr(getattr(pb.xp, self.name), name)
        return watched(f"{self.name}.{name}", function)


linalg, fft = Extension("linalg"), Extension("fft")


@functools.cache
def __getattr__(name: str) -> Any:
    found = getattr(pb.xp, name)
    is_function = callable(found) and not isinstance(found, type) and not name.startswith("__")
    return watched(name, found) if is_function else found


def _setitem(self: Array, key: Any, value: Any, /, *, assign: Any = Array.__setitem__) -> None:
    was_traced = self.traced
    assign(self, key, value)
    assert self.traced or not was_traced, "x[key] = v took x off the tape"


# The suite reads values in order to compare them. Nothing else in pullback calls these.
Array.__float__ = lambda self: float(backend_array(self))
Array.__complex__ = lambda self: complex(backend_array(self))
Array.__dlpack__ = lambda self, *, stream=None, max_version=None, dl_device=None, copy=None: (
    backend_array(self).__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy)
)
Array.__setitem__ = _setitem
