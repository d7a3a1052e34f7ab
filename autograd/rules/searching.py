"""Searching functions: `where`."""

from __future__ import annotations

from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.typing import XP, Cotangent, Value


def _otherwise(ct: Cotangent, condition: Any, xp: XP) -> Value:
    """ct where the condition does not hold."""
    return xp.masked(
        ct, not condition if condition is True or condition is False else xp.logical_not(condition)
    )


defvjp("where", x1=lambda ct, condition, xp: xp.masked(ct, condition), x2=_otherwise)
