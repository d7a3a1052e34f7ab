"""Tests of `models/convolution/arguments.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.models.convolution import arguments

from ..._host import numpy_is_active  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", ((0, 0), (0, 0))),
        (1, ((1, 1), (1, 1))),
        (np.int64(2), ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        ([(1, 2), (0, 3)], ((1, 2), (0, 3))),
        ((1, (0, 3)), ((1, 1), (0, 3))),
        ("same", ((1, 1), (0, 1))),
    ],
)
def test_forms_of_padding(padding, expected):
    found = arguments.padding_pairs("f", padding, (5, 6), (3, 2), (1, 1), (1, 1))
    assert found == expected
    assert all(type(n) is int for pair in found for n in pair)


@pytest.mark.parametrize("padding", [((1, 2),), (1, 2, 3), ((1, 2, 3), 1), None, 1.5, "SAME"])
def test_other_paddings_are_refused(padding):
    with pytest.raises(ValueError, match=r"f: padding=.*; it (is 'valid'|has to be)"):
        arguments.padding_pairs("f", padding, (5, 6), (3, 2), (1, 1), (1, 1))


def test_lengths_are_integers_for_each_dimension():
    assert arguments.lengths("f", "stride", np.int32(3), 2) == (3, 3)
    assert arguments.lengths("f", "stride", [1, 2], 2) == (1, 2)
    for wrong in (True, 0, "2", (1, 0), (1,), 2.0):
        with pytest.raises(ValueError, match="f: stride"):
            arguments.lengths("f", "stride", wrong, 2)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_images_and_back(alone, last):
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    x = x[0] if alone else x
    given = arguments.images("f", x, 2, last)
    assert given.x.ndim == 4
    assert given.x.shape[1] == (5 if last else x.shape[-3])
    np.testing.assert_array_equal(pb.to_numpy(given.back(given.x)), x)
    with pytest.raises(ValueError, match=r"f: inputs of shape .*in 1 dimension they"):
        arguments.images("f", np.ones((2, 3, 4, 5)), 1, last)


def test_windows_have_to_fit():
    arguments.check_fits("f", "kernel", (3,), (1,), ((1, 1),), (1,))
    with pytest.raises(
        ValueError, match=r"f: a kernel of \(3,\), \(5,\) with dilation=\(2,\) does not"
    ):
        arguments.check_fits("f", "kernel", (3,), (2,), ((1, 1),), (2,))
