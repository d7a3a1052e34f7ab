"""Whole sequences through recurrent cells: one serial kernel for each half of the batch, on two threads.

A step is one product of BLAS into scratch memory that stays in a core's cache, and one pass over the gates, whose
functions LLVM vectorises. The halves of the batch never wait for each other. The formulas are those of
`backend/generic/networks/recurrence.py`. Padding comes as the mask (T, B, 1); an array of no elements stands for none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .functions.exponentials import tanh
from .jit import T, gemm, has_blas, inlined, kernel
from .record import Native
from .threads import halves

# Multiplications of a sequence's products from which the helper thread is worth its time.
WORTH = 1 << 20


@inlined
def logistic(a: Any) -> Any:
    """A sigmoid as NumPy's functions of sequences have it, a tenth faster than `functions.sigmoid`."""
    return T(0.5) * tanh(T(0.5) * a) + T(0.5)


@kernel()
def lstm(
    x: Any, turned: Any, h: Any, c: Any, mask: Any, ys: Any, last: Any, gates: Any, cells: Any, scratch: Any, step: int,
    start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The rows from `start` to `stop` through all times; `step` is 1 or −1.

    `turned` is Wᵀ: BLAS takes twice as long for the product of so few rows with a transposed matrix. Products lie in
    ``scratch[part]``.
    """
    times, rows, n = ys.shape
    size = x.itemsize
    width = 4 * n
    products = scratch[part]
    weights = turned.ctypes.data
    into = products.ctypes.data
    count = stop - start
    padded = mask.size > 0
    t = 0 if step > 0 else times - 1
    before = h.ctypes.data + start * n * size
    h_before = h
    c_before = c
    for _ in range(times):
        gemm(101, 111, 111, count, width, n, T(1.0), before, n, weights, width, T(0.0), into, width)
        for j in range(count):
            r = start + j
            a = products[j]
            inputs = x[t, r]
            row = gates[t, r]
            cell = cells[t, r]
            state = ys[t, r]
            c_row = c_before[r]
            for k in range(2 * n):
                row[k] = logistic(a[k] + inputs[k])
            for k in range(2 * n, 3 * n):
                row[k] = tanh(a[k] + inputs[k])
            for k in range(3 * n, width):
                row[k] = logistic(a[k] + inputs[k])
            for k in range(n):
                cell[k] = row[n + k] * c_row[k] + row[k] * row[2 * n + k]
            for k in range(n):
                state[k] = row[3 * n + k] * tanh(cell[k])
            if padded and not mask[t, r, 0]:
                h_row = h_before[r]
                for k in range(n):
                    cell[k] = c_row[k]
                    state[k] = h_row[k]
        h_before = ys[t]
        c_before = cells[t]
        before = ys.ctypes.data + (t * rows + start) * n * size
        t += step
    for r in range(start, stop):
        for k in range(n):
            last[r, k] = c_before[r, k]


@kernel()
def lstm_vjp(
    ct: Any, c_ct: Any, gates: Any, cells: Any, W: Any, c: Any, mask: Any, out: Any, h_bar: Any, c_bar: Any, step: int,
    start: int, stop: int,
) -> None:  # fmt: skip
    """The rows from `start` to `stop` back through all times; `step` is that of the forward pass.

    The cotangents of the state lie in `h_bar` and `c_bar`; those of the outputs may have no elements.
    """
    times, rows, n = cells.shape
    size = gates.itemsize
    width = 4 * n
    count = stop - start
    padded = mask.size > 0
    of_outputs = ct.size > 0
    t = times - 1 if step > 0 else 0
    weights = W.ctypes.data
    target = h_bar.ctypes.data + start * n * size
    for r in range(start, stop):
        for k in range(n):
            h_bar[r, k] = T(0.0)
            c_bar[r, k] = c_ct[r, k] if c_ct.size > 0 else T(0.0)
    for left in range(times - 1, -1, -1):
        c_before = cells[t - step] if left else c
        for r in range(start, stop):
            row = gates[t, r]
            cell = cells[t, r]
            c_row = c_before[r]
            into = out[t, r]
            h_row = h_bar[r]
            c_ct_row = c_bar[r]
            if of_outputs:
                given = ct[t, r]
                for k in range(n):
                    h_row[k] += given[k]
            if padded and not mask[t, r, 0]:
                for k in range(width):
                    into[k] = T(0.0)
                continue
            for k in range(n):
                top = tanh(cell[k])
                o = row[3 * n + k]
                into[3 * n + k] = h_row[k] * top * (o * (T(1.0) - o))
                c_ct_row[k] += h_row[k] * o * (T(1.0) - top * top)
                h_row[k] = T(0.0)
            for k in range(n):
                i = row[k]
                f = row[n + k]
                g = row[2 * n + k]
                through = c_ct_row[k]
                into[k] = through * g * (i * (T(1.0) - i))
                into[n + k] = through * c_row[k] * (f * (T(1.0) - f))
                into[2 * n + k] = through * i * (T(1.0) - g * g)
                c_ct_row[k] = through * f
        # a row of padding keeps its cotangent, to which the product adds 0
        source = out.ctypes.data + (t * rows + start) * width * size
        gemm(101, 111, 111, count, n, width, T(1.0), source, width, weights, n, T(1.0), target, n)
        t -= step


@kernel()
def gru(
    x: Any, turned: Any, b: Any, h: Any, mask: Any, ys: Any, gates: Any, inner: Any, scratch: Any, step: int,
    start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """As `lstm`."""
    times, rows, n = ys.shape
    size = x.itemsize
    width = 3 * n
    products = scratch[part]
    weights = turned.ctypes.data
    into = products.ctypes.data
    count = stop - start
    padded = mask.size > 0
    t = 0 if step > 0 else times - 1
    before = h.ctypes.data + start * n * size
    h_before = h
    for _ in range(times):
        gemm(101, 111, 111, count, width, n, T(1.0), before, n, weights, width, T(0.0), into, width)
        for j in range(count):
            r = start + j
            a = products[j]
            inputs = x[t, r]
            row = gates[t, r]
            m = inner[t, r]
            state = ys[t, r]
            h_row = h_before[r]
            for k in range(2 * n):
                row[k] = logistic(a[k] + inputs[k])
            for k in range(n):
                m[k] = a[2 * n + k] + b[k]
            for k in range(n):
                row[2 * n + k] = tanh(inputs[2 * n + k] + row[k] * m[k])
            for k in range(n):
                new = row[2 * n + k]
                state[k] = new + row[n + k] * (h_row[k] - new)
            if padded and not mask[t, r, 0]:
                for k in range(n):
                    state[k] = h_row[k]
        h_before = ys[t]
        before = ys.ctypes.data + (t * rows + start) * n * size
        t += step


@kernel()
def gru_vjp(
    ct: Any, ys: Any, gates: Any, inner: Any, W: Any, h: Any, mask: Any, out: Any, inner_bar: Any, h_bar: Any,
    step: int, start: int, stop: int,
) -> None:  # fmt: skip
    """As `lstm_vjp`. The product is of two pieces, as the new state's weights have a cotangent of their own."""
    times, rows, n = ys.shape
    size = gates.itemsize
    width = 3 * n
    count = stop - start
    padded = mask.size > 0
    t = times - 1 if step > 0 else 0
    weights = W.ctypes.data
    of_new = weights + 2 * n * n * size
    target = h_bar.ctypes.data + start * n * size
    for r in range(start, stop):
        for k in range(n):
            h_bar[r, k] = T(0.0)
    for left in range(times - 1, -1, -1):
        h_before = ys[t - step] if left else h
        for r in range(start, stop):
            row = gates[t, r]
            m = inner[t, r]
            into = out[t, r]
            m_into = inner_bar[t, r]
            h_row = h_bar[r]
            previous = h_before[r]
            given = ct[t, r]
            for k in range(n):
                h_row[k] += given[k]
            if padded and not mask[t, r, 0]:
                for k in range(width):
                    into[k] = T(0.0)
                for k in range(n):
                    m_into[k] = T(0.0)
                continue
            for k in range(n):
                reset = row[k]
                z = row[n + k]
                new = row[2 * n + k]
                through = h_row[k]
                of_n = through * (T(1.0) - z) * (T(1.0) - new * new)
                into[k] = of_n * m[k] * (reset * (T(1.0) - reset))
                into[n + k] = through * (previous[k] - new) * (z * (T(1.0) - z))
                into[2 * n + k] = of_n
                m_into[k] = of_n * reset
                h_row[k] = through * z
        source = out.ctypes.data + (t * rows + start) * width * size
        gemm(101, 111, 111, count, n, 2 * n, T(1.0), source, width, weights, n, T(1.0), target, n)
        source = inner_bar.ctypes.data + (t * rows + start) * n * size
        gemm(101, 111, 111, count, n, n, T(1.0), source, n, of_new, n, T(1.0), target, n)
        t -= step


@kernel()
def rnn(
    x: Any, turned: Any, h: Any, mask: Any, ys: Any, scratch: Any, relu: int, step: int,
    start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """As `lstm`."""
    times, rows, n = ys.shape
    size = x.itemsize
    products = scratch[part]
    weights = turned.ctypes.data
    into = products.ctypes.data
    count = stop - start
    padded = mask.size > 0
    t = 0 if step > 0 else times - 1
    before = h.ctypes.data + start * n * size
    h_before = h
    for _ in range(times):
        gemm(101, 111, 111, count, n, n, T(1.0), before, n, weights, n, T(0.0), into, n)
        for j in range(count):
            r = start + j
            a = products[j]
            inputs = x[t, r]
            state = ys[t, r]
            if relu:
                for k in range(n):
                    y = a[k] + inputs[k]
                    # NaN stays
                    state[k] = T(0.0) if y <= T(0.0) else y
            else:
                for k in range(n):
                    state[k] = tanh(a[k] + inputs[k])
            if padded and not mask[t, r, 0]:
                h_row = h_before[r]
                for k in range(n):
                    state[k] = h_row[k]
        h_before = ys[t]
        before = ys.ctypes.data + (t * rows + start) * n * size
        t += step


@kernel()
def rnn_vjp(
    ct: Any, ys: Any, W: Any, mask: Any, out: Any, h_bar: Any, relu: int, step: int, start: int, stop: int,
) -> None:  # fmt: skip
    """As `lstm_vjp`."""
    times, rows, n = ys.shape
    size = ys.itemsize
    count = stop - start
    padded = mask.size > 0
    t = times - 1 if step > 0 else 0
    weights = W.ctypes.data
    target = h_bar.ctypes.data + start * n * size
    for r in range(start, stop):
        for k in range(n):
            h_bar[r, k] = T(0.0)
    for _ in range(times):
        for r in range(start, stop):
            y = ys[t, r]
            into = out[t, r]
            h_row = h_bar[r]
            given = ct[t, r]
            for k in range(n):
                h_row[k] += given[k]
            if padded and not mask[t, r, 0]:
                for k in range(n):
                    into[k] = T(0.0)
                continue
            if relu:
                for k in range(n):
                    into[k] = h_row[k] if y[k] > T(0.0) else T(0.0)
            else:
                for k in range(n):
                    into[k] = h_row[k] * (T(1.0) - y[k] * y[k])
            for k in range(n):
                h_row[k] = T(0.0)
        # a row of padding keeps its cotangent, to which the product adds 0
        source = out.ctypes.data + (t * rows + start) * n * size
        gemm(101, 111, 111, count, n, n, T(1.0), source, n, weights, n, T(1.0), target, n)
        t -= step


@kernel()
def weights(
    ct: Any, ys: Any, h: Any, out: Any, row: int, step: int, start: int, stop: int,
) -> None:  # fmt: skip
    """``Σ_t ctᵀ_t h_{t−1}`` for the columns from `start` to `stop` of ct, into `out` from `row` on."""
    times, rows, width = ct.shape
    n = h.shape[1]
    size = ct.itemsize
    columns = ct.ctypes.data + start * size
    one = rows * width * size
    target = out.ctypes.data + (row + start) * n * size
    count = stop - start
    first = columns if step > 0 else columns + (times - 1) * one
    gemm(101, 112, 111, count, n, rows, T(1.0), first, width, h.ctypes.data, n, T(0.0), target, n)
    rest = columns + one if step > 0 else columns
    states = ys.ctypes.data if step > 0 else ys.ctypes.data + rows * n * size
    many = (times - 1) * rows
    if many:
        gemm(101, 112, 111, count, n, many, T(1.0), rest, width, states, n, T(1.0), target, n)


class Sequence:
    """What runs one kernel on the arrays of an operation: with arrays of no elements for None, and scratch memory.

    Parameters
    ----------
    kernel : Kernel
    op : Op
    arguments : str
        A letter for each argument of the operation: how many axes the array has; "m" for the mask.
    weights : int
        Which of them is W, where the kernel takes Wᵀ; -1 for none.
    scratch : int
        The length of the rows of scratch memory for products; 0 for none.
    settings : tuple of int
        Numbers behind the arrays.
    """

    def __init__(
        self, kernel: Any, op: Op, arguments: str, *, weights: int, scratch: int, settings: Any
    ) -> None:
        values = [*op.args, *[None] * (len(arguments) - len(op.args))]
        results = op.outputs()
        times, rows, width = next(
            v.shape
            for v, kind in zip(values, arguments, strict=True)
            if kind == "3" and v is not None
        )
        dtype = np.dtype(results[0].dtype)
        given = [(np.dtype(bool), 3) if kind == "m" else (dtype, int(kind)) for kind in arguments]
        kinds: list[Any] = [(*kind, "C", "read") for kind in given]
        kinds += [(dtype, len(v.shape)) for v in results]
        self.given = [v is not None for v in values]
        self.count = sum(self.given)
        self.none = [np.empty((0,) * ndim, d) for d, ndim in given]
        self.shapes, self.dtype = [v.shape for v in results], dtype
        self.unread: dict[int, Any] = {}
        self.settings, self.weights = settings, weights
        self.turned = np.empty(values[weights].shape[::-1], dtype) if weights >= 0 else None
        self.scratch = [np.empty((2, rows - rows // 2, scratch), dtype)] if scratch else []
        kinds += [(dtype, 3)] * len(self.scratch)
        numbers = len(settings) + (3 if scratch else 2)
        self.run = kernel.compiled(*kinds, *[int] * numbers)
        self.rows, self.parallel = rows, times * rows * width * self.shapes[0][-1] >= WORTH

    def __call__(self, *arrays: Any) -> None:
        """The arrays of the operation and a buffer for each result, None for one that nobody reads."""
        left = iter(arrays)
        given = [
            next(left) if here else none for here, none in zip(self.given, self.none, strict=False)
        ]
        if self.turned is not None:
            np.copyto(self.turned, given[self.weights].T)
            given[self.weights] = self.turned
        for i, target in enumerate(left):
            if target is None:
                target = self.unread.get(i)
                if target is None:
                    target = self.unread[i] = np.empty(self.shapes[i], self.dtype)
            given.append(target)
        given += self.scratch
        given += self.settings
        run, parts = self.run, len(self.scratch)
        halves(
            lambda start, stop, part: run(*given, start, stop, *(part,) * parts),
            self.rows,
            parallel=self.parallel,
        )


def _takes(arguments: str) -> Callable[[Op], bool]:
    """Whether all arrays but the mask are real and of one dtype."""

    def takes(op: Op) -> bool:
        arrays = [
            x for x, kind in zip(op.args, arguments, strict=False) if kind != "m" and x is not None
        ]
        masks = [
            x for x, kind in zip(op.args, arguments, strict=False) if kind == "m" and x is not None
        ]
        if not all(type(x) is Value and x.value_type == ARRAY for x in (*arrays, *masks)):
            return False
        dtype = np.dtype(op.outputs()[0].dtype)
        return (
            dtype.char in "fd"
            and all(x.dtype == dtype for x in (*arrays, *op.outputs()))
            and all(np.dtype(x.dtype).char == "?" for x in masks)
            and has_blas()
        )

    return takes


def _native(name: str, kernel: Any, arguments: str, weights: int = -1, gates: int = 0) -> Native:
    def make(op: Op) -> Sequence:
        settings = (int(op.settings.get("nonlinearity") == "relu"),) if "rnn" in name else ()
        step = -1 if op.settings.get("reverse") else 1
        units = op.outputs()[0].shape[-1]
        return Sequence(
            kernel,
            op,
            arguments,
            weights=weights,
            scratch=gates * units,
            settings=(*settings, step),
        )

    return Native(name, takes=_takes(arguments), make=make)


def _one_half(run: Any, arguments: tuple[Any, ...], start: int, stop: int, _: int) -> None:
    run(*arguments, start, stop)


def _make_weights(op: Op) -> Callable[..., None]:
    """Of `recurrent_vjp_W` and, where the last rows have another cotangent, of `gru_vjp_W`."""
    cts, h = op.args[:-2], op.args[-1]
    (target,) = op.outputs()
    dtype = np.dtype(target.dtype)
    read = [(dtype, ndim, "C", "read") for ndim in (3, 3, 2)]
    run = weights.compiled(*read, (dtype, 2), *[int] * 4)
    step = -1 if op.settings.get("reverse") else 1
    n = h.shape[1]
    # a GRU's cotangent of x has columns of the new state too, which come from that of the inner product
    parts = [(0, target.shape[0])] if len(cts) == 1 else [(0, 2 * n), (2 * n, n)]
    parallel = cts[0].size * n >= WORTH

    def product(*arrays: Any) -> None:
        *given, ys, h, out = arrays
        for ct, (row, columns) in zip(given, parts, strict=True):
            arguments = (ct, ys, h, out, row, step)
            halves(functools.partial(_one_half, run, arguments), columns, parallel=parallel)

    return product


RECURRENCE = (
    Native("recurrent_vjp_W", takes=_takes("332"), make=_make_weights),
    Native("gru_vjp_W", takes=_takes("3332"), make=_make_weights),
    _native("lstm_sequence", lstm, "3222m", weights=1, gates=4),
    _native("lstm_sequence_vjp", lstm_vjp, "323322m"),
    _native("gru_sequence", gru, "3212m", weights=1, gates=3),
    _native("gru_sequence_vjp", gru_vjp, "333322m"),
    _native("rnn_sequence", rnn, "322m", weights=1, gates=1),
    _native("rnn_sequence_vjp", rnn_vjp, "332m"),
)
