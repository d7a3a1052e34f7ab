"""Sums, maxima and softmax over segments, whose cotangents are gathered back by the rows' numbers.

*Sum.* y_s = Σ_{i: s_i = s} x_i: x̄_i = ȳ_{s_i}, a gathering, whose pullback is the sum over segments again.

*Maximum.* The cotangent of a segment is shared equally among the elements that attain its maximum, as `max` does it; an
empty segment has none, and nobody attains NaN.

*Softmax.* p_i = exp(x_i) / Σ_{j: s_j = s_i} exp(x_j): x̄_i = p_i (p̄_i − Σ_{j: s_j = s_i} p_j p̄_j).
"""

from __future__ import annotations

from typing import Any

from ...core.defvjp import library_defvjp as defvjp
from ...core.typing import XP, Cotangent, Value

defvjp("sum_by_segment", x=lambda ct, indices, xp: xp.take(ct, indices, axis=0))


def _max_by_segment(
    ct: Cotangent, x: Value, out: Value, indices: Any, num_segments: int, xp: XP
) -> Value:
    """The segment's cotangent over the number of elements that attain its maximum, for these elements."""
    attained = x == xp.take(out, indices, axis=0)
    each = xp.astype(attained, ct.dtype)
    counts = xp.sum_by_segment(each, indices, num_segments=num_segments)
    share = ct / xp.where(counts == 0, xp.ones_like(counts), counts)
    return xp.masked(xp.take(share, indices, axis=0), attained)


defvjp("max_by_segment", x=_max_by_segment)


def _softmax_by_segment(
    ct: Cotangent, out: Value, indices: Any, num_segments: int, xp: XP
) -> Value:
    """p (ct − Σ p ct)."""
    total = xp.sum_by_segment(out * ct, indices, num_segments=num_segments)
    return out * (ct - xp.take(total, indices, axis=0))


defvjp("softmax_by_segment", x=_softmax_by_segment)
