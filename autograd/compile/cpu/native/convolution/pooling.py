"""Maxima and means of windows and their cotangents, plane by plane, on two threads.

A plane is one channel of one image. With padding it is copied into scratch memory with its border, so that
all windows are alike: element t of window q lies at ``windows[q] + taps[t]``. Maxima behind a convolution
are its kernel's (`kernels.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .....core.typing import RawArray
from ....ir.program import Op
from ..jit import T, kernel
from ..record import Native
from ..scratch import borrowed
from ..threads import halves
from .geometry import Tables, grid, steps_of

# Elements of all windows from which a second thread is worth its start.
PARALLEL = 100_000


@kernel()
def _maxima(x, out, offsets, s, tables, g, start, stop):
    """The maxima of the planes from `start` to `stop`: the first of equal ones, NaN before numbers."""
    S, Q, k, windows, taps, padded, runs, count, length, size = (
        g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9],
    )  # fmt: skip
    if padded:
        for i in range(size):
            s[i] = -np.inf
    for n in range(start, stop):
        from_x = x
        plane = n * S
        if padded:
            for r in range(count):
                to = tables[runs + r]
                for i in range(length):
                    s[to + i] = x[n * S + r * length + i]
            from_x, plane = s, 0
        for q in range(Q):
            first = plane + tables[windows + q]
            best, which = from_x[first], 0
            for t in range(1, k):
                value = from_x[first + tables[taps + t]]
                better = (value > best) | (value != value)
                best = value if better else best
                which = t if better else which
            out[n * Q + q] = best
            offsets[n * Q + q] = which


@kernel()
def _scattered(y, offsets, out, s, tables, g, start, stop):
    """Each element of y to the element of its window that `offsets` names."""
    S, Q, windows, taps, padded, runs, count, length, size = (
        g[0], g[1], g[3], g[4], g[5], g[6], g[7], g[8], g[9],
    )  # fmt: skip
    for n in range(start, stop):
        into, plane, whole = out, n * S, S
        if padded:
            into, plane, whole = s, 0, size
        for i in range(plane, plane + whole):
            into[i] = 0.0
        for q in range(Q):
            t = offsets[n * Q + q]
            into[plane + tables[windows + q] + tables[taps + t]] += y[n * Q + q]
        if padded:
            for r in range(count):
                at = tables[runs + r]
                for i in range(length):
                    out[n * S + r * length + i] = s[at + i]


@kernel()
def _means(x, counts, out, s, tables, g, start, stop):
    """The sum of each window over its number in `counts`."""
    S, Q, k, windows, taps, padded, runs, count, length, size = (
        g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9],
    )  # fmt: skip
    if padded:
        for i in range(size):
            s[i] = 0.0
    for n in range(start, stop):
        from_x = x
        plane = n * S
        if padded:
            for r in range(count):
                to = tables[runs + r]
                for i in range(length):
                    s[to + i] = x[n * S + r * length + i]
            from_x, plane = s, 0
        for q in range(Q):
            first = plane + tables[windows + q]
            total = T(0.0)
            for t in range(k):
                total += from_x[first + tables[taps + t]]
            out[n * Q + q] = total / counts[q]


@kernel()
def _means_vjp(y, counts, out, s, tables, g, start, stop):
    """Each element of y over its number in `counts`, to all elements of its window."""
    S, Q, k, windows, taps, padded, runs, count, length, size = (
        g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9],
    )  # fmt: skip
    for n in range(start, stop):
        into, plane, whole = out, n * S, S
        if padded:
            into, plane, whole = s, 0, size
        for i in range(plane, plane + whole):
            into[i] = 0.0
        for q in range(Q):
            share = y[n * Q + q] / counts[q]
            first = plane + tables[windows + q]
            for t in range(k):
                into[first + tables[taps + t]] += share
        if padded:
            for r in range(count):
                at = tables[runs + r]
                for i in range(length):
                    out[n * S + r * length + i] = s[at + i]


# ── making ────────────────────────────────────────────────────────────────────────────────────

_TABLE = (np.dtype("int64"), 1)


class _Planes:
    """What all four kernels are called with besides arrays."""

    def __init__(self, op: Op, x: tuple[int, ...], y: tuple[int, ...]) -> None:
        settings, spatial = op.settings, x[2:]
        padding, stride, window = settings["padding"], settings["stride"], settings["window"]
        dilation = settings.get("dilation") or (1,) * len(window)
        whole = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
        steps, tables = steps_of(whole, 1), Tables()
        inside = sum(low * n for (low, _), n in zip(padding, steps, strict=True))
        self.windows = math.prod(y[2:])
        numbers = [
            math.prod(spatial), self.windows, math.prod(window),
            tables.add(grid(y[2:], tuple(s * n for s, n in zip(stride, steps, strict=True)))),
            tables.add(grid(window, tuple(d * n for d, n in zip(dilation, steps, strict=True)))),
            any(map(any, padding)), tables.add(grid(spatial[:-1], steps[:-1]) + inside),
            math.prod(spatial[:-1]), spatial[-1], math.prod(whole),
        ]  # fmt: skip
        self.numbers, self.tables = np.array(numbers, np.int64), tables.array()
        self.count = x[0] * x[1]
        self.parallel = self.count * self.windows * math.prod(window) >= PARALLEL
        self.dtype = np.dtype(op.outputs()[0].dtype)
        self.memory = math.prod(whole) if numbers[5] else 1

    def run(self, compiled: Callable[..., Any], *arrays: Any) -> None:
        """A kernel on all planes."""
        flat = [a.reshape(-1) for a in arrays]
        with borrowed(self.memory, self.dtype) as scratch:
            halves(
                lambda i, j, part: compiled(*flat, scratch[part], self.tables, self.numbers, i, j),
                self.count,
                parallel=self.parallel,
            )


def _make_max_pool(op: Op) -> Callable[..., None]:
    out, offsets = op.outputs()
    planes = _Planes(op, op.args[0].shape, out.shape)
    array = (planes.dtype, 1)
    read = (planes.dtype, 1, "C", "read")
    kinds = (read, array, (np.dtype(offsets.dtype), 1), array, _TABLE, _TABLE, int, int)
    compiled = _maxima.compiled(*kinds)

    def max_pool(x: RawArray, best: RawArray | None, which: RawArray | None) -> None:
        best = np.empty(out.shape, out.dtype) if best is None else best
        which = np.empty(out.shape, offsets.dtype) if which is None else which
        planes.run(compiled, x, best, which)

    return max_pool


def _make_pool_scatter(op: Op) -> Callable[..., None]:
    y, offsets = op.args
    planes = _Planes(op, op.result.shape, y.shape)
    array = (planes.dtype, 1)
    read = (planes.dtype, 1, "C", "read")
    kinds = (
        read,
        (np.dtype(offsets.dtype), 1, "C", "read"),
        array,
        array,
        _TABLE,
        _TABLE,
        int,
        int,
    )
    compiled = _scattered.compiled(*kinds)
    return lambda y, offsets, out: planes.run(compiled, y, offsets, out)


def _make_means(op: Op) -> Callable[..., None]:
    x, y = op.args[0].shape, op.result.shape
    forward = op.name == "avg_pool"
    if not forward:
        x, y = y, x
    planes = _Planes(op, x, y)
    counts = _counts(op, x[2:], y[2:]).astype(planes.dtype)
    array = (planes.dtype, 1)
    read = (planes.dtype, 1, "C", "read")
    kinds = (read, array, array, array, _TABLE, _TABLE, int, int)
    compiled = (_means if forward else _means_vjp).compiled(*kinds)
    return lambda given, out: planes.run(compiled, given, counts, out)


def _counts(op: Op, spatial: tuple[int, ...], lengths: tuple[int, ...]) -> Any:
    """For each window, how many of its elements lie in the array with `counted` around it, at least 1; 1 for sums."""
    settings = op.settings
    if settings["counted"] is None:
        return np.ones(math.prod(lengths))
    out = np.ones(1)
    for n, k, s, (low, _), (less, more), m in zip(
        spatial, settings["window"], settings["stride"], settings["padding"], settings["counted"], lengths, strict=True
    ):  # fmt: skip
        first = s * np.arange(m) - low
        inside = np.minimum(first + k, n + more) - np.maximum(first, -less)
        out = (out[:, None] * np.maximum(inside, 1)).reshape(-1)
    return out


def _takes(op: Op) -> bool:
    """Real arrays that are not empty, with padding that adds and nothing narrower than an index."""
    result = op.outputs()[0]
    arrays = [v for v in op.inputs() if v.dtype.kind == "f"]
    if result.dtype.char not in "fd" or not all(v.dtype == result.dtype for v in arrays):
        return False
    if not all(v.size for v in op.inputs()):
        return False
    others = [v for v in (*op.inputs(), *op.outputs()) if v.dtype.kind != "f"]
    if any(np.dtype(v.dtype).name not in ("uint8", "int32") for v in others):
        return False
    return all(low >= 0 and high >= 0 for low, high in op.settings["padding"])


MAX_POOL = Native("max_pool", _takes, _make_max_pool)
POOL_SCATTER = Native("pool_scatter", _takes, _make_pool_scatter)
AVG_POOL = Native("avg_pool", _takes, _make_means)
AVG_POOL_VJP = Native("avg_pool_vjp", _takes, _make_means)
