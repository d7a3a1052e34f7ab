"""The kernels of recurrent cells and their pullbacks, for some rows of the batch and all times.

A step is one product of BLAS into scratch memory that stays in a core's cache, and one pass over the gates, whose
functions LLVM vectorises. The formulas are those of `backend/generic/networks/recurrence.py`. Padding comes as the
mask (T, B, 1), false where a step leaves the state as it is; an array of no elements stands for none.

`gemm` is called as ``cblas_gemm`` is: 101 says that matrices lie row by row, 111 that a factor is taken as it lies, 112
that it is transposed.
"""

from __future__ import annotations

from typing import Any

from .functions.exponentials import tanh
from .jit import T, gemm, inlined, kernel


@inlined
def logistic(a: Any) -> Any:
    """A sigmoid as `backend/numpy/networks/recurrence.py` has it, a tenth faster than `exponentials.sigmoid`."""
    return T(0.5) * tanh(T(0.5) * a) + T(0.5)


@kernel()
def lstm(
    x: Any, W_T: Any, h: Any, c: Any, mask: Any, ys: Any, last: Any, gates: Any, cells: Any, scratch: Any, step: int,
    start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The rows from `start` to `stop` through all times; `step` is 1 or −1.

    `W_T` is Wᵀ, laid out: BLAS takes twice as long for the product of so few rows with a transposed matrix. Products
    lie in ``scratch[part]``.
    """
    times, rows, n = ys.shape
    size = x.itemsize
    width = 4 * n
    products = scratch[part]
    weights = W_T.ctypes.data
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
    x: Any, W_T: Any, b: Any, h: Any, mask: Any, ys: Any, gates: Any, inner: Any, scratch: Any, step: int,
    start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The rows from `start` to `stop` through all times, as `lstm`."""
    times, rows, n = ys.shape
    size = x.itemsize
    width = 3 * n
    products = scratch[part]
    weights = W_T.ctypes.data
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
    """As `lstm_vjp`. The product is in two pieces: the weights of the new state have another cotangent than x has."""
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
    x: Any, W_T: Any, h: Any, mask: Any, ys: Any, scratch: Any, relu: int, step: int,
    start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The rows from `start` to `stop` through all times, as `lstm`."""
    times, rows, n = ys.shape
    size = x.itemsize
    products = scratch[part]
    weights = W_T.ctypes.data
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
    """The rows from `start` to `stop` back through all times, as `lstm_vjp`."""
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
