"""Tests of `compat/autograd/tracer.py`."""

import numpy as np
import pytest

from pullback.compat.autograd import grad, tracer


def test_traced_arrays_are_boxes():
    def f(x):
        assert isinstance(x, tracer.Box)
        assert tracer.isbox(x)
        assert type(x) in tracer.box_types
        return x * 2.0

    assert grad(f)(1.0) == 2.0
    assert not isinstance(1.0, tracer.Box)
    assert not isinstance(np.ones(2), tracer.Box)


def test_boxes_of_other_classes_are_refused_with_the_way_to_go():
    class Money:
        pass

    with pytest.raises(TypeError, match="dataclass"):
        tracer.Box.register(Money)
    with pytest.raises(TypeError, match="grad"):
        tracer.Box(1.0, 0, None)


def test_a_class_of_nodes_has_to_say_what_it_keeps():
    class Empty(tracer.Node):
        pass

    with pytest.raises(NotImplementedError, match="Empty"):
        Empty.new_root()
    with pytest.raises(NotImplementedError, match="Empty"):
        Empty(None, None, (), {}, (), [])
