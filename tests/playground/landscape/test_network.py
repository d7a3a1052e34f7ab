"""Tests of `playground/landscape/network.py`: the loss of a small network as a function of a vector."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.playground.landscape.network import DECAY, SAMPLES, network_problem


def test_the_loss_is_the_cross_entropy_with_decay():
    problem = network_problem(3)
    vector = problem.parameters.vector
    model = problem.parameters.unravel(vector)
    p = 1 / (1 + np.exp(-pb.to_numpy(model(problem.X))))
    wanted = (
        -np.mean(problem.y * np.log(p) + (1 - problem.y) * np.log(1 - p))
        + DECAY / 2 * (vector**2).sum()
    )
    assert float(problem.loss(vector)) == pytest.approx(float(wanted))
    assert problem.X.shape == (SAMPLES, 2)
    assert problem.y.mean() == 0.5


def test_the_seed_is_that_of_the_weights_alone():
    a, b = network_problem(0), network_problem(1)
    np.testing.assert_array_equal(a.X, b.X)
    assert not np.array_equal(a.parameters.vector, b.parameters.vector)
    np.testing.assert_array_equal(a.parameters.vector, network_problem(0).parameters.vector)
    pb.check_grads(a.loss, (a.parameters.vector,), order=1)
