"""Tests of `autograd/rules/searching.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_where_of_an_infinite_slope_and_what_to_do_about_it():
    """Trap 3: composing gives NaN in every library; apply_where and the double where do not."""
    x = np.asarray([-1.0, 0.0, 2.0])
    with np.errstate(all="ignore"):
        composed = pb.grad(lambda x: xp.sum(xp.where(x > 0, xp.log(x) * x, 0.0)))(x)
    assert np.isnan(composed[1])
    wanted = [0, 0, 1 + math.log(2)]
    safe = xp.apply_where(x > 0, x, lambda x: xp.log(x) * x, fill_value=0.0)
    np.testing.assert_allclose(pb.to_numpy(safe), [0, 0, 2 * math.log(2)])

    def twice(x):
        positive = xp.where(x > 0, x, 1.0)
        return xp.sum(xp.where(x > 0, xp.log(positive) * x, 0.0))

    def applied(x):
        return xp.sum(xp.apply_where(x > 0, x, lambda x: xp.log(x) * x, fill_value=0.0))

    for f in (twice, applied):
        np.testing.assert_allclose(pb.grad(f)(x), wanted)
        np.testing.assert_allclose(pb.grad(lambda x, f=f: xp.sum(pb.grad(f)(x)))(x), [0, 0, 0.5])


@pytest.mark.parametrize("condition", [True, False, np.asarray([0, 2]), np.asarray([0.0, -1.0])])
def test_where_with_the_conditions_that_numpy_takes(condition):
    holds = np.broadcast_to(condition, (2,)).astype(bool)
    x, y = np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])
    got = pb.grad(lambda x, y: xp.sum(xp.where(condition, x, y) ** 2), argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(got[0], np.where(holds, 2 * x, 0))
    np.testing.assert_array_equal(got[1], np.where(holds, 0, 2 * y))
    pb.check_grads(lambda x, y: xp.where(condition, x, y) ** 2, (x, y), order=2)


def test_where_and_clip_stop_infinite_cotangents():
    """0 · ∞ would be NaN: what is not chosen gets 0, whatever its slope would be."""
    x = np.asarray([-1.0, 4.0])
    with np.errstate(divide="ignore"):
        for f in (
            lambda x: xp.sqrt(xp.where(x > 0, x, 0.0)),
            lambda x: xp.sqrt(xp.clip(x, 0.0, None)),
            lambda x: xp.sqrt(xp.maximum(x, 0.0)),
            lambda x: xp.sqrt(xp.max(xp.stack([x, xp.zeros_like(x)]), axis=0)),
        ):
            np.testing.assert_array_equal(pb.grad(lambda x, f=f: xp.sum(f(x)))(x), [0, 0.25])
