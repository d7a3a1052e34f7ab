"""Collectives: operations in which all ranks of a group take part, each with arrays of its own.

Ranks r = 0 … P − 1 hold x_r, and each has a loss L_r. A gradient is that of Σ_r L_r, with respect to what the rank
itself holds. A collective is one linear map of all ranks' arrays together, and its pullback the transpose of that map:

==================  ==========================  =======================================================
collective          y_r =                       x̄_r =
==================  ==========================  =======================================================
all_reduce          Σ_s x_s                     Σ_s ȳ_s: all_reduce
all_gather          (x_0, …, x_P−1)             part r of Σ_s ȳ_s: reduce_scatter
reduce_scatter      part r of Σ_s x_s           (ȳ_0, …, ȳ_P−1): all_gather
broadcast_from      x_root                      Σ_s ȳ_s on the root, 0 elsewhere: reduce_to
reduce_to           Σ_s x_s on the root, else 0 ȳ_root: broadcast_from
==================  ==========================  =======================================================

A mean is a sum over P. Each pullback is a collective again, so all ranks have to take part in it.
"""

from __future__ import annotations

from ..core.defvjp import library_defvjp as defvjp

defvjp("all_reduce", x=lambda ct, group, op, xp: xp.all_reduce(ct, group=group, op=op))

defvjp(
    "all_gather",
    x=lambda ct, x_shape, group, axis, xp: xp.reduce_scatter(
        ct, group=group, axis=axis, length=x_shape[axis]
    ),
)

defvjp(
    "reduce_scatter",
    x=lambda ct, group, op, axis, xp: xp.all_gather(_scaled(ct, op, group), group=group, axis=axis),
)

defvjp("broadcast_from", x=lambda ct, group, root, xp: xp.reduce_to(ct, group=group, root=root))

defvjp(
    "reduce_to",
    x=lambda ct, group, root, op, xp: xp.broadcast_from(
        _scaled(ct, op, group), group=group, root=root
    ),
)


def _scaled(ct, op, group):
    return ct / group.size if op == "mean" else ct
