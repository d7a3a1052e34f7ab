"""The kernels on disk stay within a bound: those used last are kept, and nothing else is deleted."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import cache_size
from pullback.autograd.compile.cpu import numba_cache as cache
from pullback.autograd.compile.cpu import numba_kernels as native

NUMBA = pytest.mark.skipif(
    not importlib.util.find_spec("numba"), reason="numba is not installed (extra `fast`)"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Any) -> Path:
    """A cache that is not there yet."""
    found = tmp_path / "cache"
    monkeypatch.setenv("PULLBACK_CACHE", str(found))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv(cache_size.SETTING, raising=False)
    monkeypatch.setattr(cache, "_written", type(cache._written)())
    cache._warn_once.cache_clear()
    return found


def pretend(folder: Path, number: int, used: float, size: int = 1000) -> list[Path]:
    """The files of a kernel, of `size` bytes in all."""
    machine = folder / "__pycache__"
    machine.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    name = f"kernel_{number:024x}"
    paths = [
        folder / f"{name}.py",
        folder / f"{name}.sha256",
        machine / f"{name}.kernel-9.py311.nbi",
        machine / f"{name}.kernel-9.py311.1.nbc",
    ]
    for path in paths:
        path.write_bytes(b"x" * (size // 4))
        os.utime(path, (used, used))
    return paths


def numbers(folder: Path) -> list[int]:
    return sorted(int(name[-24:], 16) for name in cache_size.contents(folder).kernels)


def test_those_used_last_stay(folder):
    for i in range(10):
        pretend(folder, i, used=1000.0 + (i * 7) % 10)
    assert cache_size.shrink(folder, 10_000) == 0
    assert len(numbers(folder)) == 10
    assert cache_size.shrink(folder, 9_000) == 3  # to four fifths of it
    assert numbers(folder) == sorted(sorted(range(10), key=lambda i: (i * 7) % 10)[3:])
    assert cache_size.contents(folder).size == 7_000
    assert len([p for p in folder.rglob("*") if p.is_file()]) == 4 * 7


def test_what_is_no_kernel_stays(folder):
    pretend(folder, 0, used=1.0)
    others = [
        folder / "notes.txt",
        folder / "kernel_mine.py",
        folder / f"kernel_{1:024x}",
        folder / f"my_kernel_{1:024x}.py",
        folder / f"family_{1:024x}.json",
        folder / "fastest" / f"kernel_{1:024x}.json",
        folder / "__pycache__" / "module.cpython-311.pyc",
    ]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 5000)
        os.utime(path, (0.5, 0.5))
    (folder / f"kernel_{2:024x}.py").mkdir()
    outside = folder.parent / "outside.py"
    outside.write_bytes(b"x" * 5000)
    (folder / f"kernel_{3:024x}.py").symlink_to(outside)
    assert cache_size.contents(folder).size == 6000  # the kernel, and the index
    assert cache_size.shrink(folder, 0) == 1
    assert all(path.exists() for path in (*others, outside))
    assert not list(folder.rglob(f"kernel_{0:024x}*"))


def test_kernels_that_are_not_whole_go_too(folder):
    for path in pretend(folder, 0, used=1.0)[1:]:
        path.unlink()
    (folder / "__pycache__" / f"kernel_{1:024x}.kernel-9.py311.1.nbc").write_bytes(b"x" * 100)
    assert cache_size.shrink(folder, 0) == 2
    assert numbers(folder) == []


def test_no_folder(tmp_path):
    assert cache_size.contents(tmp_path / "none").size == 0
    assert cache_size.shrink(tmp_path / "none", 0) == 0
    assert "0 kernels, 0.0 MB" in cache_size.in_words(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("text", "size"), [("", 256e6), (" 12 ", 12e6), ("0", 0.0), ("0.5", 5e5), ("inf", float("inf"))]
)
def test_the_bound(monkeypatch, text, size):
    monkeypatch.setenv(cache_size.SETTING, text)
    assert cache_size.bound() == size


@pytest.mark.parametrize("text", ["many", "-1", "nan", "256 MB"])
def test_a_bound_that_says_nothing(monkeypatch, text):
    monkeypatch.setenv(cache_size.SETTING, text)
    with pytest.warns(RuntimeWarning, match=r"PULLBACK_CACHE_MB=.* is no number of megabytes"):
        assert cache_size.bound() == 256e6


def test_a_folder_that_others_may_write_to_is_left_alone(folder, monkeypatch):
    pretend(folder, 0, used=1.0)
    monkeypatch.setenv(cache_size.SETTING, "0")
    cache._written[folder] = 1
    folder.chmod(0o777)
    cache._at_the_end()
    assert numbers(folder) == ([0] if hasattr(os, "geteuid") else [])
    assert not cache._written


def use(n: float) -> None:
    """Compile or read one small kernel, as a new process would."""
    native._LOADED.clear()
    text = (
        native.HEAD
        + f'\n\n@numba.njit(cache=True, error_model="numpy")\ndef kernel(x):\n    x[0] += {n}\n'
    )
    x = np.zeros(1)
    native.compile_source(text, [("float64", 1)])(x)
    assert x[0] == n
    native._LOADED.clear()


@NUMBA
def test_a_process_that_writes_comes_back_within_the_bound(folder, monkeypatch):
    use(1.0)
    size = cache_size.contents(folder).size
    assert size > 1000
    (name,) = cache_size.contents(folder).kernels
    assert cache._written[folder] > 1000
    os.utime(folder / f"{name}.sha256", (1.0, 1.0))
    use(2.0)
    use(1.0)  # which is now the one used last
    monkeypatch.setenv(cache_size.SETTING, str(1.9 * size / 1e6))
    cache._at_the_end()
    assert list(cache_size.contents(folder).kernels) == [name]
    assert not cache._written
    use(1.0)
    assert not cache._written  # read, and not written
    monkeypatch.setenv(cache_size.SETTING, "0")
    use(3.0)  # at once: more than a quarter of it was written
    assert numbers(folder) == []


def test_at_the_end_of_a_process(folder):
    for i in range(300):
        pretend(folder, i, used=1000.0 + i, size=4000)
    text = (
        "from pathlib import Path\n"
        "from pullback.autograd.compile.cpu import numba_cache as cache\n"
        "cache._note(cache.cache_folder(), 4000)\n"
        "assert len(list(Path(cache.cache_folder()).glob('*.py'))) == 300\n"
    )
    environment = {**os.environ, cache_size.SETTING: "1"}
    subprocess.run([sys.executable, "-P", "-c", text], env=environment, check=True)
    assert numbers(folder) == list(range(100, 300))


@NUMBA
def test_files_that_vanish_while_they_are_read(folder, recwarn):
    """Another process deletes all kernels again and again: they are compiled, or read, and always right."""
    stop = threading.Event()

    def delete() -> None:
        while not stop.is_set():
            cache_size.shrink(folder, 0)

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        for i in range(6):
            use(float(i % 3) + 0.5)
    finally:
        stop.set()
        thread.join()
    assert [str(w.message) for w in recwarn if "kernel cache" in str(w.message)] == []
    assert pb.__version__
