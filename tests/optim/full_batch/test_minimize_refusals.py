"""What `minimize` refuses, and that it says so before it has done anything."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._minimize_refusals import BAD

xp, optim = pb.xp, pb.optim


@pytest.mark.parametrize(("f", "x0", "settings", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_input(f, x0, settings, kind, message):
    before = [np.array(x) for x in pb.tree.leaves(x0) if hasattr(x, "shape")]
    with pytest.raises(kind, match=message):
        optim.minimize(f, x0, **settings)
    for a, b in zip(before, [x for x in pb.tree.leaves(x0) if hasattr(x, "shape")], strict=True):
        np.testing.assert_array_equal(a, b)


def test_leaves_of_two_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict", reason="a second library of arrays")
    x0 = {"a": np.ones(2), "b": strict.ones(2)}
    with pytest.raises(TypeError, match=r"array_api_strict.* and numpy; move them"):
        optim.minimize(lambda p: xp.sum(p["a"]) ** 2, x0)
