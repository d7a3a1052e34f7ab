"""Tests of `playground/landscape/methods.py`: the paths of optimisers."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.playground.landscape.functions import quadratic, rosenbrock
from pullback.playground.landscape.methods import CHOICES, run

RATES = {"gradient": 0.02, "adaptive": 0.2}
START = np.asarray([-2.0, 1.5])


@pytest.mark.parametrize("name", CHOICES)
def test_every_optimiser_descends_and_tells_its_path(name):
    r = run(name, quadratic, START, steps=40, rates=RATES)
    np.testing.assert_array_equal(r.path[0], START)
    assert len(r.path) == len(r.losses) <= 41
    np.testing.assert_allclose(r.losses, [float(quadratic(x)) for x in r.path])
    assert r.losses[-1] < 0.5 * r.losses[0]
    assert r.evaluations >= len(r.path)
    assert r.ending in ("converged", "step limit")


def test_gradient_descent_takes_the_steps_of_its_formula():
    r = run("gd", quadratic, START, steps=5, rates=RATES)
    wanted = [START * (1 - 0.02 * np.asarray([1.0, 25.0])) ** k for k in range(6)]
    np.testing.assert_allclose(r.path, wanted)


def test_newton_needs_fewest_steps_on_a_quadratic():
    runs = {
        name: run(name, quadratic, START, steps=100, rates=RATES) for name in ("gd", "newton-cg")
    }
    assert runs["newton-cg"].ending == "converged"
    assert len(runs["newton-cg"].path) < 6 < len(runs["gd"].path)


@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov"])
def test_too_large_a_rate_is_told_and_ends(name):
    r = run(
        name, rosenbrock, np.asarray([-1.2, 1.0]), steps=100, rates={"gradient": 0.5, "adaptive": 1}
    )
    assert r.ending == "diverged"
    assert len(r.path) == len(r.losses) < 60
    assert np.isfinite(r.losses).all()


def test_a_stationary_start_is_the_whole_path():
    for name in ("gd", "adam"):
        r = run(name, quadratic, np.zeros(2), steps=9, rates=RATES)
        assert len(r.path) == 1
        assert r.ending == "converged"


def test_refusals():
    with pytest.raises(ValueError, match="choose one of gd, "):
        run("newtonian", quadratic, START, steps=1, rates=RATES)
    for name in ("gd", "adam"):
        with pytest.raises(ValueError, match="finite"):
            run(name, lambda w: pb.xp.log(w[0]), np.asarray([-1.0, 0.0]), steps=1, rates=RATES)
