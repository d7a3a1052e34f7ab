"""Tests of `train/data/mapped.py`: arrays in files that have no name, and how little of them is in memory."""

from __future__ import annotations

import errno
import mmap
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from pullback.train import WriteError
from pullback.train.data import mapped

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="resident memory is told, and given back, on Linux"
)


def resident():
    """Bytes of files that are in this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssFile:")).split()[1])


def test_an_array_on_disk_is_what_was_written_and_leaves_no_name(tmp_path):
    x = np.random.default_rng(0).normal(size=(100, 3, 2))
    found = mapped.on_disk(tmp_path, (x[i : i + 7] for i in range(0, 100, 7)), (3, 2), "float32")
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(found, x.astype("float32"))
    assert mapped.mapping(found[2:, 1]) is not None
    assert not found.flags.writeable
    assert mapped.on_disk(tmp_path, iter(()), (3,), "float32").shape == (0, 3)


def test_the_folder_need_not_be_there(tmp_path):
    found = mapped.on_disk(tmp_path / "no" / "runs", iter([np.ones((2, 2))]), (2,), float)
    assert found.sum() == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["open", "write", "flush"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, moment):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    make = tempfile.TemporaryFile

    class Full:
        def __init__(self, file):
            self.file_, self.fileno, self.seek = file, file.fileno, file.seek

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file_.close()

        def write(self, data):
            if moment == "write":
                raise full
            return self.file_.write(data)

        def flush(self):
            raise full

    def opened(**settings):
        if moment == "open":
            raise full
        return Full(make(**settings))

    monkeypatch.setattr(tempfile, "TemporaryFile", opened)
    with pytest.raises(
        WriteError, match=r"cannot keep rows in a file in .*: No space left on device; make room"
    ) as told:
        mapped.on_disk(tmp_path, iter([np.ones((2, 2))]), (2,), float)
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


@linux
def test_what_was_read_is_given_back(tmp_path):
    x = mapped.on_disk(tmp_path, iter([np.ones((1 << 16, 64))]), (64,), float)
    before = resident()
    assert x.sum() == x.size
    assert resident() - before > 30 << 20
    mapped.release(x[5:, 1])
    assert resident() - before < 2 << 20
    assert x.sum() == x.size


def test_private_mappings_keep_what_was_written(tmp_path):
    """Given back, their pages would be lost."""
    np.save(tmp_path / "x.npy", np.zeros((1 << 12, 16)))
    x = np.load(tmp_path / "x.npy", mmap_mode="c")
    x[:] = 7
    mapped.release(x)
    assert (x == 7).all()
    other = mmap.mmap(-1, 1 << 16)
    y = np.frombuffer(other, np.uint8)
    y[:] = 3
    mapped.release(y)
    assert (y == 3).all()


@linux
def test_rows_from_anywhere_are_gathered_with_little_in_memory(tmp_path):
    # eighteen windows, where one row brings in 2 MiB
    parts = (np.full((1 << 14, 128), i, float) for i in range(9))
    x = mapped.on_disk(tmp_path, parts, (128,), float)
    rows = np.random.default_rng(0).integers(0, len(x), 3000)
    before, most = resident(), []
    release = mapped.release

    def noted(*arrays):
        most.append(resident() - before)
        release(*arrays)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "release", noted)
        found = mapped.gathered(x, rows)
    np.testing.assert_array_equal(found, x[rows])
    assert len(most) == 18
    assert max(most) < 16 << 20


def test_a_memmap_becomes_a_plain_array_of_the_same_memory(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(5.0))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    found = mapped.plain(x)
    assert type(found) is np.ndarray
    assert np.shares_memory(found, x)
    assert mapped.plain("text") == "text"
