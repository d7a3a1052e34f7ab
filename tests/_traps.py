"""What the tests of traps share."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.primitive import REGISTRY

xp = pb.xp
QUIET = {"all": "ignore"}  # where the function itself is singular, NumPy's warning is right


def needs(*names: str) -> pytest.MarkDecorator:
    missing = [n for n in names if n not in REGISTRY or not REGISTRY[n].rules]
    return pytest.mark.skipif(bool(missing), reason=f"no rule yet: {', '.join(missing)}")


def rows(*table: tuple) -> list:
    """``(id, function's name, …)``, each skipped while its function has no rule."""
    return [pytest.param(*rest, id=label, marks=needs(name)) for label, name, *rest in table]


def grads(f, *xs):
    """The gradients of sum(f) with respect to each argument."""
    return pb.grad(lambda *ys: xp.sum(f(*ys)), argnums=tuple(range(len(xs))))(*map(np.asarray, xs))
