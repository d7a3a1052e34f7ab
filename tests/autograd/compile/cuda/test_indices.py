"""Tests of `autograd/compile/cuda/indices.py`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.compile.cuda.indices import Indices, merged
from pullback.autograd.compile.cuda.parts import Part
from pullback.autograd.compile.ir.views import contiguous, intervals


def evaluated(indices, box, strides, o):
    """What the lines of C++ give for a row: whether it lies in the box, and where the element lies."""
    scope = {"o": o, "true": True}

    def value(text):
        return eval(text.replace("/", "//").replace("&&", "and"), scope)

    for line in indices.decomposed("o"):
        _, _, name, _, text = line.rstrip(";").split(" ", 4)
        scope[name] = value(text)
    return value(indices.condition(box)), value(indices.offset(strides, box) or "0")


@pytest.mark.parametrize(
    "key",
    [(slice(1, 4), slice(None)), (slice(None), slice(0, 3)), (slice(2, 3), slice(1, 6, 2)), (slice(0, 5, 3),) * 2],
    ids=str,
)  # fmt: skip
def test_elements_of_a_box(key):
    """Each index that lies in a box, and no other, reads the element that NumPy writes there."""
    shape = (5, 7)
    expected = np.full(shape, -1)
    value = np.arange(expected[key].size).reshape(expected[key].shape)
    expected[key] = value
    box = {i.axis: i for i in intervals(key, shape)}
    strides = contiguous(value.shape)
    indices = Indices(Part(shape, frozenset()), [strides, contiguous(shape)], frozenset(box), "int")
    for o in range(expected.size):
        inside, offset = evaluated(indices, box, strides, o)
        assert (offset if inside else -1) == expected.flat[o]


def test_an_axis_that_is_asked_for_is_counted_by_itself():
    shape = (2, 3, 1, 4)
    every = [contiguous(shape)]
    assert merged([0, 1, 2, 3], shape, every) == [[0, 1, 3]]
    assert merged([0, 1, 2, 3], shape, every, frozenset((1,))) == [[0], [1], [3]]
    assert merged([0, 1, 2, 3], shape, every, frozenset((3,))) == [[0, 1], [3]]
    assert merged([0, 1, 2, 3], shape, [*every, (12, 4, 0, 0)]) == [[0, 1], [3]]
