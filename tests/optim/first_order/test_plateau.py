"""Tests of `optim/first_order/plateau.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

optim = pb.optim


LOSSES = [
    3.0,
    2.0,
    2.0,
    1.9999,
    2.0,
    2.5,
    1.0,
    1.0,
    1.0,
    math.nan,
    1.0,
    1.0,
    0.5,
    0.5,
    0.6,
    0.7,
    0.5,
    0.5,
]


def plateau(rule, losses, lib=None):
    state = rule.init() if lib is None else rule.init(lib.asarray(0.0))
    for loss in losses:
        state = rule.update(loss if lib is None else lib.asarray(loss, np.float32), state)
        yield float(state.lr) if lib is None else float(lib.to_numpy(state.lr))


PLATEAUS = {
    "patience 2": {"patience": 2},
    "absolute": {"patience": 1, "threshold": 0.1, "relative": False},
    "cooldown": {"patience": 1, "cooldown": 2, "factor": 0.5},
    "at least": {"patience": 0, "factor": 0.5, "least": 0.1},
    "maximise": {"patience": 1, "maximise": True},
}


@pytest.mark.parametrize("settings", PLATEAUS.values(), ids=PLATEAUS)
def test_plateaus_are_torch_s(settings):
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    opt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    words = {"relative": "threshold_mode", "least": "min_lr", "maximise": "mode"}
    values = {"relative": "abs", "maximise": "max"}
    theirs = {words.get(k, k): values.get(k, v) for k, v in settings.items()}
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, **theirs)
    for here, loss in zip(
        plateau(optim.ReduceOnPlateau(1.0, **settings), LOSSES), LOSSES, strict=True
    ):
        scheduler.step(loss)
        assert here == pytest.approx(opt.param_groups[0]["lr"], rel=1e-12)


def test_a_plateau_by_hand():
    rates = list(
        plateau(optim.ReduceOnPlateau(1.0, 0.5, patience=1), [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    )
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("settings", PLATEAUS.values(), ids=PLATEAUS)
def test_plateaus_on_any_device(settings, lib):
    rule = optim.ReduceOnPlateau(1.0, **settings)
    losses = [float(np.float32(loss)) for loss in LOSSES]
    assert list(plateau(rule, losses, lib)) == list(plateau(rule, losses))
