"""Optimisers for parts of arrays: which parts decay, what is asked of those elsewhere, and who has to be outermost."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import pullback as pb
from pullback.optim.first_order.parts import all_true, check_inside, on_parts

o = pb.optim


class Halves:
    """Two parts of each leaf here; elsewhere are other numbers, which `others` has."""

    def __init__(self, params, others=()):
        self.params, self.others = params, others
        self.names = [name for name in pb.tree.paths(params) for _ in range(2)]

    def spread(self, of_leaves):
        return [x for x in of_leaves for _ in range(2)]

    def gather(self, x):
        return np.asarray([x, *self.others])


PARAMS = {"W": np.ones((2, 2)), "b": np.ones(2)}
PARTS = [np.ones(2) for _ in range(4)]


@pytest.mark.parametrize(
    ("mask", "decays"),
    [
        (None, [1, 1, 1, 1]),
        ("matrices", [1, 1, 0, 0]),
        (lambda p: p.ndim == 1, [0, 0, 1, 1]),
        ({"W": False, "b": True}, [0, 0, 1, 1]),
    ],
)
def test_parts_decay_as_the_leaves_they_are_of(mask, decays):
    opt = on_parts(o.AdamW(0.1, weight_decay=0.5, mask=mask), Halves(PARAMS))
    new, _ = opt.step(PARTS, [np.zeros(2)] * 4, opt.init(PARTS))
    assert [float(p[0]) for p in new] == [pytest.approx(0.95 if d else 1.0) for d in decays]


def test_running_statistics_do_not_decay_in_parts():
    model = pb.models.BatchNorm.init(2)
    opt = on_parts(o.SGD(0.1, weight_decay=0.5), Halves(model))
    assert opt.mask == [m for m in pb.tree.leaves(pb.tree.parameter_mask(model)) for _ in range(2)]
    assert True in opt.mask
    assert False in opt.mask


def test_without_a_mask_a_method_is_itself():
    opt = o.Nesterov(0.1)
    assert on_parts(opt, Halves(PARAMS)) is opt


def test_clipping_by_the_norm_of_everything():
    opt = on_parts(o.Clipped(o.SGD(1.0), norm=1.0), Halves({"w": np.ones(2)}, [4.0]))
    new, _ = opt.step(
        [np.zeros(1)] * 2, [np.asarray([3.0]), np.zeros(1)], opt.init([np.zeros(1)] * 2)
    )
    assert new[0] == pytest.approx(-3 / 5, rel=1e-5)  # the norm of 3 here and 4 elsewhere is 5


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_step_is_taken_everywhere_or_nowhere(elsewhere):
    parts = Halves({"w": np.ones(2)}, [elsewhere])
    w, g = [np.ones(1)] * 2, [np.ones(1)] * 2
    opt = on_parts(o.Finite(o.SGD(0.5), otherwise="skip"), parts)
    assert opt.step(w, g, opt.init(w))[0][0] == (0.5 if elsewhere else 1.0)
    scaling = on_parts(o.LossScaling(o.SGD(0.5), initial=2.0), parts)
    new, state = scaling.step(w, g, scaling.init(w))
    assert new[0] == (0.75 if elsewhere else 1.0)
    assert state.scale == (2.0 if elsewhere else 1.0)
    raising = on_parts(o.Finite(o.SGD(0.5)), parts)
    if not elsewhere:
        with pytest.raises(FloatingPointError, match="a parameter on another rank"):
            raising.step(w, g, raising.init(w))
    with pytest.raises(FloatingPointError, match="of w holds"):
        raising.step(w, [np.asarray([np.nan]), g[1]], raising.init(w))


def test_penalties_that_are_sums_over_elements():
    parts = Halves(PARAMS)
    opt = on_parts(o.Proximal(o.SGD(0.1), o.proximal.L1(1.0), mask="matrices"), parts)
    new, _ = opt.step(PARTS, [np.zeros(2)] * 4, opt.init(PARTS))
    assert [float(p[0]) for p in new] == pytest.approx([0.9, 0.9, 1.0, 1.0])
    for penalty in (o.proximal.L2Norm(1.0), o.proximal.L1(np.ones(2)), {"W": o.proximal.L1(1.0)}):
        with pytest.raises(ValueError, match="of whole arrays"):
            on_parts(o.Proximal(o.SGD(0.1), penalty), parts)


def test_another_optimiser_has_to_say_how():
    own = SimpleNamespace(init=lambda p: (), step=lambda p, g, s, lr=None: (p, s))
    with pytest.raises(TypeError, match="on_parts"):
        o.Averaged(own).on_parts(Halves(PARAMS))


def test_what_is_true_everywhere():
    assert all_true(True, Halves({}, [True])) is True
    assert all_true(np.bool_(True), Halves({}, [False])) is False
    assert all_true(np.asarray(False), Halves({}, [True])) is False


def test_what_looks_at_all_gradients_belongs_inside():
    outer = SimpleNamespace(outermost=True, init=None, step=None)
    for make in (
        lambda: o.Clipped(outer, norm=1.0),
        lambda: o.Finite(outer),
        lambda: o.LossScaling(outer),
    ):
        with pytest.raises(ValueError, match="put sharded around it"):
            make()
    check_inside("Clipped", o.SGD(0.1))
