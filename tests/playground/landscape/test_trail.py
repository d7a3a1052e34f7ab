"""Tests of `playground/landscape/trail.py`: a path in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.playground.landscape.trail import Trail


@pytest.mark.parametrize("most", [4, 7, 50])
def test_points_are_evenly_spaced_and_bounded(most):
    trail = Trail(most=most)
    for step in range(500):
        trail.add(np.asarray([step, -step], float))
        path, steps = trail.path(), trail.steps()
        assert len(path) <= most
        np.testing.assert_array_equal(path[:, 0], steps)
        assert steps[0] == 0
        assert steps[-1] == step
        assert len(set(np.diff(steps[:-1]))) <= 1
    assert len(path) >= most // 2
    assert len(trail) == 500


def test_what_is_added_is_copied_and_can_be_forgotten():
    trail, w = Trail(), np.zeros(2)
    trail.add(w)
    w += 1
    np.testing.assert_array_equal(trail.path(), [[0, 0]])
    trail.clear()
    assert len(trail) == 0
    with pytest.raises(ValueError, match="no point"):
        trail.path()
    with pytest.raises(ValueError, match="at least 4"):
        Trail(most=3)
