"""Files are whole or not there: atomic writes, run folders, checkpoints that are damaged or foreign."""

from __future__ import annotations

import errno
import os
import stat

import pytest

import pullback as pb
from pullback.train import files as _files

from ._files import FULL, failing

InputError, WriteError = pb.train.InputError, pb.train.WriteError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", [b"", b"\0\xff", "größer\n", b"x" * 1_000_000])
def test_a_file_is_written_and_replaced(tmp_path, content):
    path = tmp_path / "file"
    for before in (None, b"old and longer " * 100):
        if before is not None:
            path.write_bytes(before)
        _files.write_atomic(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["file"]


READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_full_or_read_only_disk_leaves_the_old_file(tmp_path, monkeypatch, where, error, reason):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, where, failing(error))
    with pytest.raises(WriteError, match=f"cannot write .*file: {reason}"):
        _files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        _files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_file_cannot_be_written_into_nowhere_or_over_a_folder(tmp_path):
    for path in (tmp_path / "missing" / "file", tmp_path):
        with pytest.raises(WriteError, match="cannot write"):
            _files.write_atomic(path, b"x")
    assert names(tmp_path) == []


def test_links_and_pipes_stay_what_they_are(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    _files.write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    _files.write_atomic(pipe, b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_run_folders_are_numbered_and_never_shared(tmp_path):
    runs = tmp_path / "a" / "runs"
    made = [_files.make_run_folder(runs, "digits", exact=False).name for _ in range(3)]
    assert made == ["digits", "digits-2", "digits-3"]
    with pytest.raises(WriteError, match="exists already: choose another --name"):
        _files.make_run_folder(runs, "digits", exact=True)
    assert _files.make_run_folder(runs, "other", exact=True).is_dir()


def test_a_run_folder_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    (tmp_path / "runs").write_text("a file")
    for exact in (False, True):
        with pytest.raises(WriteError, match="runs is not a folder"):
            _files.make_run_folder(tmp_path / "runs", "digits", exact=exact)
    monkeypatch.setattr("pathlib.Path.mkdir", failing(READ_ONLY))
    with pytest.raises(WriteError, match=r"cannot make .*digits: Read-only file system"):
        _files.make_run_folder(tmp_path / "other", "digits", exact=False)


# Checkpoints ------------------------------------------------------------------------------------


# Locks ------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="these locks are of POSIX systems")


@posix
def test_a_folder_is_known_to_be_in_use_and_looking_refuses_nobody(tmp_path, monkeypatch):
    assert not _files.is_locked(tmp_path)
    with _files.locked(tmp_path):
        assert _files.is_locked(tmp_path)
        monkeypatch.setattr(_files, "_PATIENCE", 0.0)
        with pytest.raises(pb.train.WriteError, match="is in use"), _files.locked(tmp_path):
            pass
    assert not _files.is_locked(tmp_path)
    assert not _files.is_locked(tmp_path / "none")
    # somebody looks at it, and is gone when it is tried again
    looking = os.open(tmp_path, os.O_RDONLY)
    _files.fcntl.flock(looking, _files.fcntl.LOCK_SH)
    monkeypatch.setattr(_files, "_PATIENCE", 5.0)
    monkeypatch.setattr(_files.time, "sleep", lambda seconds: os.close(looking))
    with _files.locked(tmp_path):
        pass


@posix
def test_a_file_has_one_writer(tmp_path, monkeypatch):
    path, lock = tmp_path / "c", tmp_path / ".c.lock"
    # what a killed process left
    lock.touch()
    monkeypatch.setattr(_files, "_PATIENCE", 0.0)
    with _files.locked_file(path):
        with _files.locked_file(tmp_path / "d"):
            assert lock.exists()
        with (
            pytest.raises(pb.train.WriteError, match="another training writes"),
            _files.locked_file(path),
        ):
            pass
        # its file is renamed into place meanwhile
        _files.write_atomic(path, "x")
        with pytest.raises(pb.train.WriteError, match="is in use"), _files.locked_file(path):
            pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c"]
    with _files.locked_file(path):
        pass
    # nothing can be written there anyway
    with _files.locked_file(tmp_path / "none" / "c"):
        pass


@posix
def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path, monkeypatch):
    """The last owner removes the file between the opening of the next one and its lock."""
    lock, taken = tmp_path / ".c.lock", []
    own = _files._lock

    def late(descriptor):
        if not taken:
            lock.unlink()
        taken.append(descriptor)
        return own(descriptor)

    monkeypatch.setattr(_files, "_lock", late)
    with _files.locked_file(tmp_path / "c"):
        assert len(taken) == 2
        assert lock.exists()
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_lock_that_a_killed_process_left_is_swept_and_one_in_use_is_not(tmp_path):
    for name in ("killed", "running"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.toml").touch()
    (tmp_path / "killed" / ".c.lock").touch()
    with _files.locked_file(tmp_path / "running" / "c"):
        _files.sweep_runs(tmp_path, ("c",))
        assert names(tmp_path / "killed") == ["run.toml"]
        assert names(tmp_path / "running") == [".c.lock", "run.toml"]
