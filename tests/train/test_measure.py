"""Outputs, losses and scores over all rows: in parts of any size they are what they are at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.train import measure
from pullback.train.parallel.ranks import Ranks

from ._loop import network, on_device, parabola
from .parallel._ranks import simulated

SQUARED = pb.models.squared_error


class Sum(pb.models.Module):
    """Two inputs, and outputs in a dict."""

    w: object

    def __call__(self, a, b):
        return {"sum": self.w * a + b, "first": a}


def test_several_inputs_and_outputs_go_in_parts():
    a, b = on_device(np.arange(10.0)[:, None], np.arange(10.0, 20.0)[:, None])
    model = Sum(on_device(np.asarray(2.0))[0])
    out = pb.train.predict(model, (a, b), rows=4)
    np.testing.assert_array_equal(pb.to_numpy(out["sum"]), pb.to_numpy(2.0 * a + b))
    np.testing.assert_array_equal(pb.to_numpy(out["first"]), pb.to_numpy(a))


def test_a_mean_over_rows_is_measured_in_parts():
    seen = []

    def score(outputs, y):
        seen.append(outputs.shape[0])
        return float(pb.xp.mean(pb.xp.abs(outputs - y)))

    model, data = network(1, 8, 1), parabola(10)
    whole = pb.train.evaluate(model, SQUARED, data, score)
    parts = pb.train.evaluate(model, SQUARED, data, measure.RowMean(score), rows=4)
    assert seen == [10, 4, 4, 2]
    assert parts == pytest.approx(whole, rel=1e-12)


def test_the_loss_of_a_model_is_measured_in_parts():
    model, data = network(1, 8, 1), parabola(10)

    def loss(model, batch):
        return SQUARED(model(batch["x"]), batch["y"])

    batch = dict(zip("xy", data, strict=True))
    whole, none = pb.train.evaluate(model, SQUARED, data)
    for settings in ({"rows": 3}, {"whole": True}):
        value, score = pb.train.evaluate(model, loss, batch, loss_of="model", **settings)
        assert value == pytest.approx(whole, rel=1e-12)
        assert math.isnan(score)
        assert math.isnan(none)


def test_a_part_without_a_finite_loss_is_not_averaged_away():
    assert math.isnan(measure._weighted(iter([(2, 1.0, 0.5), (2, math.nan, 0.5)]))[0])
    assert measure._weighted(iter([(1, 1.0, 0.5), (3, 2.0, 1.5)])) == (1.75, 1.25)


@pytest.mark.parametrize(
    ("x", "rows"),
    [
        (np.zeros((3, 2)), 8192),
        (np.zeros((3, 2), int), 64),
        (np.zeros((3, 1, 8, 8)), 64),
        ((np.zeros((3, 2)), np.zeros(3, int)), 64),
    ],
)
def test_large_inputs_go_a_few_rows_at_a_time(x, rows):
    assert measure.rows_at_once(x, 32) == rows
    assert measure.rows_at_once(x) == (8192 if rows == 8192 else 256)


def test_what_is_no_array_is_refused():
    with pytest.raises(TypeError, match=r"predict: x holds a float: it is an array"):
        pb.train.predict(network(1, 1), [1.0, 2.0])
    with pytest.raises(TypeError, match=r"predict: x holds no arrays"):
        pb.train.predict(network(1, 1), ())
    with pytest.raises(ValueError, match=r"has to be one number, .* it has shape \(4, 1\)"):
        pb.train.evaluate(network(1, 1), lambda out, y: (out - y) ** 2, parabola(4))


def gathered(group, n, score, whole=False):
    """Loss and score on a rank, each with its share."""
    ranks = Ranks(group, pb.backend.current())
    return measure.evaluate_on_ranks(
        ranks, network(1, 8, 1), SQUARED, parabola(n), score, whole=whole
    )


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize(
    "score",
    [
        None,
        lambda o, y: float(pb.xp.mean(o * y)) ** 2,
        measure.RowMean(lambda o, y: float(pb.xp.mean(o * y))),
    ],
)
def test_ranks_measure_shares_and_get_the_same_numbers(n, score):
    """Also of fewer rows than ranks, each of which takes all then."""
    whole = pb.train.evaluate(network(1, 8, 1), SQUARED, parabola(n), score)
    for all_rows in (False, True):
        found = simulated(3, gathered, n, score, all_rows)
        assert len(set(map(str, found))) == 1
        assert found[0] == pytest.approx(whole, rel=1e-12, nan_ok=True)
