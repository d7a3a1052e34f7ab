"""Tests of `compat/autograd/extend.py`."""

from pullback.compat.autograd import core, extend, tracer


def test_what_extends_is_that_of_core_and_tracer():
    for name in extend.__all__:
        home = core if name in core.__all__ and name != "primitive" else tracer
        assert getattr(extend, name) is getattr(home, name), name
