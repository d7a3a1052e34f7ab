"""Choosing between arrays."""

from ..primitive import defvjp

defvjp(
    "where",
    x1=lambda ct, condition, xp: xp.where(condition, ct, xp.zeros_like(ct)),
    x2=lambda ct, condition, xp: xp.where(condition, xp.zeros_like(ct), ct),
)
