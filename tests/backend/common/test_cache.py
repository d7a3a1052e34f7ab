"""Tests of `backend/common/cache.py`: whole files or none, and a folder for its owner alone."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pullback.backend.common import cache
from pullback.backend.common.cache import cache_folder, make_folder, write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("replace", [True, False])
def test_a_new_file(tmp_path, replace):
    path = tmp_path / "a"
    assert write_file(path, b"one", replace=replace)
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_the_last_writer_wins(tmp_path):
    path = tmp_path / "a"
    write_file(path, b"one")
    assert write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["a"]


def test_the_first_writer_wins(tmp_path):
    path = tmp_path / "a"
    write_file(path, b"one", replace=False)
    assert not write_file(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_the_same_content_is_not_written_again(tmp_path):
    path = tmp_path / "a"
    write_file(path, b"one")
    before = path.stat()
    assert not write_file(path, b"one")
    assert path.stat().st_ino == before.st_ino


def test_a_file_that_cannot_be_read_is_replaced(tmp_path, monkeypatch):
    """As one that belongs to root, since `sudo` kept the user's home."""

    def refused(path):
        raise PermissionError(errno.EACCES, "not yours", str(path))

    path = tmp_path / "a"
    write_file(path, b"theirs")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refused)
        assert write_file(path, b"ours")
        assert not write_file(path, b"first", replace=False)
    assert path.read_bytes() == b"ours"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_who_comes_first_while_another_one_writes(tmp_path, monkeypatch, links):
    """Another process gives its file the name after this one has looked for it."""
    path, original = tmp_path / "a", os.link

    def link(*args):
        path.write_bytes(b"theirs")
        if not links:
            raise OSError(errno.EPERM, "no links here")
        original(*args)

    monkeypatch.setattr(os, "link", link)
    assert not write_file(path, b"ours", replace=False)
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a"]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def link(*args):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "a"
    assert write_file(path, b"one", replace=False)
    assert not write_file(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("what", ["os.replace", "os.fdopen", "os.link"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()])
def test_nothing_is_left_where_it_cannot_be_written(tmp_path, monkeypatch, what, error):
    def refused(*args, **kwargs):
        raise error

    path = tmp_path / "a"
    monkeypatch.setattr(what, refused)
    if what == "os.link":  # or else that is a file system without links
        monkeypatch.setattr("os.replace", refused)
    with pytest.raises(type(error)):
        write_file(path, b"one", replace=what != "os.link")
    assert names(tmp_path) == []


def test_a_file_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    def refused(*args):
        raise PermissionError(errno.EACCES, "in use")

    path = tmp_path / "a"
    write_file(path, b"one")
    monkeypatch.setattr("os.replace", refused)
    with pytest.raises(PermissionError):
        write_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "b" / "a", b"one")


def test_a_reader_meets_whole_files_while_others_write(tmp_path):
    path = tmp_path / "a"
    write_file(path, b"\0" * 100_000)
    text = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pullback.backend.common.cache import write_file\n"
        "for i in range(int(sys.argv[2]), int(sys.argv[3])):\n"
        "    write_file(Path(sys.argv[1]), bytes([i]) * 100_000)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-P", "-c", text, str(path), str(n), str(n + 100)])
        for n in (1, 101)
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        content = path.read_bytes()
        assert content == content[:1] * 100_000
        seen.add(content[:1])
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 1
    assert names(tmp_path) == ["a"]


# ── the folder ────────────────────────────────────────────────────────────────────────────────


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PULLBACK_CACHE", f" {tmp_path / 'given'} ")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "base"))
    assert cache_folder() == tmp_path / "given"
    monkeypatch.setenv("PULLBACK_CACHE", " ")
    assert cache_folder() == tmp_path / "base" / "pullback"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(cache.Path, "home", lambda: tmp_path / "home")
    assert cache_folder() == tmp_path / "home" / ".cache" / "pullback"


def test_a_user_without_a_home(monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("PULLBACK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache.Path, "home", home)
    assert cache_folder().name.startswith("pullback-")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of Unix")
def test_it_is_made_for_its_owner_alone(monkeypatch, tmp_path):
    """Whichever folder within is made first, and whatever the user's files are like."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "above" / "cache"))
    before = os.umask(0o002)
    try:
        inner = make_folder("inner")
    finally:
        os.umask(before)
    assert make_folder("inner") == inner  # as often as one likes
    assert make_folder() == inner.parent == tmp_path / "above" / "cache"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (inner, inner.parent)] == [0o700] * 2
    path = inner / "a"
    write_file(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
