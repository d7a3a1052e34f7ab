"""Fixtures of the tests of data."""

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
