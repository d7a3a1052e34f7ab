"""`pb.compile`: errors, threads, nesting, and what a program shows of itself."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import OPTIMISERS, arrays, close, model_and_step


@pytest.mark.parametrize("donate", [(), (0, 1)], ids=["kept", "donated"])
def test_an_error_leaves_it_usable(fast, donate):
    opt = OPTIMISERS["sgd"]
    model, step = model_and_step(opt)
    compiled = pb.compile(step, fast=fast, donate_argnums=donate)
    x, y = arrays((5, 6), dtype="float32")[0], np.asarray([0, 1, 2, 0, 1])
    mine, state = pb.tree.map(np.copy, model), opt.init(model)
    for i in range(6):
        for wrong in (3, -1):
            with pytest.raises(IndexError, match="label"):
                compiled(mine, state, x, np.where(y == 2, wrong, y))
        wanted = step(pb.tree.map(np.copy, mine), state, x, y)
        mine, state, loss = compiled(mine, state, x, y)
        close((mine, state, loss), wanted, 1e-4)
        assert int(state.step) == i + 1


@pytest.mark.parametrize(
    ("wrong", "error"), [({"f": 3}, TypeError), ({"f": abs, "programs": 0}, ValueError)]
)
def test_wrong_settings(wrong, error):
    with pytest.raises(error, match="compile"):
        pb.compile(**wrong)
