"""Helpers of `test_ranks.py` and `test_loop_ranks.py`: trainings on ranks that are threads, and what they have to be."""

from __future__ import annotations

import numpy as np

import pullback as pb

D, M = pb.distributed, pb.models


def simulated(size, train, *args):
    """What ``train(group, *args)`` returns on each of `size` ranks."""
    return D.simulate(lambda: train(D.world(), *args), size, timeout=60)


def same_bits(fits):
    """Every rank has the same history and the same model, bit by bit."""
    first, *others = fits
    for other in others:
        assert other.history == first.history or np.isnan([e.loss for e in first.history]).any()
        assert (other.stopped, other.why, other.steps) == (first.stopped, first.why, first.steps)
        assert other.best == first.best
        for a, b in zip(pb.tree.leaves(other.model), pb.tree.leaves(first.model), strict=True):
            np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b))


def close(fit, expected, rtol=1e-10):
    """A training has the history and the model of another one, to rounding."""
    assert (fit.stopped, fit.why, fit.steps) == (expected.stopped, expected.why, expected.steps)
    assert fit.best.epoch == expected.best.epoch
    for one, other in zip(fit.history, expected.history, strict=True):
        assert (one.epoch, one.steps) == (other.epoch, other.steps)
        np.testing.assert_allclose(
            (one.loss, one.score, one.validation_loss, one.validation_score),
            (other.loss, other.score, other.validation_loss, other.validation_score),
            rtol=rtol,
        )
    for a, b in zip(pb.tree.leaves(fit.model), pb.tree.leaves(expected.model), strict=True):
        np.testing.assert_allclose(pb.to_numpy(a), pb.to_numpy(b), rtol=rtol, atol=1e-13)
