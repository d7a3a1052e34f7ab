"""A sharded optimiser in `fit`: what it is refused with; test_fit.py trains with it."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.train.parallel.sharding import is_sharded, on_ranks

D, OPTIM = pb.distributed, pb.optim


def test_other_optimisers_pass():
    opt = OPTIM.Adam(0.1)
    assert not is_sharded(opt)
    assert D.simulate(lambda: on_ranks(opt, D.world(), "float16", "a file") is opt, 2) == [True] * 2


def test_it_gets_gradients_that_are_added_up():
    def made():
        opt = on_ranks(D.sharded(OPTIM.Adam(0.1)), D.world(), "float32", None)
        return is_sharded(opt), opt.reduced, opt.group is D.world()

    assert D.simulate(made, 2) == [(True, True, True)] * 2


@pytest.mark.parametrize(
    ("inner", "settings", "error", "told"),
    [
        (OPTIM.Adam(0.1), (False, "float32", None), ValueError, "give distributed= too"),
        (OPTIM.Adam(0.1), (True, "float32", "a file"), NotImplementedError, "a checkpoint with a"),
        (OPTIM.Adam(0.1), (True, "float16", None), NotImplementedError, "a scaled loss with a"),
        (
            OPTIM.LossScaling(OPTIM.Adam(0.1)),
            (True, "float32", None),
            NotImplementedError,
            "a scaled loss",
        ),
    ],
)
def test_what_would_be_wrong_is_refused(inner, settings, error, told):
    together, precision, file = settings

    def made():
        with pytest.raises(error, match=told):
            on_ranks(D.sharded(inner), D.world() if together else None, precision, file)
        return True

    assert D.simulate(made, 2) == [True] * 2
    # alone it is the optimiser inside
    assert on_ranks(D.sharded(inner), None, "float32", file).opt is inner
