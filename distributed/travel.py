"""What gradients are on their way: themselves, or rounded to 16 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend.generic.rounding import loaded, stored
from .communicators.base import Communicator, Request

TRAVELS = (None, "bfloat16")


def check_travel(travel: str | None) -> None:
    """Refuse a format that is not known.

    Raises
    ------
    ValueError
        It names those that are.
    """
    if travel not in TRAVELS:
        raise ValueError(f"travel={travel!r}: gradients travel as they are (None) or as 'bfloat16'")
