"""Sequences through recurrent cells on CUDA: two launches a step, a product and one kernel for the gates.

The formulas and names are those of `generic/networks/recurrence.py`, which serve what the kernels are not for. CuPy
comes in as an argument, as in `cuda/fused.py`. Nothing waits for the device.

In the kernels ``i`` is an element of a state (rows, n), ``r`` its row; ``padded`` says whether `mask` counts. The
cotangent of a state comes to a pullback in two parts: `past`, which goes by a step or has its own way through it, and
`product`, that of the step behind it, so that their sum needs no launch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...common.typing import XP
from ...generic.networks import recurrence as formulas
from ...generic.networks.recurrence import times
from .. import kernels

SOURCE = r"""
__device__ __forceinline__ real sigma(real a) { return (real)1 / ((real)1 + exp(-a)); }

extern "C" __global__ void lstm_step(
    const real* x, const real* product, const real* h, const real* c, const bool* mask, real* gates, real* cell,
    real* y, idx rows, idx n, idx padded) {
    EACH(i, rows * n) {
        const idx r = i / n, at = i + 3 * r * n;
        const real in = sigma(x[at] + product[at]), f = sigma(x[at + n] + product[at + n]);
        const real g = tanh(x[at + 2 * n] + product[at + 2 * n]), o = sigma(x[at + 3 * n] + product[at + 3 * n]);
        const bool kept = padded && !mask[r];
        const real next = f * c[i] + in * g;
        gates[at] = in;
        gates[at + n] = f;
        gates[at + 2 * n] = g;
        gates[at + 3 * n] = o;
        cell[i] = kept ? c[i] : next;
        y[i] = kept ? h[i] : o * tanh(next);
    }
}

extern "C" __global__ void lstm_step_vjp(
    const real* ct, const real* gates, const real* cell, const real* before, const bool* mask, const real* product,
    real* past, real* c_ct, real* row, idx rows, idx n, idx padded, idx given) {
    EACH(i, rows * n) {
        const idx r = i / n, at = i + 3 * r * n;
        const real h_bar = past[i] + product[i] + (given ? ct[i] : (real)0);
        if (padded && !mask[r]) {
            past[i] = h_bar;
            row[at] = row[at + n] = row[at + 2 * n] = row[at + 3 * n] = 0;
            continue;
        }
        const real in = gates[at], f = gates[at + n], g = gates[at + 2 * n], o = gates[at + 3 * n];
        const real top = tanh(cell[i]), through = c_ct[i] + h_bar * o * (1 - top * top);
        row[at] = through * g * (in * (1 - in));
        row[at + n] = through * before[i] * (f * (1 - f));
        row[at + 2 * n] = through * in * (1 - g * g);
        row[at + 3 * n] = h_bar * top * (o * (1 - o));
        past[i] = 0;
        c_ct[i] = through * f;
    }
}

extern "C" __global__ void gru_step(
    const real* x, const real* product, const real* b, const real* h, const bool* mask, real* gates, real* inner,
    real* y, idx rows, idx n, idx padded) {
    EACH(i, rows * n) {
        const idx r = i / n, k = i % n, at = i + 2 * r * n;
        const real reset = sigma(x[at] + product[at]), z = sigma(x[at + n] + product[at + n]);
        const real m = product[at + 2 * n] + b[k], next = tanh(x[at + 2 * n] + reset * m);
        gates[at] = reset;
        gates[at + n] = z;
        gates[at + 2 * n] = next;
        inner[i] = m;
        y[i] = padded && !mask[r] ? h[i] : next + z * (h[i] - next);
    }
}

extern "C" __global__ void gru_step_vjp(
    const real* ct, const real* gates, const real* inner, const real* before, const bool* mask, const real* product,
    real* past, real* row, real* whole, real* inner_bar, idx rows, idx n, idx padded) {
    EACH(i, rows * n) {
        const idx r = i / n, at = i + 2 * r * n;
        const real h_bar = past[i] + product[i] + ct[i];
        if (padded && !mask[r]) {
            past[i] = h_bar;
            row[at] = row[at + n] = row[at + 2 * n] = 0;
            whole[at] = whole[at + n] = whole[at + 2 * n] = inner_bar[i] = 0;
            continue;
        }
        const real reset = gates[at], z = gates[at + n], next = gates[at + 2 * n];
        const real n_bar = h_bar * (1 - z) * (1 - next * next);
        row[at] = whole[at] = n_bar * inner[i] * (reset * (1 - reset));
        row[at + n] = whole[at + n] = h_bar * (before[i] - next) * (z * (1 - z));
        row[at + 2 * n] = n_bar;
        whole[at + 2 * n] = inner_bar[i] = n_bar * reset;
        past[i] = h_bar * z;
    }
}

extern "C" __global__ void rnn_step(
    const real* x, const real* product, const real* h, const bool* mask, real* y, idx rows, idx n, idx padded,
    idx relu) {
    EACH(i, rows * n) {
        const real a = x[i] + product[i];
        const real next = !relu ? tanh(a) : a < 0 ? (real)0 : a;
        y[i] = padded && !mask[i / n] ? h[i] : next;
    }
}

extern "C" __global__ void rnn_step_vjp(
    const real* ct, const real* y, const bool* mask, const real* product, real* past, real* row, idx rows, idx n,
    idx padded, idx relu) {
    EACH(i, rows * n) {
        const real h_bar = past[i] + product[i] + ct[i];
        const bool kept = padded && !mask[i / n];
        const real slope = relu ? (real)(y[i] > 0) : 1 - y[i] * y[i];
        past[i] = kept ? h_bar : (real)0;
        row[i] = kept ? (real)0 : h_bar * slope;
    }
}
"""


def source(dtype: str) -> str:
    """All kernels of a dtype as CUDA C."""
    return kernels.header(dtype) + SOURCE


def bind(cupy: Any, plain: XP) -> dict[str, Callable[..., Any]]:
    """The functions by their names in the namespace.

    Parameters
    ----------
    cupy
        The library.
    plain
        Its namespace with the generic formulas.
    """
    modules: dict[str, Any] = {}
    functions: dict[tuple[str, str], Any] = {}

    def launch(name: str, states: Any, *arguments: Any) -> None:
        """One kernel over the elements of a state (rows, n); numbers go as sizes."""
        key = (name, states.dtype.char)
        function = functions.get(key)
        if function is None:
            dtype = np.dtype(states.dtype).name
            if dtype not in modules:
                modules[dtype] = cupy.RawModule(code=source(dtype))
            function = functions[key] = modules[dtype].get_function(name)
        grid, block = kernels.launch_shape(name, states.size)
        function(grid, block, tuple([np.int64(a) if isinstance(a, int) else a for a in arguments]))

    def fits(*arrays: Any) -> bool:
        """Whether all are of one dtype that there are kernels for, with elements."""
        dtype = arrays[0].dtype
        return dtype.char in "fd" and all(a.dtype == dtype and a.size for a in arrays)

    def in_rows(*arrays: Any) -> list[Any]:
        return [cupy.ascontiguousarray(a) for a in arrays]

    def masks(condition: Any, count: int) -> tuple[int, list[Any]]:
        """Whether there is a mask, and that of each time; without, arrays that nothing reads."""
        if condition is None:
            return 0, [cupy.empty((0,), dtype=bool)] * count
        rows = cupy.ascontiguousarray(condition)
        return 1, [rows[t] for t in range(count)]

    def lstm_sequence(
        x: Any, W: Any, h: Any, c: Any, condition: Any = None, *, reverse: bool = False
    ) -> Any:
        if not fits(x, W, h, c):
            return formulas.lstm_sequence(plain, x, W, h, c, condition, reverse=reverse)
        count, (rows, n) = x.shape[0], h.shape
        x, h, c = in_rows(x, h, c)
        W_T = cupy.ascontiguousarray(W.T)
        gates = cupy.empty(x.shape, dtype=x.dtype)
        ys, cells = (cupy.empty((count, rows, n), dtype=x.dtype) for _ in range(2))
        padded, mask = masks(condition, count)
        for t in times(count, reverse):
            product = cupy.matmul(h, W_T)
            launch("lstm_step", h, x[t], product, h, c, mask[t], gates[t], cells[t], ys[t],
                   rows, n, padded)  # fmt: skip
            h, c = ys[t], cells[t]
        return (ys, cupy.array(c)), gates, cells

    def lstm_sequence_vjp(
        ct: Any, c_ct: Any, gates: Any, cells: Any, W: Any, c: Any, condition: Any = None, *, reverse: bool = False
    ) -> Any:  # fmt: skip
        given = [a for a in (ct, c_ct) if a is not None]
        if not fits(gates, cells, W, c, *given):
            return formulas.lstm_sequence_vjp(
                plain, ct, c_ct, gates, cells, W, c, condition, reverse=reverse
            )
        count, rows, n = cells.shape
        gates, cells, c, W = in_rows(gates, cells, c, W)
        ct = None if ct is None else cupy.ascontiguousarray(ct)
        past, product = (cupy.zeros((rows, n), dtype=gates.dtype) for _ in range(2))
        c_ct = (
            cupy.zeros((rows, n), dtype=gates.dtype)
            if c_ct is None
            else cupy.array(c_ct, order="C")
        )
        out = cupy.empty(gates.shape, dtype=gates.dtype)
        padded, mask = masks(condition, count)
        order = times(count, reverse)
        for k in range(count - 1, -1, -1):
            t = order[k]
            before = cells[order[k - 1]] if k else c
            own = past if ct is None else ct[t]
            launch("lstm_step_vjp", past, own, gates[t], cells[t], before, mask[t], product, past, c_ct, out[t],
                   rows, n, padded, int(ct is not None))  # fmt: skip
            product = cupy.matmul(out[t], W)
        return out, past + product, c_ct

    def gru_sequence(
        x: Any, W: Any, b: Any, h: Any, condition: Any = None, *, reverse: bool = False
    ) -> Any:
        if not fits(x, W, b, h):
            return formulas.gru_sequence(plain, x, W, b, h, condition, reverse=reverse)
        count, (rows, n) = x.shape[0], h.shape
        x, b, h = in_rows(x, b, h)
        W_T = cupy.ascontiguousarray(W.T)
        gates = cupy.empty(x.shape, dtype=x.dtype)
        ys, inner = (cupy.empty((count, rows, n), dtype=x.dtype) for _ in range(2))
        padded, mask = masks(condition, count)
        for t in times(count, reverse):
            product = cupy.matmul(h, W_T)
            launch("gru_step", h, x[t], product, b, h, mask[t], gates[t], inner[t], ys[t],
                   rows, n, padded)  # fmt: skip
            h = ys[t]
        return ys, gates, inner

    def gru_sequence_vjp(
        ct: Any, ys: Any, gates: Any, inner: Any, W: Any, h: Any, condition: Any = None, *, reverse: bool = False
    ) -> Any:  # fmt: skip
        if not fits(ct, ys, gates, inner, W, h):
            return formulas.gru_sequence_vjp(
                plain, ct, ys, gates, inner, W, h, condition, reverse=reverse
            )
        count, rows, n = ys.shape
        ct, ys, gates, inner, W, h = in_rows(ct, ys, gates, inner, W, h)
        past, product = (cupy.zeros((rows, n), dtype=gates.dtype) for _ in range(2))
        out, inner_bar = (cupy.empty(a.shape, dtype=a.dtype) for a in (gates, inner))
        whole = cupy.empty((rows, 3 * n), dtype=gates.dtype)
        padded, mask = masks(condition, count)
        order = times(count, reverse)
        for k in range(count - 1, -1, -1):
            t = order[k]
            before = ys[order[k - 1]] if k else h
            launch("gru_step_vjp", past, ct[t], gates[t], inner[t], before, mask[t], product, past, out[t], whole,
                   inner_bar[t], rows, n, padded)  # fmt: skip
            product = cupy.matmul(whole, W)
        return out, inner_bar, past + product

    def rnn_sequence(
        x: Any, W: Any, h: Any, condition: Any = None, *, nonlinearity: str = "tanh", reverse: bool = False
    ) -> Any:  # fmt: skip
        settings: Any = {"nonlinearity": nonlinearity, "reverse": reverse}
        if not fits(x, W, h):
            return formulas.rnn_sequence(plain, x, W, h, condition, **settings)
        count, rows, n = x.shape
        x, h = in_rows(x, h)
        W_T = cupy.ascontiguousarray(W.T)
        ys = cupy.empty(x.shape, dtype=x.dtype)
        padded, mask = masks(condition, count)
        relu = int(nonlinearity == "relu")
        for t in times(count, reverse):
            product = cupy.matmul(h, W_T)
            launch("rnn_step", h, x[t], product, h, mask[t], ys[t], rows, n, padded, relu)
            h = ys[t]
        return ys

    def rnn_sequence_vjp(
        ct: Any, ys: Any, W: Any, condition: Any = None, *, nonlinearity: str = "tanh", reverse: bool = False
    ) -> Any:  # fmt: skip
        settings: Any = {"nonlinearity": nonlinearity, "reverse": reverse}
        if not fits(ct, ys, W):
            return formulas.rnn_sequence_vjp(plain, ct, ys, W, condition, **settings)
        count, rows, n = ys.shape
        ct, ys, W = in_rows(ct, ys, W)
        past, product = (cupy.zeros((rows, n), dtype=ys.dtype) for _ in range(2))
        out = cupy.empty(ys.shape, dtype=ys.dtype)
        padded, mask = masks(condition, count)
        relu = int(nonlinearity == "relu")
        for t in times(count, reverse)[::-1]:
            launch(
                "rnn_step_vjp",
                past,
                ct[t],
                ys[t],
                mask[t],
                product,
                past,
                out[t],
                rows,
                n,
                padded,
                relu,
            )
            product = cupy.matmul(out[t], W)
        return out, past + product

    return {
        f.__name__: f
        for f in (lstm_sequence, lstm_sequence_vjp, gru_sequence, gru_sequence_vjp, rnn_sequence, rnn_sequence_vjp)
    }  # fmt: skip
