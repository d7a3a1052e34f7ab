"""Scaled dot-product attention."""

from __future__ import annotations

import functools
import math
from typing import Any

from ...autograd.core.array import backend_array
from ...autograd.core.dtypes import is_integer
from ...autograd.core.generated import xp as primitives
from ...autograd.core.typing import ArrayLike, Value
from ...autograd.functions import namespace as xp
from ...backend import backend_of


def attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    causal: bool = False,
    scale: Any = None,
) -> Any:
    """``softmax(scale q kᵀ + mask) v``: for each query a mean of the values, weighted by how well their keys fit.

    The weights (…, T, S) are never in memory as a whole: tiles of query rows are computed, used and forgotten, and once
    more in the pullback (Rabe, Staats, 2021; Dao et al., 2022).

    Parameters
    ----------
    q : array (…, T, D)
        Queries.
    k : array (…, S, D)
        Keys. The leading axes of all arrays broadcast. Where the axis before the last two, the heads, is longer in `q`
        by a factor, that many consecutive query heads share a head of `k` and `v` (grouped queries: Ainslie et al.,
        2023).
    v : array (…, S, E)
        Values.
    mask : array that broadcasts to (…, T, S), optional
        Bool: True where a query may attend to a key. Floating: added to the scores, such as −inf where it may not;
        differentiable.
    causal : bool
        Query i attends only to keys 0 … i (and of these to those that `mask` allows, if there is one).
    scale : number or 0-d array
        Of the scores; 1/√D by default.

    Returns
    -------
    Array (…, T, E)
        0 in rows of queries that may attend to no key.

    Raises
    ------
    TypeError
        For arrays that are not real and floating, or a mask of integers.
    ValueError
        For shapes that do not fit.

    Notes
    -----
    As ``torch.nn.functional.scaled_dot_product_attention`` and ``jax.nn.dot_product_attention`` (whose axes of heads
    and rows are the other way round). With P = softmax(S) by rows and the cotangent O̅:

    ``V̅ = Pᵀ O̅,  S̅ = P ∘ (O̅ Vᵀ − rowsum(O̅ ∘ O)),  Q̅ = scale S̅ K,  K̅ = scale S̅ᵀ Q,  mask̅ = S̅``.

    NaN and infinite scores spread through their row as in `softmax`; 0 · NaN = NaN, so that a value that is not
    finite spreads to queries that may not attend to it, too.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017, equation 1.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> q, k, v = np.asarray([[0.0], [9.0]]), np.asarray([[0.0], [9.0]]), np.asarray([[1.0], [3.0]])
    >>> pb.models.attention(q, k, v)
    Array([[2.],
           [3.]], dtype=float64, device='cpu')
    >>> pb.models.attention(q, k, v, causal=True)
    Array([[1.],
           [3.]], dtype=float64, device='cpu')
    """
    q, k, v = xp.asarray(q), xp.asarray(k), xp.asarray(v)
    _check_operands(q, k, v)
    if scale is None:
        scale = 1 / math.sqrt(max(q.shape[-1], 1))
    elif hasattr(scale, "dtype"):
        q, scale = q * scale, 1.0
    bias, condition = _mask(mask, q, q.shape[-2], k.shape[-2])
    heads = _groups(q, k, v)
    if heads:
        q, k, v, bias, condition = (_grouped(x, *heads) for x in (q, k, v, bias, condition))
    out = primitives.attention(q, k, v, bias, condition, scale=scale, causal=bool(causal))
    if not heads:
        return out
    return xp.reshape(out, (*out.shape[:-4], out.shape[-4] * out.shape[-3], *out.shape[-2:]))


def self_attention(
    x: Value, heads: int, *, mask: ArrayLike | None = None, causal: bool = False
) -> Any:
    """`attention` of heads side by side, queries, keys and values in the columns of x (…, T, 3 · heads · D)."""
    T, columns = x.shape[-2:]
    bias, condition = _mask(mask, x, T, T)
    scale = 1 / math.sqrt(columns // (3 * heads))
    return primitives.self_attention(
        x, bias, condition, heads=heads, scale=scale, causal=bool(causal)
    )


def _check_operands(q: Any, k: Any, v: Any) -> None:
    for name, x in (("q", q), ("k", k), ("v", v)):
        if not xp.isdtype(x.dtype, "real floating"):
            raise TypeError(f"attention: {name} has dtype {x.dtype}; a real floating one is needed")
        if x.ndim < 2:
            raise ValueError(
                f"attention: {name} is an array (…, length, features), not of shape {tuple(x.shape)}"
            )
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(
            f"attention: queries of {q.shape[-1]} features cannot be compared with keys of {k.shape[-1]}"
        )
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(f"attention: {k.shape[-2]} keys have {v.shape[-2]} values")


def _mask(mask: Any, q: Any, T: int, S: int) -> tuple[Any, Any]:
    """The mask as what is added, and as a condition; one of them is None."""
    if mask is None:
        return None, None
    mask = xp.asarray(mask)
    shape = tuple(mask.shape)
    rows, columns = (1, 1, *shape)[-2:]
    if rows not in (1, T) or columns not in (1, S):
        raise ValueError(
            f"attention: a mask of shape {shape} does not broadcast to (…, {T}, {S}), queries and keys"
        )
    if mask.ndim < 2:
        mask = xp.reshape(mask, (rows, columns))
    if _is_condition(mask):
        return None, mask
    return xp.astype(mask, q.dtype, copy=False), None


def _is_condition(mask: Any) -> bool:
    """Whether a mask is of bools; else it is added to the scores.

    Raises
    ------
    TypeError
        If it is neither of bools nor floating: of integers nobody knows which of the two they are.
    """
    if xp.isdtype(mask.dtype, "bool"):
        return True
    if is_integer(mask.dtype) or not xp.isdtype(mask.dtype, "real floating"):
        raise TypeError(
            f"attention: a mask of dtype {mask.dtype} is neither bool (True: may attend) nor floating (added to scores)"
        )
    return False


def joined_masks(mask: Any, key_mask: Any, condition: Any = None) -> Any:
    """One mask, as `attention` takes it, that allows what all of these allow; None if there are none.

    Raises
    ------
    TypeError
        For a `key_mask` that is not of bools, or a mask of integers.
    """
    conditions = [] if condition is None else [condition]
    if key_mask is not None:
        key_mask = xp.asarray(key_mask)
        if not xp.isdtype(key_mask.dtype, "bool"):
            raise TypeError(
                f"MultiHeadAttention: key_mask is of bools, not {key_mask.dtype}: True for keys, False for padding"
            )
        conditions.append(xp.expand_dims(key_mask, axis=(-2, -3)))
    added = None
    if mask is not None:
        mask = xp.asarray(mask)
        if _is_condition(mask):
            conditions.append(mask)
        else:
            added = mask
    if not conditions:
        return added
    both = functools.reduce(xp.logical_and, conditions)
    return both if added is None else xp.where(both, added, -math.inf)


def _groups(q: Any, k: Any, v: Any) -> tuple[int, int] | None:
    """The heads of keys and the query heads of each; None where the axes of heads broadcast."""
    if min(q.ndim, k.ndim, v.ndim) < 3:
        return None
    heads, of_keys, of_values = q.shape[-3], k.shape[-3], v.shape[-3]
    if of_keys != of_values or of_keys in (0, 1, heads) or heads == 1:
        return None
    if heads % of_keys:
        raise ValueError(
            f"attention: {heads} heads of queries cannot share {of_keys} heads of keys and values; the first has to "
            "be a multiple of the second"
        )
    return of_keys, heads // of_keys


def _grouped(x: Any, of_keys: int, each: int) -> Any:
    """The axis of heads as two, the second of length 1 in keys and values."""
    if x is None or x.ndim < 3:
        return x
    heads = x.shape[-3]
    shape = (1, 1) if heads == 1 else (of_keys, heads // of_keys)
    return xp.reshape(x, (*x.shape[:-3], *shape, *x.shape[-2:]))


def attention_weights(q: Any, k: Any, *, mask: Any = None, causal: bool = False) -> Any:
    """``softmax(q kᵀ / √D + mask)``, in memory; 0 in rows without a key."""
    bias, condition = _mask(mask, q, q.shape[-2], k.shape[-2])
    scores = xp.matmul(q * (1 / math.sqrt(q.shape[-1])), xp.matrix_transpose(k))
    if condition is not None:
        scores = xp.where(condition, scores, -math.inf)
    if bias is not None:
        scores = scores + bias
    if causal:
        i, j = arange(q.shape[-2], q), arange(k.shape[-2], q)
        scores = xp.where(xp.expand_dims(j, axis=0) > xp.expand_dims(i, axis=1), -math.inf, scores)
    top = xp.max(xp.stop_gradient(scores), axis=-1, keepdims=True)
    e = xp.exp(scores - xp.where(xp.isfinite(top), top, 0.0))
    total = xp.sum(e, axis=-1, keepdims=True)
    return e / xp.where(total == 0, 1.0, total)


def arange(n: int, like: Any) -> Any:
    """0 … n − 1, on the device of an array."""
    below = backend_array(like)
    return xp.asarray(backend_of(below).xp.arange_like(n, below))
