"""What the tests of traps share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.registry import REGISTRY

xp = pb.xp
QUIET = {"all": "ignore"}  # where the function itself is singular, NumPy's warning is right


def needs(*names: str) -> Callable[[Any], Any]:
    """Assert that functions have their rules; for a test that would say less of a missing one."""
    missing = [n for n in names if n not in REGISTRY or not REGISTRY[n].rules]
    assert not missing, f"no rule: {', '.join(missing)}"
    return lambda test: test


def rows(*table: tuple) -> list:
    """``(id, function's name, …)``, each of a function that has its rule."""
    needs(*(name for _, name, *_ in table))
    return [pytest.param(*rest, id=label) for label, _, *rest in table]


def grads(f, *xs):
    """The gradients of sum(f) with respect to each argument."""
    return pb.grad(lambda *ys: xp.sum(f(*ys)), argnums=tuple(range(len(xs))))(*map(np.asarray, xs))
