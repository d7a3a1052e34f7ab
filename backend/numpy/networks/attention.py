"""NumPy: attention in blocks of heads and query rows whose scores stay in cache, by products into buffers.

The blocks write where the results lie, so that beside these there is one block of scores (two in the pullback).
"""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from ...generic import namespace as generic
from ...generic.networks import attention as formula
from ..standard import STANDARD

PLAIN = generic.extend(STANDARD)  # for what has no faster way here
# Scores in a block: 512 KiB of float32.
ELEMENTS = 1 << 17
# Rows of a causal block; the scores above its diagonal are computed in vain.
ROWS = 64


def _serves(arrays):
    """Whether all arrays are of one dtype, float32 or float64, and none is empty."""
    dtype = arrays[0].dtype
    return dtype.char in "fd" and all(x.dtype == dtype and x.size for x in arrays if x is not None)


def _row_steps(T, S, causal):
    """The first and last rows of the blocks of a head, and the number of keys that they may attend to."""
    rows = min(T, max(ELEMENTS // S, 16))
    if causal:
        rows = min(rows, ROWS)
    return [
        (start, min(start + rows, T), min(S, start + rows, T) if causal else S)
        for start in range(0, T, rows)
    ]


def _heads(lead, each):
    """Indices of the leading axes that take as many heads at once as `ELEMENTS` allows, each of so many scores."""
    axis = len(lead)
    inside = each
    while axis and inside * lead[axis - 1] <= ELEMENTS:
        axis -= 1
        inside *= lead[axis]
    if axis == 0:
        return [()]
    at_once = max(1, ELEMENTS // max(inside, 1))
    n = lead[axis - 1]
    chunks = [slice(start, min(start + at_once, n)) for start in range(0, n, at_once)]
    return [
        (*outer, chunk)
        for outer in itertools.product(*map(range, lead[: axis - 1]))
        for chunk in chunks
    ]


def _spread(x, lead):
    return x if x is None or x.shape[:-2] == lead else np.broadcast_to(x, (*lead, *x.shape[-2:]))


@functools.lru_cache(maxsize=16)
def _ahead(rows, columns):
    """Where a key lies ahead of a query, for as many queries and keys from the same position on."""
    return np.arange(columns) > np.arange(rows)[:, None]


def _scores(q, keys, bias, condition, causal, start, stop, into):
    """As the generic one, written into a buffer."""
    n = keys.shape[-2]
    scores = into[: math.prod(q.shape[:-1]) * n].reshape(*q.shape[:-1], n)
    np.matmul(q, keys.swapaxes(-1, -2), out=scores)
    if bias is not None:
        scores += formula.part(PLAIN, bias, start, stop, n)
    if condition is not None:
        np.copyto(scores, -math.inf, where=~formula.part(PLAIN, condition, start, stop, n))
    if causal and n > start + 1:
        np.copyto(scores[..., start:], -math.inf, where=_ahead(stop - start, n - start))
    return scores


def _exp(scores, top):
    """``exp(scores − top)`` in place."""
    scores -= top
    return np.exp(scores, scores)


def _inverse(total):
    with np.errstate(divide="ignore"):
        inverse = 1 / total
    inverse[total == 0] = 0
    return inverse


def attention(q, keys, values, bias=None, condition=None, *, scale=1.0, causal=False):
    """As the generic one."""
    if not _serves((q, keys, values, bias)):
        return formula.attention(
            PLAIN, q, keys, values, bias, condition, scale=scale, causal=causal
        )
    lead = formula.lead_of(q, keys, values, bias, condition)
    out, top, total = (np.empty((*lead, q.shape[-2], n), q.dtype) for n in (values.shape[-1], 1, 1))
    _forward((q, keys, values), (bias, condition), (out, top, total), scale, causal)
    return out, top, total


def _forward(operands, masks, results, scale, causal):
    """Write the results, any strides, of operands, any strides."""
    out, top, total = results
    if not out.size:
        return
    lead, T = out.shape[:-2], out.shape[-2]
    q, keys, values, bias, condition = (_spread(x, lead) for x in (*operands, *masks))
    S = keys.shape[-2]
    steps = _row_steps(T, S, causal)
    each = (steps[0][1] - steps[0][0]) * S
    buffer = np.empty(max(min(ELEMENTS, math.prod(lead) * each), each), q.dtype)
    for heads in _heads(lead, each):
        block_q, block_keys, block_values = q[heads], keys[heads], values[heads]
        block_bias = None if bias is None else bias[heads]
        block_condition = None if condition is None else condition[heads]
        block_out, block_top, block_total = out[heads], top[heads], total[heads]
        for start, stop, n in steps:
            scores = _scores(
                block_q[..., start:stop, :] * scale, block_keys[..., :n, :], block_bias, block_condition, causal,
                start, stop, buffer,
            )  # fmt: skip
            high, above = block_top[..., start:stop, :], block_total[..., start:stop, :]
            np.maximum.reduce(scores, -1, out=high, keepdims=True)
            if not np.isfinite(high).all():
                high[~np.isfinite(high)] = 0
            np.add.reduce(_exp(scores, high), -1, out=above, keepdims=True)
            rows = block_out[..., start:stop, :]
            np.matmul(scores, block_values[..., :n, :], out=rows)
            rows *= _inverse(above)


def attention_vjp(ct, q, keys, values, bias, condition, out, top, total, *, scale, causal):
    """As the generic one."""
    if not (_serves((q, keys, values, bias, ct)) and out.size):
        return formula.attention_vjp(
            PLAIN, ct, q, keys, values, bias, condition, out, top, total, scale=scale, causal=causal
        )
    lead = out.shape[:-2]
    bars = tuple(np.empty((*lead, *x.shape[-2:]), x.dtype) for x in (q, keys, values))
    _backward(ct, (q, keys, values), (bias, condition), (out, top, total), bars, scale, causal)
    return tuple(
        bar if bar.shape == x.shape else generic.sum_to_shape(PLAIN, bar, x.shape)
        for bar, x in zip(bars, (q, keys, values), strict=True)
    )


def _backward(ct, operands, masks, results, all_bars, scale, causal):
    """Write the cotangents, which have all leading axes."""
    out = results[0]
    lead, T = out.shape[:-2], out.shape[-2]
    q, keys, values, bias, condition, ct, out, top, total = (
        _spread(x, lead) for x in (*operands, *masks, ct, *results)
    )
    q_bar, keys_bar, values_bar = all_bars
    S = keys.shape[-2]
    steps = _row_steps(T, S, causal)
    each = (steps[0][1] - steps[0][0]) * S
    size = max(min(ELEMENTS, math.prod(lead) * each), each)
    first, second = np.empty(size, q.dtype), np.empty(size, q.dtype)
    reached = steps[-1][2]
    if reached < S:
        keys_bar[..., reached:, :] = 0
        values_bar[..., reached:, :] = 0
    for heads in _heads(lead, each):
        block_keys, block_values = keys[heads], values[heads]
        block_bias = None if bias is None else bias[heads]
        block_condition = None if condition is None else condition[heads]
        bars = keys_bar[heads], values_bar[heads]
        # the last rows, which look at the most keys, come first: they write, the others add
        for start, stop, n in reversed(steps):
            rows = (*heads, ..., slice(start, stop), slice(None))
            queries = q[rows] * scale
            seen = block_keys[..., :n, :]
            e = _scores(queries, seen, block_bias, block_condition, causal, start, stop, first)
            _exp(e, top[rows])
            c = ct[rows] * _inverse(total[rows])
            slope = second[: e.size].reshape(e.shape)
            np.matmul(c, block_values[..., :n, :].swapaxes(-1, -2), out=slope)
            slope -= np.vecdot(c, out[rows])[..., None]
            slope *= e
            into = q_bar[rows]
            np.matmul(slope, seen, out=into)
            into *= scale
            for bar, left, right in zip(bars, (slope, e), (queries, c), strict=True):
                target, left = bar[..., :n, :], left.swapaxes(-1, -2)
                if stop == T:
                    np.matmul(left, right, out=target)
                else:
                    target += np.matmul(left, right)


# ── heads side by side ────────────────────────────────────────────────────────────────────────


def _columns(x, heads, count):
    """Views (…, heads, T, D) of the columns of (…, T, count · heads · D)."""
    split = x.reshape(*x.shape[:-1], count, heads, -1)
    return tuple(split[..., i, :, :].swapaxes(-2, -3) for i in range(count))


def self_attention(x, bias=None, condition=None, *, heads, scale=1.0, causal=False):
    """As the generic one; the results are written where they lie."""
    if not _serves((x, bias)):
        return formula.self_attention(
            PLAIN, x, bias, condition, heads=heads, scale=scale, causal=causal
        )
    operands = _columns(x, heads, 3)
    lead = formula.lead_of(operands[0], bias, condition)
    out = np.empty((*lead[:-1], x.shape[-2], x.shape[-1] // 3), x.dtype)
    top, total = (np.empty((*lead, x.shape[-2], 1), x.dtype) for _ in range(2))
    results = (*_columns(out, heads, 1), top, total)
    _forward(operands, (bias, condition), results, scale, causal)
    return out, top, total


def self_attention_vjp(ct, x, bias, condition, out, top, total, *, heads, scale, causal):
    """As the generic one; nothing is broadcast but masks."""
    if not _serves((x, bias, ct)) or x.shape[:-1] != out.shape[:-1]:
        return formula.self_attention_vjp(
            PLAIN, ct, x, bias, condition, out, top, total, heads=heads, scale=scale, causal=causal
        )
    x_bar = np.empty(x.shape, x.dtype)
    results = (*_columns(out, heads, 1), top, total)
    (ct,) = _columns(ct, heads, 1)
    _backward(
        ct,
        _columns(x, heads, 3),
        (bias, condition),
        results,
        _columns(x_bar, heads, 3),
        scale,
        causal,
    )
    return x_bar


FUNCTIONS = (attention, attention_vjp, self_attention, self_attention_vjp)
