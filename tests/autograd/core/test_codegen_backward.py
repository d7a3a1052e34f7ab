"""Tests of `autograd/core/codegen_backward.py`."""

from __future__ import annotations

import traceback
import weakref

import numpy as np

import pullback as pb
from pullback.autograd.core.codegen_backward import make_entry_builder, make_pull
from pullback.autograd.core.registry import REGISTRY

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from .test_defvjp import rules  # noqa: F401 - a fixture


def test_every_rule_s_pull_can_be_generated():
    """One by one and all together, with what they name found."""
    for p in REGISTRY.values():
        if p.variadic or not p.rules:
            continue
        for traced in [(a,) for a in p.rules] + [tuple(p.rules)]:
            for checked in (True, False):
                assert callable(make_pull(p, traced, checked=checked))
            assert callable(make_entry_builder(p, traced))


xp = pb.xp


def test_only_what_a_rule_names_is_kept():
    """The rule of add keeps nothing: its inputs die with their names."""

    alive = []

    def f(x):
        for kept in (False, True):
            y = x * 2.0
            value = weakref.ref(y.value)
            z = y * y if kept else y + y
            del y
            alive.append(value() is not None)
        return xp.sum(z)

    pb.grad(f)(np.ones(3))
    assert alive == [False, True]


def test_generated_code_shows_in_tracebacks(rules):  # noqa: F811 - a fixture
    def broken(ct, x):
        raise ZeroDivisionError("inside the rule")

    rules("exp", x=broken)
    try:
        pb.grad(lambda x: xp.sum(xp.exp(x)))(np.ones(2))
    except ZeroDivisionError:
        text = traceback.format_exc()
    assert "exp_pull_x" in text
    assert "x_rule(ct" in text
