"""Tests of distributed/communicators/waiting.py."""

from __future__ import annotations

import pytest

from pullback.distributed.communicators.waiting import Wait, circle_of, circle_text


def _wait(group, call, members, **calls):
    return Wait(group, call, members, "all_reduce", {group: call, **calls})


def test_a_circle_of_three():
    waits = {
        2: _wait("c", 1, (2, 0), a=0, b=0),
        0: _wait("a", 1, (0, 1), c=0),
        1: _wait("b", 1, (1, 2), a=0),
    }
    assert circle_of(waits) == [0, 1, 2]
    text = circle_text([0, 1, 2], waits)
    assert "rank 2 waits for rank 0: all_reduce, in the group of ranks 2, 0" in text


@pytest.mark.parametrize(
    "waits",
    [
        {},
        {0: _wait("a", 1, (0, 1))},  # rank 1 computes
        {0: _wait("a", 1, (0, 1), b=0), 1: _wait("b", 1, (1, 2), a=0)},  # rank 2 computes
        # rank 1 has come to the exchange before it waited elsewhere: rank 0 is as good as released
        {0: _wait("a", 1, (0, 1), b=0), 1: _wait("b", 1, (0, 1), a=1)},
        # both in the same exchange
        {0: _wait("a", 3, (0, 1)), 1: _wait("a", 3, (0, 1))},
        {0: _wait("a", 1, (0, 1, 2)), 1: _wait("b", 1, (1, 2), a=0), 2: _wait("b", 1, (1, 2), a=0)},
    ],
)
def test_no_circle(waits):
    assert circle_of(waits) == []


def test_a_circle_beside_ranks_that_wait_for_it():
    waits = {
        0: _wait("w", 1, (0, 1, 2, 3), a=0, b=0),
        1: _wait("a", 1, (1, 2), w=0, b=0),
        2: _wait("b", 1, (1, 2), w=0, a=0),
        3: _wait("w", 1, (0, 1, 2, 3)),
    }
    assert circle_of(waits) == circle_of(waits, 1) == circle_of(waits, 0) == [1, 2]
    del waits[1]
    assert circle_of(waits) == circle_of(waits, 0) == circle_of(waits, 3) == []
