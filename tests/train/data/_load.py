"""Helpers of `test_load.py` and the test files split from it."""

from __future__ import annotations


def rows(*lines, times=4):
    """A CSV of these lines, the first once and the rest several times."""
    return "\n".join([lines[0], *lines[1:] * times]) + "\n"
