"""Tests of `optim/full_batch/method.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.optim.full_batch.minimize import METHODS

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._minimize_refusals import BAD

xp = pb.xp


optim = pb.optim


@pytest.mark.parametrize("start", [0.0, 1.0], ids=["elsewhere", "at the minimum"])
@pytest.mark.parametrize("method", METHODS)
def test_options_are_checked_whether_a_step_is_taken_or_not(method, start):
    f = (lambda x: x - 1) if METHODS[method].residuals else (lambda x: xp.sum((x - 1) ** 2))
    with pytest.raises(ValueError, match=f"'{method}' has no option 'colour'"):
        optim.minimize(f, np.full(2, start), method=method, maxiter=0, options={"colour": 1})


def test_an_argument_among_the_options_is_told_where_it_goes():
    with pytest.raises(ValueError, match=r"no option 'maxiter'; write minimize\(…, maxiter=3\)"):
        optim.minimize(lambda x: xp.sum(x**2), np.ones(2), options={"maxiter": 3})


@pytest.mark.parametrize("name", ["shift", "beta", "damping"])
def test_bad_options_are_refused_where_no_step_is_taken(name):
    f, x0, settings, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        optim.minimize(f, x0, maxiter=0, **settings)
