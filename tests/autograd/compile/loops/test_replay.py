"""Tests of `autograd/compile/loops/replay.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.tracing.trace_builder import TraceError

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp

A = np.random.default_rng(0).standard_normal((3, 3)) + 4 * np.eye(3)
B = np.asarray([1.0, 2.0, 3.0])


def solved(b):
    step = lambda c, v: (pb.linalg.solve(A + v * xp.eye(3), c * b), None)
    return xp.sum(pb.scan(step, b, b)[0] ** 2)


def test_functions_in_one_piece_have_their_first_derivative():
    compiled = pb.compile(pb.grad(solved), fast=False)
    for k in range(2):
        np.testing.assert_allclose(compiled(B + k), pb.grad(solved)(B + k), rtol=1e-10)


def test_their_second_derivative_is_refused_by_name():
    along = pb.compile(lambda b: pb.jvp(solved, (b,), (b,))[1], fast=False)
    with pytest.raises(TraceError, match=r"operation factor within a recorded loop .*test_replay"):
        along(B)


@pytest.mark.parametrize(
    "step",
    [
        lambda c, x: xp.linalg.inv(c[:, None] * x + 3 * xp.eye(3)) @ c,
        lambda c, x: xp.cumulative_sum(xp.sort(c * x)),
        lambda c, x: xp.concat([c[1:], c[:1] * x[:1]]),
        lambda c, x: pb.special.gammaln(c**2 + 1) * x,
        lambda c, x: xp.einsum("i,j->ji", c, x) @ c,
        lambda c, x: xp.real(xp.fft.ifft(xp.fft.fft(c) * (x + 0.5j))),
        lambda c, x: pb.models.relu(c) - xp.max(x) * xp.take(c, xp.asarray(np.asarray([2, 0, 0]))),
        lambda c, x: (
            xp.astype(xp.astype(c * x, xp.float64), c.dtype) / xp.sqrt(1 + xp.vecdot(c, c))
        ),
        lambda c, x: pb.xp.asarray(c).at[1].set(xp.sum(x * c)),
        lambda c, x: xp.where(xp.asarray([True, False, True]), c, xp.flip(x)) * xp.mean(c),
    ],
)
def test_derivatives_of_what_was_recorded(step):
    """Second derivatives and directions run the recorded operations again."""
    f = lambda b: xp.sum(pb.scan(lambda c, x: (step(c, x), c), b, xp.stack([b, 2 * b]))[1] ** 2)
    for derivative in (
        lambda b: pb.jvp(f, (b,), (b * b,))[1],
        pb.grad(lambda b: xp.sum(pb.grad(f)(b) ** 2)),
    ):
        compiled = pb.compile(derivative, fast=False)
        for k in range(2):
            ours, theirs = compiled(B / 4 + k), derivative(B / 4 + k)
            np.testing.assert_allclose(pb.to_numpy(ours), pb.to_numpy(theirs), rtol=1e-9)
