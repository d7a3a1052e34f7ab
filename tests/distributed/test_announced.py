"""Gradients handed over during the sweep: each once, as soon as it is complete, the same as those of `grad`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.sweep import completion
from pullback.autograd.transforms.announced import differentiated, forward

xp = pb.xp
RNG = np.random.default_rng(0)
PARAMS = [RNG.standard_normal((3, 3)) for _ in range(4)]


def chain(ps):
    h = ps[0]
    for p in ps[1:]:
        h = xp.tanh(xp.matmul(h, p))
    return xp.sum(h * ps[1])


def swept(f, *args, indices=(0,), seed=1.0, between=None):
    of = differentiated(indices, args)
    ran = forward(f, of, args, {})
    events = []
    order = ran.order()
    ran.sweep(
        np.asarray(seed), lambda i, g: events.append((i, None if g is None else g.copy())), between
    )
    assert [i for i, _ in events] == order
    assert not ran.tape.open
    return ran, events


def test_each_gradient_once_last_layers_first():
    _, events = swept(chain, PARAMS)
    # the second matrix is used again at the end, and by the first product; the first one there, too
    assert [i for i, _ in events][:2] == [3, 2]
    for i, g in events:
        np.testing.assert_allclose(g, pb.grad(chain)(PARAMS)[i], rtol=1e-13)


def test_a_seed_scales_and_something_is_called_between():
    calls = []
    _, events = swept(chain, PARAMS, seed=0.25, between=lambda: calls.append(1))
    np.testing.assert_allclose(events[0][1], 0.25 * pb.grad(chain)(PARAMS)[3], rtol=1e-13)
    assert len(calls) == 8  # three products, three tanh, a multiplication and a sum


def test_leaves_without_a_use_come_first():
    _, events = swept(lambda ps: xp.sum(ps[2] * ps[0]), PARAMS)
    assert [i for i, _ in events][:2] == [1, 3]
    assert events[0][1] is None
    assert events[1][1] is None


def test_a_value_without_a_tape():
    for out in (3.0, xp.asarray(3.0)):
        ran, events = swept(lambda ps, out=out: out, PARAMS)
        assert [g for _, g in events] == [None] * 4
        assert ran.value == 3.0


def test_a_leaf_that_is_the_value():
    _, events = swept(lambda p: p, np.asarray(2.0))
    assert events == [(0, 1.0)]


def test_a_leaf_is_complete_when_it_is_not_added_to_any_more():
    """What is handed over is final: nothing that comes later changes it."""
    of = differentiated((0,), (PARAMS,))
    ran = forward(chain, of, (PARAMS,), {})
    seen = {}
    ran.sweep(np.asarray(1.0), lambda i, g: seen.update({i: (g, g.copy())}))
    for g, copy in seen.values():
        np.testing.assert_array_equal(g, copy)


def test_complex_leaves_are_unconjugated():
    z = np.asarray([1 + 2j, 3 - 1j])

    def f(z):
        return xp.sum(xp.abs(z) ** 2 + xp.real(z * z))

    _, events = swept(f, z)
    np.testing.assert_allclose(events[0][1], pb.grad(f)(z), rtol=1e-14)


def test_all_at_the_end_in_memory_of_their_own():
    of = differentiated((0,), (PARAMS,))

    def f(ps):
        return xp.sum(ps[0] + ps[1] + ps[2])

    gradients = forward(f, of, (PARAMS,), {}).gradients(np.asarray(2.0))
    gradients[0][...] = 0.0
    np.testing.assert_array_equal(gradients[1], np.full((3, 3), 2.0))
    np.testing.assert_array_equal(gradients[3], np.zeros((3, 3)))


def test_the_tape_is_closed_when_the_function_raises():
    given = np.ones(3)
    of = differentiated((0,), (given,))
    with pytest.raises(TypeError, match="reduce it"):
        forward(lambda x: x * 2, of, (given,), {})
    given[0] = 2.0  # not locked any more


def test_completion_of_inputs_used_in_one_operation():
    of = differentiated((0, 1), (np.ones(2), np.ones(2)))
    ran = forward(lambda x, y: xp.sum(x * y), of, (np.ones(2), np.ones(2)), {})
    assert completion(ran.tape, 2) == {2: [0, 1]}
    ran.close()
