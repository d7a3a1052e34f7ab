"""The picture of a tuning: lines of a grid, points of draws, rungs; never a warning."""

from __future__ import annotations

import io
import math

import pytest

from pullback.train import Settings, Trial
from pullback.train.run.tuning.picture import tuning_png
from pullback.train.run.tuning.values import LogUniform, combinations, drawn

image = pytest.importorskip("matplotlib.image")

RATES = {"learning_rate": [1e-3, 1e-2, 1e-1]}
RANGES = {
    "learning_rate": LogUniform(1e-4, 1e-1),
    "l2": [0.0, 0.1],
    "hidden": [(8,), (16, 8)],
}


def trials_of(settings, rungs=0):
    losses = [0.1 * (i + 1) for i in range(len(settings))]
    return [
        Trial(s, (loss, 1.1 * loss), (0.5, 0.5), (1, 2), (2 * loss, loss)[: 1 + i % rungs] if rungs else ())
        for i, (s, loss) in enumerate(zip(settings, losses, strict=True))
    ]  # fmt: skip


CASES = {
    "one": (combinations(Settings(), {"learning_rate": [1e-2]}), {}),
    "rates": (combinations(Settings(), RATES), {}),
    "names": (combinations(Settings(), {"activation": ["relu", "tanh"]}), {}),
    "sizes": (combinations(Settings(), {**RATES, "hidden": [(8,), ()]}), {}),
    "many lines": (combinations(Settings(), {**RATES, "batch_size": list(range(1, 12))}), {}),
    "draws": (drawn(Settings(), RANGES, 12), {"grid": False}),
    "rungs": (drawn(Settings(), RANGES, 12), {"rungs": ("9 epochs", "27 epochs")}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_picture_of_every_kind(case, recwarn):
    settings, more = CASES[case]
    trials = trials_of(settings, len(more.get("rungs", ())))
    best = trials[0]
    png = tuning_png(
        [*trials, Trial(settings[0], (math.inf,) * 2, (math.nan,) * 2, (0, 0), (math.inf,))],
        best=best, title="a $ in the title", remarks={"learning_rate": "at the edge"}, **more,
    )  # fmt: skip
    height, width, _ = image.imread(io.BytesIO(png)).shape
    assert 500 < width < 1500
    assert 400 < height < 1400
    assert [str(w.message) for w in recwarn] == []
