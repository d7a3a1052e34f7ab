"""Tests of `optim/first_order/sgd.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


optim = pb.optim


def test_complex_parameters_descend():
    target = np.array([1 + 2j, -3j])
    f = lambda z: xp.sum(xp.abs(z - target) ** 2)
    for opt, tolerance in (
        (optim.SGD(0.1), 1e-6),
        (optim.SGD(0.05, momentum=0.5), 1e-6),
        (optim.Nesterov(0.1), 1e-2),
        (optim.Adam(0.05), 0.05),
        (optim.AMSGrad(0.05), 0.05),
        (optim.NAdam(0.05), 0.05),
        (optim.RMSprop(0.02, centered=True), 0.1),
        (optim.Adagrad(0.5), 0.05),
    ):
        z, state = np.zeros(2, complex), opt.init(np.zeros(2, complex))
        for _ in range(300):
            z, state = opt.step(z, pb.grad(f)(z), state)
        np.testing.assert_allclose(z, target, atol=tolerance)


def test_lion_s_complex_steps_have_one_length():
    z = np.array([3 + 4j, -2j])
    new, _ = optim.Lion(0.1, weight_decay=0.0).step(z, z, optim.Lion().init(z))
    np.testing.assert_allclose(new, z - 0.1 * z / abs(z))


def test_nesterov_s_sequence_begins_in_a_buffer_of_its_own():
    y = np.ones(2)
    state = optim.Nesterov(0.1).init(y)
    y[0] = 5.0
    np.testing.assert_array_equal(state.first, [1.0, 1.0])
