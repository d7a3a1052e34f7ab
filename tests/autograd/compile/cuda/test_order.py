"""Which step of a device program waits for which."""

from __future__ import annotations

import pytest

from pullback.autograd.compile.cuda.order import Access, waits


def access(reads=(), writes=()):
    return Access(set(reads), set(writes))


A, B = ("block", 0, 64), ("block", 64, 128)


@pytest.mark.parametrize(
    ("early", "late", "waiting"),
    [
        (access(writes=[A]), access(reads=[A]), True),
        (access(reads=[A]), access(writes=[A]), True),
        (access(writes=[A]), access(writes=[A]), True),
        (access(reads=[A]), access(reads=[A]), False),
        (access(writes=[A]), access(reads=[B]), False),
        (access(writes=[A]), access(reads=[("other", 0, 64)]), False),
        (access(writes=[("block", 0, 65)]), access(reads=[B]), True),
    ],
)
def test_two_steps(early, late, waiting):
    assert waits([early, late]) == [(), (0,) if waiting else ()]


def test_what_another_waits_for_already_is_left_out():
    chain = [access(writes=[A]), access([A], [B]), access([A, B])]
    assert waits(chain) == [(), (0,), (1,)]


def test_no_steps():
    assert waits([]) == []
