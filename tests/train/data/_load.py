"""Helpers of `test_load.py` and the test files split from it."""

from __future__ import annotations

import pytest


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(*lines, times=4):
    """A CSV of these lines, the first once and the rest several times."""
    return "\n".join([lines[0], *lines[1:] * times]) + "\n"
