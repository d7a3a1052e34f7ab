"""Tests of `autograd/numpy/arrays/padding.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, front

pnp = pullback.numpy
MODES = [
    "constant",
    "edge",
    "linear_ramp",
    "maximum",
    "mean",
    "median",
    "minimum",
    "reflect",
    "symmetric",
    "wrap",
]

ROWS = [front("pad", R(5), (2, 3), mode) for mode in MODES]
ROWS += [front("pad", R(3, 4), ((1, 2), (0, 3)), mode) for mode in MODES]
ROWS += [
    front("pad", R(3, 4), 1),
    front("pad", R(3), (2, 1), constant_values=R()),
    front("pad", R(3, 2), 1, constant_values=((1.0, 2.0), (3.0, 4.0))),
    front("pad", R(3, 2), 2, mode="linear_ramp", end_values=((1.0, 2.0), (3.0, 4.0))),
    front("pad", R(4, 3), 2, mode="mean", stat_length=2),
    front("pad", R(4, 3), 2, mode="maximum", stat_length=((1, 2), (3, 1))),
    front("pad", R(5), 2, mode="median", stat_length=3),
    front("pad", R(4), 3, mode="reflect", reflect_type="odd"),
    front("pad", R(4), (9, 4), mode="reflect", reflect_type="odd"),
    front("pad", R(3), (7, 5), mode="symmetric", reflect_type="odd"),
    front("pad", R(1), 2, mode="reflect", reflect_type="odd"),
    front("pad", R(3), 8, mode="wrap"),
    front("pad", R(3, 3), {0: 1, -1: (0, 2)}, mode="edge"),
]


@pytest.mark.parametrize("mode", MODES)
def test_integers_stay_integers(mode):
    host = np.asarray([[3, -7, 1], [2, 5, 4]])
    wanted = np.pad(host, 2, mode)
    got = pnp.pad(host, 2, mode)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(pb.to_numpy(got), wanted)


def test_empty_has_a_border_of_any_values():
    out = pnp.pad([1.0, 2.0], 1, "empty")
    assert out.shape == (4,)
    np.testing.assert_array_equal(pb.to_numpy(out[1:3]), [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pnp.pad([1.0], 1, lambda *_: None), NotImplementedError, "buffer"),
        (lambda: pnp.pad([1.0], 1, "mirror"), ValueError, "mirror"),
        (lambda: pnp.pad([1.0], 1, "edge", constant_values=1), ValueError, "constant_values"),
        (lambda: pnp.pad([1.0], -1), ValueError, "negative"),
        (lambda: pnp.pad([], 1, "mean"), ValueError, "empty axis"),
        (lambda: pnp.pad([1.0], 1, "maximum", stat_length=0), ValueError, "stat_length"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()
