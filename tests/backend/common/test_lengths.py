"""Lengths that are not known agree with each other, and with nothing else."""

from __future__ import annotations

import pytest

from pullback.backend.common.lengths import broadcasts, same_length, same_shape, unknown

NAN = float("nan")


def test_unknown():
    assert unknown((2, NAN))
    assert not unknown((2, 3))
    assert not unknown(())


@pytest.mark.parametrize(
    ("n", "m", "same"), [(2, 2, True), (2, 3, False), (NAN, float("nan"), True), (NAN, 2, False)]
)
def test_same_length(n, m, same):
    assert same_length(n, m) == same_length(m, n) == same


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [((), (), True), ((NAN, 3), (NAN, 3), True), ((NAN, 3), (NAN, 4), False), ((NAN,), (NAN, 1), False)],
)  # fmt: skip
def test_same_shape(a, b, same):
    assert same_shape(a, b) == same


@pytest.mark.parametrize(
    ("small", "large", "fits"),
    [
        ((), (NAN,), True),
        ((1,), (NAN,), True),
        ((NAN,), (2, NAN), True),
        ((NAN,), (3,), False),
        ((3,), (NAN,), False),
        ((2, 3), (3,), False),
    ],
)
def test_broadcasts(small, large, fits):
    assert broadcasts(small, large) == fits
