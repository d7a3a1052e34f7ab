"""NumPy: attention in blocks of heads and query rows whose scores stay in cache, by products into buffers.

The blocks write where the results lie, so that beside these there is one block of scores (two in the pullback).
"""

from __future__ import annotations

import itertools
import math

import array_api_compat.numpy
import numpy as np

from ...generic import namespace as generic
from ...generic.networks import attention as formula

PLAIN = generic.extend(array_api_compat.numpy)  # for what has no faster way here
# Scores in a block: 512 KiB of float32.
ELEMENTS = 1 << 17
# Rows of a causal block; the scores above its diagonal are computed in vain.
ROWS = 64


def _serves(arrays):
    """Whether all arrays are of one dtype, float32 or float64, and none is empty."""
    dtype = arrays[0].dtype
    return dtype.char in "fd" and all(x.dtype == dtype and x.size for x in arrays if x is not None)


def _row_steps(T, S, causal):
    """The first and last rows of the blocks of a head, and the number of keys that they may look at."""
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


_AHEAD: dict[tuple[int, int, int], np.ndarray] = {}


def _ahead(start, stop, n):
    """Where a key lies ahead of a query, for rows start … stop and keys from `start` on."""
    key = (stop - start, n - start, 0)
    known = _AHEAD.get(key)
    if known is None:
        if len(_AHEAD) > 16:
            _AHEAD.clear()
        known = np.arange(n - start) > np.arange(stop - start)[:, None]
        _AHEAD[key] = known
    return known


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
        np.copyto(scores[..., start:], -math.inf, where=_ahead(start, stop, n))
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
    T, S, E = q.shape[-2], keys.shape[-2], values.shape[-1]
    out, top, total = (np.empty((*lead, T, n), q.dtype) for n in (E, 1, 1))
    if not out.size:
        return out, top, total
    steps = _row_steps(T, S, causal)
    q, keys, values, bias, condition = (
        _spread(x, lead) for x in (q, keys, values, bias, condition)
    )
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
            np.maximum.reduce(scores, -1, None, high, True)
            if not np.isfinite(high).all():
                high[~np.isfinite(high)] = 0
            np.add.reduce(_exp(scores, high), -1, None, above, True)
            rows = block_out[..., start:stop, :]
            np.matmul(scores, block_values[..., :n, :], out=rows)
            rows *= _inverse(above)
    return out, top, total


def attention_vjp(ct, q, keys, values, bias, condition, out, top, total, *, scale, causal):
    """As the generic one."""
    if not (_serves((q, keys, values, bias, ct)) and out.size):
        return formula.attention_vjp(
            PLAIN, ct, q, keys, values, bias, condition, out, top, total, scale=scale, causal=causal
        )
    shapes = q.shape, keys.shape, values.shape
    lead, T, S = out.shape[:-2], q.shape[-2], keys.shape[-2]
    steps = _row_steps(T, S, causal)
    q, keys, values, bias, condition, ct, top, total = (
        _spread(x, lead) for x in (q, keys, values, bias, condition, ct, top, total)
    )
    each = (steps[0][1] - steps[0][0]) * S
    size = max(min(ELEMENTS, math.prod(lead) * each), each)
    first, second = np.empty(size, q.dtype), np.empty(size, q.dtype)
    q_bar, keys_bar, values_bar = (np.empty(x.shape, x.dtype) for x in (q, keys, values))
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
    return tuple(
        x if x.shape == shape else generic.sum_to_shape(PLAIN, x, shape)
        for x, shape in zip((q_bar, keys_bar, values_bar), shapes, strict=True)
    )


FUNCTIONS = (attention, attention_vjp)
