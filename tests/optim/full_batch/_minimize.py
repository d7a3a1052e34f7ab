"""Helpers of `test_minimize.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.optim.full_batch.minimize import METHODS

xp = pb.xp


RNG = np.random.default_rng(0)


OURS = [m for m, entry in METHODS.items() if not entry.residuals]


def banana(x):
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
