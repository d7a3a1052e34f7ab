"""Hooks of the diagnostics in the engine: one object, in force for all threads while something is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Hooks:
    """The functions that the engine runs differently while it is watched.

    Attributes
    ----------
    kernel : callable, optional
        ``kernel(primitive, kernel) -> kernel`` is put around every kernel of every primitive.
    cotangents : type
        The class of the list that a sweep keeps its cotangents in.
    """

    kernel: Callable[..., Any] | None = None
    cotangents: type[list] = list


HOOKS = Hooks()
