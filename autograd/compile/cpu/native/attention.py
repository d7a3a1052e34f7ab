"""Attention in blocks of query rows, and its pullback, by hand-written kernels.

Queries, keys and values are read where they lie, as columns of one product of all three, say, and results are written
there; heads go to two threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .attention_kernels import LD, LENGTH, compiled
from .jit import has_blas
from .record import Native
from .threads import halves

# Query rows of a block, fewer where there are more keys than stay in cache with them.
ROWS, ELEMENTS = 64, 1 << 17
# Scores of all heads from which the helper thread is worth its time.
WORTH = 1 << 14

# ── operands ──────────────────────────────────────────────────────────────────────────────────


def _is_array(x: Any) -> bool:
    return type(x) is Value and x.value_type == ARRAY


def _serves(floating: list[Any], condition: Any) -> bool:
    """Whether all are arrays of one dtype, float32 or float64, with elements."""
    if not has_blas() or not all(map(_is_array, floating)):
        return False
    if condition is not None and not (_is_array(condition) and condition.dtype == np.dtype(bool)):
        return False
    dtype = np.dtype(floating[0].dtype)
    return dtype.char in "fd" and all(x.dtype == dtype and x.size > 0 for x in floating)


class _Masks:
    """The bias and the condition of an operation, as kernels take them."""

    def __init__(self, bias: Any, condition: Any, lead: tuple[int, ...], dtype: Any) -> None:
        self.steps = np.zeros((2, math.prod(lead)), np.int64)
        self.strides: list[int] = []
        self.empty = (np.zeros(1, dtype), np.zeros(1, bool))
        self.given = (bias is not None, condition is not None)
        for i, x in enumerate((bias, condition)):
            if x is None:
                self.strides += [0, -1]
                continue
            *outer, rows, columns = x.shape
            which = np.broadcast_to(np.arange(math.prod(outer)).reshape(outer), lead)
            self.steps[i] = which.reshape(-1) * (rows * columns)
            self.strides += [0 if rows == 1 else columns, 0 if columns == 1 else 1]

    def flat(self, arrays: Any) -> list[Any]:
        """Those that are given, one after the other, both as vectors."""
        rest = iter(arrays)
        return [
            np.ascontiguousarray(next(rest)).reshape(-1) if there else empty
            for there, empty in zip(self.given, self.empty, strict=True)
        ]


class _Stack:
    """Where the matrices of an operand lie in memory, in elements from its first one."""

    def __init__(self, lead: tuple[int, ...]) -> None:
        self.lead, self.strides, self.offsets, self.ld = lead, None, np.zeros(0, np.int64), 0

    def __call__(self, x: Any) -> Any:
        """The array, or a copy where rows are not dense; `offsets` and `ld` are then those of it."""
        if x.strides != self.strides:
            size = x.itemsize
            down, across = x.strides[-2:]
            dense = x.shape[-1] == 1 or across == size
            # fields of packed records lie at steps that are no whole elements
            odd = min(x.strides) < 0 or any(step % size for step in x.strides)
            if not dense or odd or (x.shape[-2] > 1 and down < x.shape[-1] * size):
                x = np.array(x, order="C")
                down = x.strides[-2]
            self.ld = x.shape[-1] if x.shape[-2] == 1 else down // size
            steps = [0] * (len(self.lead) - x.ndim + 2)
            steps += [0 if n == 1 else s for n, s in zip(x.shape[:-2], x.strides[:-2], strict=True)]
            found = np.zeros(self.lead, np.int64)
            for axis, step in enumerate(steps):
                lengths = [-1 if a == axis else 1 for a in range(len(self.lead))]
                found += (np.arange(self.lead[axis]) * (step // size)).reshape(lengths)
            self.offsets, self.strides = found.reshape(-1), x.strides
        return x


def _memory(x: Any) -> Any:
    """All memory from the first element of an array to its last, as a vector."""
    if x.flags.c_contiguous:
        return x.reshape(-1)
    span = 1 + sum((n - 1) * (s // x.itemsize) for n, s in zip(x.shape, x.strides, strict=True))
    return np.lib.stride_tricks.as_strided(x, (span,), (x.itemsize,), writeable=False)


def _address(x: Any) -> int:
    return x.__array_interface__["data"][0]


class _Layout:
    """One operation's heads: which blocks they are computed in, and where everything begins.

    Parameters
    ----------
    lead : tuple of int
        The axes of heads.
    length, keys, width, features : int
        T, S, D and E.
    """

    def __init__(
        self,
        lead: tuple[int, ...],
        lengths: tuple[int, int, int, int],
        masks: _Masks,
        *,
        causal: bool,
    ) -> None:
        length, keys, width, features = lengths
        self.lead, self.count, self.features = lead, math.prod(lead), features
        self.rows = min(length, ROWS, max(ELEMENTS // keys, 8))
        self.scratch = self.rows * keys
        self.parallel = self.count * length * keys >= WORTH
        self.steps = np.zeros((10, self.count), np.int64)
        self.steps[3:5] = masks.steps
        self.sizes = np.zeros(LD + 8, np.int64)
        self.sizes[:LD] = (length, keys, width, features, self.rows, causal, *masks.strides)

    def put(self, i: int, offsets: Any, ld: int, address: int = 0, size: int = 1) -> None:
        """Where the heads of operand i begin: the three that BLAS alone reads by address, the others in a vector."""
        np.multiply(offsets, size, self.steps[i if i < 3 else i + 2])
        self.steps[i if i < 3 else i + 2] += address
        self.sizes[LD + i] = ld

    def put_read(self, i: int, stack: _Stack, x: Any) -> Any:
        """The same of an array as it lies."""
        x = stack(x)
        self.put(i, stack.offsets, stack.ld, _address(x), x.itemsize)
        return x


# The places of operands in `sizes` and, two further on from the fourth, in `steps`.
OUT, CT, BARS = 3, 4, 5


def _dense(count: int, length: int, features: int) -> tuple[Any, int]:
    """Offsets and leading dimension of (heads, length, features) in C order."""
    return np.arange(count) * (length * features), features


def _side_by_side(lead: tuple[int, ...], length: int, width: int, parts: int) -> list[Any]:
    """Offsets of heads in the columns of (…, length, parts · heads · width), for each of the parts."""
    heads = lead[-1]
    columns = parts * heads * width
    batch = np.arange(math.prod(lead[:-1]))[:, None] * (length * columns)
    every = batch + np.arange(heads) * width
    return [(every + i * heads * width).reshape(-1) for i in range(parts)]


# ── attention ─────────────────────────────────────────────────────────────────────────────────


def _takes(op: Op) -> bool:
    q, keys, values, bias, condition = (*op.args, None, None)[:5]
    floating = [x for x in (q, keys, values, bias) if x is not None]
    return _serves(floating, condition) and math.prod(op.outputs()[0].shape[:-2]) > 1


def _takes_vjp(op: Op) -> bool:
    """Nothing may be broadcast but masks: else cotangents are sums over heads."""
    ct, q, keys, values, bias, condition, out, top, total = op.args
    floating = [x for x in (ct, q, keys, values, bias, out, top, total) if x is not None]
    if not _serves(floating, condition):
        return False
    lead = tuple(out.shape[:-2])
    same = all(tuple(x.shape[:-2]) == lead for x in (ct, q, keys, values, top, total))
    return same and math.prod(lead) > 1


def _make(op: Op) -> Callable[..., None]:
    q, keys, values, bias, condition = (*op.args, None, None)[:5]
    lead, dtype = tuple(op.outputs()[0].shape[:-2]), np.dtype(q.dtype)
    masks = _Masks(bias, condition, lead, dtype)
    lengths = (q.shape[-2], keys.shape[-2], q.shape[-1], values.shape[-1])
    layout = _Layout(lead, lengths, masks, causal=bool(op.settings["causal"]))
    layout.put(OUT, *_dense(layout.count, q.shape[-2], values.shape[-1]))
    stacks = [_Stack(lead) for _ in range(3)]
    run = _forward(layout, op, dtype)

    def attention(*arrays: Any) -> None:
        *inputs, out, top, total = arrays
        # kept in a name: what is copied has to stay until the kernel has read it
        operands = [layout.put_read(i, stacks[i], inputs[i]) for i in range(3)]
        run(out, top, total, *masks.flat(inputs[3:]))
        del operands

    return attention


def _forward(layout: _Layout, op: Op, dtype: Any) -> Callable[..., None]:
    """``run(out, top, total, bias, keep)``: both halves of the heads; a result that is None is written to scratch."""
    kernel = compiled(dtype, back=False)
    length, count, scale = int(layout.sizes[LENGTH]), layout.count, float(op.settings["scale"])
    scores = np.empty((2, layout.scratch), dtype)
    steps, sizes, parallel = layout.steps, layout.sizes, layout.parallel
    spare = [np.empty((count, length), dtype) for _ in range(2)]

    def run(out: Any, top: Any, total: Any, bias: Any, keep: Any) -> None:
        flat = np.empty(op.outputs()[0].size, dtype) if out is None else out.reshape(-1)
        high, above = (
            x if given is None else given.reshape(count, length)
            for given, x in zip((top, total), spare, strict=True)
        )
        halves(
            lambda start, stop, part: kernel(
                scores, flat, high, above, bias, keep, steps, sizes, scale, start, stop, part
            ),
            count,
            parallel=parallel,
        )

    return run


def _make_vjp(op: Op) -> Callable[..., None]:
    _, q, keys, values, bias, condition, out, *_ = op.args
    lead, dtype = tuple(out.shape[:-2]), np.dtype(q.dtype)
    masks = _Masks(bias, condition, lead, dtype)
    lengths = (q.shape[-2], keys.shape[-2], q.shape[-1], values.shape[-1])
    layout = _Layout(lead, lengths, masks, causal=bool(op.settings["causal"]))
    for i, x in enumerate((q, keys, values)):
        layout.put(BARS + i, *_dense(layout.count, *x.shape[-2:]))
    stacks = [_Stack(lead) for _ in range(5)]
    run = _backward(layout, op, dtype)

    def attention_vjp(*arrays: Any) -> None:
        *inputs, q_bar, keys_bar, values_bar = arrays
        ct, q, keys, values, *masking, out, top, total = inputs
        operands = [layout.put_read(i, stacks[i], x) for i, x in enumerate((q, keys, values))]
        out, ct = stacks[3](out), stacks[4](ct)
        layout.put(OUT, stacks[3].offsets, stacks[3].ld)
        layout.put(CT, stacks[4].offsets, stacks[4].ld)
        bars = [
            np.empty(math.prod(shape), dtype) if x is None else x.reshape(-1)
            for x, shape in zip((q_bar, keys_bar, values_bar), (q.shape, keys.shape, values.shape), strict=True)
        ]  # fmt: skip
        run(_memory(ct), _memory(out), top, total, bars, *masks.flat(masking))
        del operands

    return attention_vjp


def _backward(layout: _Layout, op: Op, dtype: Any) -> Callable[..., None]:
    """``run(ct, out, top, total, bars, bias, keep)``: both halves of the heads."""
    kernel = compiled(dtype, back=True)
    length, count, scale = int(layout.sizes[LENGTH]), layout.count, float(op.settings["scale"])
    scores, slopes = (np.empty((2, layout.scratch), dtype) for _ in range(2))
    scaled = np.empty((2, layout.rows * layout.features), dtype)
    steps, sizes, parallel = layout.steps, layout.sizes, layout.parallel

    def run(ct: Any, out: Any, top: Any, total: Any, bars: Any, bias: Any, keep: Any) -> None:
        high, above = (np.ascontiguousarray(x).reshape(count, length) for x in (top, total))
        halves(
            lambda start, stop, part: kernel(
                scores,
                slopes,
                scaled,
                ct,
                out,
                high,
                above,
                *bars,
                bias,
                keep,
                steps,
                sizes,
                scale,
                start,
                stop,
                part,
            ),
            count,
            parallel=parallel,
        )

    return run


# ── heads side by side ────────────────────────────────────────────────────────────────────────


def _takes_self(op: Op) -> bool:
    x, bias, condition = (*op.args, None, None)[:3]
    floating = [y for y in (x, bias) if y is not None]
    if not _serves(floating, condition) or len(op.outputs()[0].shape) != len(x.shape):
        return False
    out = op.outputs()[0].shape
    return tuple(out[:-1]) == tuple(x.shape[:-1]) and _heads_of(op, x)[1] > 1


def _takes_self_vjp(op: Op) -> bool:
    ct, x, bias, condition, out, top, total = op.args
    floating = [y for y in (ct, x, bias, out, top, total) if y is not None]
    if not _serves(floating, condition):
        return False
    same = tuple(ct.shape) == tuple(out.shape) and tuple(x.shape[:-1]) == tuple(out.shape[:-1])
    return same and tuple(top.shape[:-2]) == _heads_of(op, x)[0] and _heads_of(op, x)[1] > 1


def _heads_of(op: Op, x: Any) -> tuple[tuple[int, ...], int]:
    """The axes of heads, and how many they are in all."""
    lead = (*x.shape[:-2], int(op.settings["heads"]))
    return lead, math.prod(lead)


def _self_layout(op: Op, x: Any, bias: Any, condition: Any) -> tuple[_Layout, _Masks, list[Any]]:
    lead, dtype = _heads_of(op, x)[0], np.dtype(x.dtype)
    length, width = x.shape[-2], x.shape[-1] // (3 * lead[-1])
    masks = _Masks(bias, condition, lead, dtype)
    layout = _Layout(
        lead, (length, length, width, width), masks, causal=bool(op.settings["causal"])
    )
    (rows,) = _side_by_side(lead, length, width, 1)
    layout.put(OUT, rows, lead[-1] * width)
    return layout, masks, _side_by_side(lead, length, width, 3)


def _make_self(op: Op) -> Callable[..., None]:
    x, bias, condition = (*op.args, None, None)[:3]
    layout, masks, columns = _self_layout(op, x, bias, condition)
    run = _forward(layout, op, np.dtype(x.dtype))

    def self_attention(x: Any, *arrays: Any) -> None:
        *masking, out, top, total = arrays
        x = np.ascontiguousarray(x)
        for i, offsets in enumerate(columns):
            layout.put(i, offsets, x.shape[-1], _address(x), x.itemsize)
        run(out, top, total, *masks.flat(masking))

    return self_attention


def _make_self_vjp(op: Op) -> Callable[..., None]:
    _, x, bias, condition, out, *_ = op.args
    layout, masks, columns = _self_layout(op, x, bias, condition)
    layout.put(CT, layout.steps[5], out.shape[-1])
    for i, offsets in enumerate(columns):
        layout.put(BARS + i, offsets, x.shape[-1])
    run = _backward(layout, op, np.dtype(x.dtype))

    def self_attention_vjp(ct: Any, x: Any, *arrays: Any) -> None:
        *masking, out, top, total, x_bar = arrays
        ct, x, out = map(np.ascontiguousarray, (ct, x, out))
        for i, offsets in enumerate(columns):
            layout.put(i, offsets, x.shape[-1], _address(x), x.itemsize)
        bars = (x_bar.reshape(-1),) * 3
        run(ct.reshape(-1), out.reshape(-1), top, total, bars, *masks.flat(masking))

    return self_attention_vjp


ATTENTION = (
    Native("attention", takes=_takes, make=_make, contiguous=False),
    Native("attention_vjp", takes=_takes_vjp, make=_make_vjp, contiguous=False),
    Native("self_attention", takes=_takes_self, make=_make_self, contiguous=False),
    Native("self_attention_vjp", takes=_takes_self_vjp, make=_make_self_vjp, contiguous=False),
)
