"""What tells whether a solver works on what is being recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.tracer_like import active_recorder


def recorded_probe(f: Callable[..., Any], *arguments: Any) -> Any:
    """A value of a function that depends on all that it uses, where a program is being recorded; else None."""
    if active_recorder() is None:
        return None
    with np.errstate(all="ignore"):
        return f(*arguments)
