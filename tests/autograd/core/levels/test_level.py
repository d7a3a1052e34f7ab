"""Tests of `autograd/core/levels/level.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.levels.level import OPEN, BatchLevel, NeedsRows
from pullback.autograd.core.tape import TapeData

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def test_levels_and_tapes_are_ordered_by_one_counter():
    first, tape, second = BatchLevel(2), TapeData(), BatchLevel(3)
    assert first.order < tape.order < second.order
    assert first.open
    assert OPEN == []


def test_a_solver_asks_for_rows_and_a_function_of_the_users_gets_an_error():
    seen = []

    def f(s):
        seen.append(type(s.value).__name__)
        return pb.implicit.root(lambda v: v**3 - s, pb.xp.asarray(1.0))

    got = pb.vmap(f)(np.asarray([1.0, 8.0]))
    np.testing.assert_allclose(got, [1.0, 2.0])
    assert seen == ["Batched", "ndarray", "ndarray"]
    with pytest.raises(TypeError, match=r"float\(x\)"):
        pb.vmap(lambda s: float(s))(np.asarray([1.0, 8.0]))


def test_a_request_knows_its_level():
    """Where the values of the inner `vmap` do not vary, the rows of the outer one are called one by one."""
    level = BatchLevel(2)
    assert NeedsRows(level).level is level
    roots = pb.vmap(pb.vmap(lambda s, t: pb.implicit.root(lambda v: v * t - s, pb.xp.asarray(1.0))))
    s, t = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.asarray([[2.0, 2.0], [4.0, 8.0]])
    np.testing.assert_allclose(roots(s, t), s / t)
    only_outer = pb.vmap(
        lambda s: pb.vmap(lambda t: pb.implicit.root(lambda v: v - s, t) * t)(t[0])
    )
    np.testing.assert_allclose(only_outer(s[0]), s[0][:, None] * t[0])
