"""In which settings runs differ, and which they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..errors import one_line
from ..settings.config import Settings
from .record import RunRecord, hidden_text

# Left out: the name, which changes nothing that a run computes, and the kinds of columns, which follow from the data.
_NOT_TOLD = ("name", "columns")
# What says most of a run, and what follows from the rest.
_FIRST = ("learning_rate", "optimizer", "batch_size", "l2")
_LAST = ("patience", "task", "epochs", "backend")
_ALWAYS = ("data", "network", "learning_rate", "optimizer")
# One column or one word: the network.
_NETWORK = ("model", "hidden")


def differing(records: Sequence[RunRecord], *, following: bool = True) -> list[str]:
    """The settings that are not equal in all records that have settings; data and network first.

    Parameters
    ----------
    records : sequence of RunRecord
    following : bool
        Whether those count that are in each record what its data, network and optimiser bring by themselves, as the
        momentum of one optimiser that another one does not have. The learning rate counts in any case.
    """
    known = [r.settings for r in records if r.settings is not None]
    own = [key for key in _keys() if len({repr(_value(s, key)) for s in known}) > 1]
    if following:
        return own
    usual = [_usual(s, optimizer=s.optimizer) for s in known]

    def follows(key: str) -> bool:
        pairs = zip(known, usual, strict=True)
        return all(_value(s, key) == _value(u, key) for s, u in pairs)

    return [key for key in own if key in _ALWAYS or not follows(key)]


def shared(records: Sequence[RunRecord]) -> list[tuple[str, str]]:
    """Names and texts of what is equal in all records: data and network, and what is not as it would be by default."""
    known = [r.settings for r in records if r.settings is not None]
    if not known:
        return []
    first, others = known[0], differing(records)
    usual = _usual(first)
    found = []
    for key in _keys():
        told = key in ("data", "network") or _value(first, key) != _value(usual, key)
        if key not in (*others, *_LAST) and told and _value(first, key) not in (None, "", ()):
            found.append((key, setting_text(first, key)))
    full = {r.network for r in records if r.settings is not None}
    if len(full) == 1 and full != {""}:
        found = [(key, full.pop() if key == "network" else text) for key, text in found]
    return found


def setting_text(settings: Settings | None, key: str) -> str:
    """A setting for a cell or a legend."""
    if settings is None:
        return "-"
    value = _value(settings, key)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return one_line(",".join(map(str, value))) or "none"
    return one_line(value) or "-"


def title(key: str) -> str:
    """What a setting is called in a header.

    Examples
    --------
    >>> title("learning_rate")
    'learning rate'
    """
    return key.replace("_", " ")


def _keys() -> list[str]:
    names = [field.name for field in dataclasses.fields(Settings)]
    ends = ("data", "network", *_FIRST, *_NETWORK, *_NOT_TOLD, *_LAST)
    return ["data", "network", *_FIRST, *(n for n in names if n not in ends), *_LAST]


def _value(settings: Settings, key: str) -> Any:
    if key == "network":
        return f"{settings.model} {hidden_text(settings.hidden)}"
    return getattr(settings, key)


def _usual(settings: Settings, **more: Any) -> Settings:
    """The settings that a run on these data would have, if nothing else were asked for."""
    return Settings(data=settings.data, model=settings.model, edges=settings.edges, **more)
