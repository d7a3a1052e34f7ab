"""Tests of `train/data/memory.py`: sizes in words, free memory, limits of containers."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.data import memory


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2e9), ("2 gb", 2e9), ("500M", 5e8), ("1.5GiB", 1.5 * 2**30), (".5k", 500), ("7", 7)],
)
def test_sizes_are_read(text, size):
    assert memory.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "2 apples", "-1GB", "1e9", "2iB", "inf"])
def test_what_is_no_size_is_told(text):
    with pytest.raises(InputError, match="is no size; write it as 2GB"):
        memory.parse_size(text)


def test_free_memory_is_that_of_the_container_where_it_is_less(tmp_path, monkeypatch):
    limit, used = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(memory, "_available", lambda: 1000)
    monkeypatch.setattr(memory, "_GROUPS", ((str(limit), str(used)),))
    assert memory.free_memory() == 1000
    limit.write_text("max\n")
    used.write_text("300\n")
    assert memory.free_memory() == 1000
    limit.write_text("700\n")
    assert memory.free_memory() == 400
    used.write_text("900\n")
    assert memory.free_memory() == 0


def test_there_is_free_memory_here():
    found = memory.free_memory()
    assert found is None or 0 < found < 1 << 50
