"""Remarks on a best setting that is the last one given to one side: better ones may lie beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...settings.config import Settings
from .values import LINEAR, LogUniform, Uniform, value_text

# Below the smallest: a setting that is a strength goes on to none at all.
_DOWN_TO_0 = ("l2", "l1", "dropout", "warmup")
_WHOLE = ("batch_size", "hidden")
# The end of a range: this part of it, on its own scale.
_END = 0.1


def edges(best: Settings, grid: Mapping[str, Any]) -> dict[str, str]:
    """The remark on each numeric setting whose best value is the smallest or the largest of several.

    Parameters
    ----------
    best : Settings
    grid : mapping of str to sequence or distribution
        The values that were tried, by setting; of a range its ends.

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
            if isinstance(values, (LogUniform, Uniform))
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


def _of_range(key: str, value: float, values: LogUniform | Uniform) -> str:
    place = values.place(value)
    if _END < place < 1 - _END:
        return ""
    up = place > 0.5
    wider = values.wider(up=up)
    if wider is None:
        return ""
    side = "upper" if up else "lower"
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
    if key in LINEAR or (key == "warmup" and value < 1):
        return _beyond_share(key, value, up=up)
    if key == "warmup":
        return [int(2 * value), int(4 * value)] if up else [int(value / 2), 0]
    if up:
        return [_rounded(3 * value), _rounded(10 * value)]
    return [_rounded(value / 3), 0.0 if key in _DOWN_TO_0 else _rounded(value / 10)]


def _beyond_share(key: str, value: float, *, up: bool) -> list[float]:
    """Further numbers below 1: twice and four times as far from the end of the scale that they go towards."""
    if up:
        return [float(f"{1 - (1 - value) / n:.3g}") for n in (2, 4)]
    return [float(f"{value / 2:.3g}"), 0.0 if key in _DOWN_TO_0 else float(f"{value / 4:.3g}")]


def _rounded(value: float) -> float:
    return float(f"{value:.1g}")
