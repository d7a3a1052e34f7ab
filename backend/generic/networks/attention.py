"""Attention, tile by tile of query rows, and its pullback, which computes the weights again.

A tile has all keys that its rows may attend to (up to the diagonal, where the attention is causal), so that a row's
largest score and sum are known at once. The tiles are as large as `ELEMENTS` allows: few calls, and memory that does
not grow with the square of the length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...common.typing import XP

# Scores in a tile, of all leading axes together: 16 MiB of float32.
ELEMENTS = 1 << 22


def lead_of(*arrays: Any) -> tuple[int, ...]:
    """The leading axes, all but the last two, broadcast against each other."""
    shapes = [tuple(x.shape[:-2]) for x in arrays if x is not None]
    n = max(map(len, shapes))
    padded = [(1,) * (n - len(shape)) + shape for shape in shapes]
    return tuple(next((m for m in lengths if m != 1), 1) for lengths in zip(*padded, strict=True))


def tiles(lead: tuple[int, ...], T: int, S: int, causal: bool) -> Iterator[tuple[int, int, int]]:
    """The first and last row of each tile, and the number of keys that its rows may attend to."""
    rows = max(1, min(T, ELEMENTS // max(math.prod(lead) * S, 1)))
    if causal and rows > 64:
        # a tile computes the scores above its diagonal in vain
        rows = max(64, min(rows, -(-T // 8)))
    for start in range(0, max(T, 1), rows):
        stop = min(start + rows, T)
        yield start, stop, max(1, min(S, stop)) if causal else S


def part(xp: XP, x: Any, start: int, stop: int, n: int | None = None) -> Any:
    """Rows of an array, and its first n columns; an axis of length 1 that stands for all stays."""
    rows = slice(None) if x.shape[-2] == 1 else slice(start, stop)
    columns = slice(None) if n is None or x.shape[-1] == 1 else slice(0, n)
    if rows == slice(0, x.shape[-2]) and columns in (slice(None), slice(0, x.shape[-1])):
        return x
    return xp.getitem(x, (..., rows, columns))


def _scores(
    xp: XP, q: Any, keys: Any, bias: Any, condition: Any, causal: bool, start: int, stop: int
) -> Any:
    """Scores of scaled queries (…, rows, D) with keys (…, n, D): −inf where a query may not attend."""
    n = keys.shape[-2]
    scores = xp.matmul(q, xp.matrix_transpose(keys))
    if bias is not None:
        scores = scores + part(xp, bias, start, stop, n)
    if condition is not None:
        scores = xp.where(part(xp, condition, start, stop, n), scores, -math.inf)
    if causal and n > start + 1:
        i, j = xp.arange_like(stop - start, keys), xp.arange_like(n, keys)
        ahead = xp.expand_dims(j, axis=0) > xp.expand_dims(i, axis=1) + start
        scores = xp.where(ahead, -math.inf, scores)
    return scores


def _inverse(xp: XP, total: Any) -> Any:
    """1 / total, and 0 for a row without a key."""
    none = xp.equal(total, xp.zeros_like(total))
    return xp.where(none, xp.zeros_like(total), 1 / xp.where(none, xp.ones_like(total), total))


def _row_max(xp: XP, x: Any) -> Any:
    """The largest of each row, 0 where it is not finite: as `row_max` of `generic/namespace.py`, which imports us."""
    top = xp.max(xp.stop_gradient(x), axis=-1, keepdims=True)
    return xp.where(xp.isfinite(top), top, xp.zeros_like(top))


def _joined(xp: XP, parts: list[Any], axis: int) -> Any:
    return parts[0] if len(parts) == 1 else xp.concat(parts, axis=axis)


def attention(
    xp: XP, q: Any, keys: Any, values: Any, bias: Any = None, condition: Any = None, *, scale: float = 1.0,
    causal: bool = False,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """``softmax(scale q keysᵀ + bias) values``, and of each row of scores the largest and ``Σ exp(score − largest)``.

    q (…, T, D), keys (…, S, D), values (…, S, E), bias and condition (…, T or 1, S or 1), the leading axes broadcast.
    """
    lead, T, S = lead_of(q, keys, values, bias, condition), q.shape[-2], keys.shape[-2]
    if S == 0:
        return _without_keys(xp, q, values, (*lead, T))
    outs, tops, totals = [], [], []
    for start, stop, n in tiles(lead, T, S, causal):
        scores = _scores(
            xp, part(xp, q, start, stop) * scale, _first(xp, keys, n), bias, condition, causal, start, stop
        )  # fmt: skip
        top = _row_max(xp, scores)
        e = xp.exp(scores - top)
        total = xp.sum(e, axis=-1, keepdims=True)
        outs.append(xp.matmul(e, _first(xp, values, n)) * _inverse(xp, total))
        tops.append(top)
        totals.append(total)
    return _joined(xp, outs, -2), _joined(xp, tops, -2), _joined(xp, totals, -2)


def _first(xp: XP, x: Any, n: int) -> Any:
    return x if n == x.shape[-2] else xp.getitem(x, (..., slice(0, n), slice(None)))


def _without_keys(xp: XP, q: Any, values: Any, rows: tuple[int, ...]) -> tuple[Any, Any, Any]:
    zeros = xp.zeros_on_device_of((*rows, 1), q)
    return xp.zeros_on_device_of((*rows, values.shape[-1]), values), zeros, zeros


def _slopes(
    xp: XP, ct: Any, q: Any, keys: Any, values: Any, bias: Any, condition: Any, out: Any, top: Any, total: Any,
    scale: float, causal: bool,
) -> Iterator[tuple[int, int, int, Any, Any, Any, Any]]:  # fmt: skip
    """Of each tile: its rows, its number of keys, its scaled queries, exp(S − top), ct / total, and S̄."""
    lead = lead_of(q, keys, values, bias, condition)
    for start, stop, n in tiles(lead, q.shape[-2], keys.shape[-2], causal):
        queries = part(xp, q, start, stop) * scale
        scores = _scores(xp, queries, _first(xp, keys, n), bias, condition, causal, start, stop)
        e = xp.exp(scores - part(xp, top, start, stop))
        # 1 / total goes to the cotangent, which has fewer elements than the weights
        c = part(xp, ct, start, stop) * _inverse(xp, part(xp, total, start, stop))
        along = xp.sum(c * part(xp, out, start, stop), axis=-1, keepdims=True)
        slope = e * (xp.matmul(c, xp.matrix_transpose(_first(xp, values, n))) - along)
        yield start, stop, n, queries, e, c, slope


def _added(xp: XP, total: Any, share: Any) -> Any:
    """The sum of arrays (…, m, D) and (…, n, D), m ≤ n, of which the first is 0 beyond m."""
    if total is None:
        return share
    m = total.shape[-2]
    if m == share.shape[-2]:
        return total + share
    rest = xp.getitem(share, (..., slice(m, None), slice(None)))
    return xp.concat([total + _first(xp, share, m), rest], axis=-2)


def _to_length(xp: XP, x: Any, n: int, axis: int) -> Any:
    """`x` with zeros behind it up to length n along an axis."""
    m = x.shape[axis]
    if m == n:
        return x
    shape = list(x.shape)
    shape[axis] = n - m
    return xp.concat([x, xp.zeros_on_device_of(tuple(shape), x)], axis=axis)


def attention_vjp(
    xp: XP, ct: Any, q: Any, keys: Any, values: Any, bias: Any, condition: Any, out: Any, top: Any, total: Any, *,
    scale: float, causal: bool,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The cotangents of q, keys and values."""
    if keys.shape[-2] == 0:
        q, keys, values = (xp.zeros_on_device_of(tuple(x.shape), ct) for x in (q, keys, values))
        return q, keys, values
    q_bars = []
    keys_bar: Any = None
    values_bar: Any = None
    args = (ct, q, keys, values, bias, condition, out, top, total, scale, causal)
    for _, _, n, queries, e, c, slope in _slopes(xp, *args):
        q_bars.append(xp.matmul(slope, _first(xp, keys, n)) * scale)
        keys_bar = _added(xp, keys_bar, xp.matmul(xp.matrix_transpose(slope), queries))
        values_bar = _added(xp, values_bar, xp.matmul(xp.matrix_transpose(e), c))
    S = keys.shape[-2]
    return (
        xp.sum_to_shape(_joined(xp, q_bars, -2), tuple(q.shape)),
        xp.sum_to_shape(_to_length(xp, keys_bar, S, -2), tuple(keys.shape)),
        xp.sum_to_shape(_to_length(xp, values_bar, S, -2), tuple(values.shape)),
    )


def attention_vjp_bias(
    xp: XP, ct: Any, q: Any, keys: Any, values: Any, bias: Any, condition: Any, out: Any, top: Any, total: Any, *,
    scale: float, causal: bool,
) -> Any:  # fmt: skip
    """The cotangent of the bias: S̄, summed to the bias's shape."""
    S = keys.shape[-2]
    if S == 0:
        return xp.zeros_on_device_of(tuple(bias.shape), ct)
    shares = []
    by_rows = bias.shape[-2] != 1
    args = (ct, q, keys, values, bias, condition, out, top, total, scale, causal)
    for start, stop, _, _, _, _, slope in _slopes(xp, *args):
        rows = stop - start if by_rows else 1
        shape = (*bias.shape[:-2], rows, bias.shape[-1])
        shares.append(xp.sum_to_shape(_to_length(xp, slope, S, -1), shape))
    if by_rows:
        return _joined(xp, shares, -2)
    found = shares[0]
    for share in shares[1:]:
        found = found + share
    return found


# ── heads side by side ────────────────────────────────────────────────────────────────────────


def split(xp: XP, x: Any, heads: int) -> Any:
    """(…, T, heads · D) as (…, heads, T, D)."""
    x = xp.reshape(x, (*x.shape[:-1], heads, x.shape[-1] // heads))
    n = x.ndim
    return xp.permute_dims(x, (*range(n - 3), n - 2, n - 3, n - 1))


def merge(xp: XP, x: Any) -> Any:
    """(…, heads, T, D) as (…, T, heads · D)."""
    n = x.ndim
    x = xp.permute_dims(x, (*range(n - 3), n - 2, n - 3, n - 1))
    return xp.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1]))


def _parts(xp: XP, x: Any, heads: int) -> list[Any]:
    """Queries, keys and values (…, heads, T, D) of (…, T, 3 · heads · D)."""
    n = x.shape[-1] // 3
    columns = (xp.getitem(x, (..., slice(i * n, (i + 1) * n))) for i in range(3))
    return [split(xp, part, heads) for part in columns]


def self_attention(
    xp: XP, x: Any, bias: Any = None, condition: Any = None, *, heads: int, scale: float = 1.0, causal: bool = False
) -> tuple[Any, Any, Any]:  # fmt: skip
    """`attention` of queries, keys and values in the columns of x (…, T, 3 · heads · D); out (…, T, heads · D)."""
    parts = _parts(xp, x, heads)
    out, top, total = xp.attention(*parts, bias, condition, scale=scale, causal=causal)
    return merge(xp, out), top, total


def self_attention_vjp(
    xp: XP, ct: Any, x: Any, bias: Any, condition: Any, out: Any, top: Any, total: Any, *, heads: int, scale: float,
    causal: bool,
) -> Any:  # fmt: skip
    """The cotangent of x."""
    bars = xp.attention_vjp(
        split(xp, ct, heads), *_parts(xp, x, heads), bias, condition, split(xp, out, heads), top, total, scale=scale,
        causal=causal,
    )  # fmt: skip
    return xp.concat([merge(xp, bar) for bar in bars], axis=-1)


def self_attention_vjp_bias(
    xp: XP, ct: Any, x: Any, bias: Any, condition: Any, out: Any, top: Any, total: Any, *, heads: int, scale: float,
    causal: bool,
) -> Any:  # fmt: skip
    """The cotangent of the bias."""
    return xp.attention_vjp_bias(
        split(xp, ct, heads), *_parts(xp, x, heads), bias, condition, split(xp, out, heads), top, total, scale=scale,
        causal=causal,
    )  # fmt: skip


FUNCTIONS = (
    attention, attention_vjp, attention_vjp_bias, self_attention, self_attention_vjp, self_attention_vjp_bias,
)  # fmt: skip
