"""Remarks on a best setting that is the last one given to one side: better ones may lie beyond it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..config import Settings
from .values import LogUniform, value_text

# Below the smallest: a setting that may be 0 goes on to it.
_DOWN_TO_0 = ("l2",)
_WHOLE = ("batch_size", "hidden")
# The end of a range: this part of it, on its logarithmic scale.
_END = 0.1


def edges(best: Settings, grid: Mapping[str, Any]) -> dict[str, str]:
    """The remark on each numeric setting whose best value is the smallest or the largest of several.

    Parameters
    ----------
    best : Settings
    grid : mapping of str to sequence or distribution
        The values that were tried, by setting; of a `LogUniform` its ends.

    Examples
    --------
    >>> edges(Settings(learning_rate=0.1), {"learning_rate": (0.001, 0.01, 0.1)})
    {'learning_rate': 'learning_rate 0.1 is the largest value given: try 0.3, 1'}
    >>> edges(Settings(batch_size=16), {"batch_size": (16, 32, 64)})
    {'batch_size': 'batch_size 16 is the smallest value given: try 8, 4'}
    >>> edges(Settings(learning_rate=0.01), {"learning_rate": (0.001, 0.01, 0.1)})
    {}
    """
    out = {}
    for key, values in grid.items():
        value = _number(getattr(best, key))
        if value is None:
            continue
        remark = (
            _of_range(key, value, values)
            if isinstance(values, LogUniform)
            else _of_list(key, value, values)
        )
        if remark:
            out[key] = remark
    return out


def _number(value: Any) -> float | None:
    """A value as a number: of one hidden layer its width; None for what is not numeric."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return None if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)


def _of_list(key: str, value: float, values: Any) -> str:
    if hasattr(values, "rvs"):
        return ""
    found = [_number(v) for v in values]
    numbers = sorted({v for v in found if v is not None})
    if None in found or len(numbers) < 2:
        return ""
    side = {numbers[0]: "smallest", numbers[-1]: "largest"}.get(value, "")
    further = [value_text(v) for v in _beyond(key, value, up=side == "largest")] if side else []
    if not further:
        return ""
    return f"{key} {_shown(key, value)} is the {side} value given: try {', '.join(further)}"


def _of_range(key: str, value: float, values: LogUniform) -> str:
    place = math.log(value / values.low) / math.log(values.high / values.low)
    if _END < place < 1 - _END:
        return ""
    up = place > 0.5
    side = "upper" if up else "lower"
    wider = (
        LogUniform(values.low, 10 * values.high) if up else LogUniform(values.low / 10, values.high)
    )
    return f"{key} {value:g} is at the {side} end of the range {values}: try {wider}"


def _shown(key: str, value: float) -> str:
    return value_text(int(value) if key in _WHOLE else value)


def _beyond(key: str, value: float, *, up: bool) -> list[Any]:
    """Two values further on; fewer where a setting has an end of its own."""
    if key in _WHOLE:
        steps = (2, 4) if up else (0.5, 0.25)
        return [n for n in dict.fromkeys(int(value * step) for step in steps) if n >= 1]
    if value == 0:
        return []
    if up:
        return [_rounded(3 * value), _rounded(10 * value)]
    return [_rounded(value / 3), 0.0 if key in _DOWN_TO_0 else _rounded(value / 10)]


def _rounded(value: float) -> float:
    return float(f"{value:.1g}")
