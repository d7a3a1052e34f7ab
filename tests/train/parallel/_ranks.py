"""For `test_ranks.py` and `test_loop_ranks.py`: trainings on ranks that are threads, and what they have to be."""

from __future__ import annotations

import dataclasses

import numpy as np

import pullback as pb

D, M = pb.distributed, pb.models


def simulated(size, train, *args):
    """What ``train(group, *args)`` returns on each of `size` ranks."""
    return D.simulate(lambda: train(D.world(), *args), size, timeout=60)


def numbers(fit):
    """The history as numbers, where NaN is itself."""
    return np.asarray([dataclasses.astuple(epoch) for epoch in fit.history])


def same_bits(fits):
    """Every rank has the same history and the same model, bit by bit."""
    first, *others = fits
    for other in others:
        np.testing.assert_array_equal(numbers(other), numbers(first))
        assert (other.stopped, other.why, other.steps) == (first.stopped, first.why, first.steps)
        assert other.best.epoch == first.best.epoch
        for a, b in zip(pb.tree.leaves(other.model), pb.tree.leaves(first.model), strict=True):
            np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b))


def close(fit, expected, rtol=1e-10):
    """A training has the history and the model of another one, to rounding."""
    assert (fit.stopped, fit.why, fit.steps) == (expected.stopped, expected.why, expected.steps)
    assert fit.best.epoch == expected.best.epoch
    np.testing.assert_allclose(numbers(fit), numbers(expected), rtol=rtol)
    for a, b in zip(pb.tree.leaves(fit.model), pb.tree.leaves(expected.model), strict=True):
        np.testing.assert_allclose(pb.to_numpy(a), pb.to_numpy(b), rtol=rtol, atol=1e-13)
