"""The kernel cache: whatever is wrong on the disk, kernels are compiled, and nothing is run that others could write."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_cache as cache
from pullback.autograd.compile.cpu import numba_kernels as native

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("numba"), reason="numba is not installed (extra `fast`)"
)
X = np.arange(7.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Any) -> Path:
    """A cache that is not there yet."""
    found = tmp_path / "cache"
    monkeypatch.setenv("PULLBACK_CACHE", str(found))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    cache._warn_once.cache_clear()
    return found


def run() -> None:
    """Compile anew, as another process would, with or without what is on the disk."""
    native._LOADED.clear()
    compiled = pb.compile(lambda x: pb.xp.sum(x * x + 3.0), fast=True)
    for x in (X, 2 * X, 3 * X):
        np.testing.assert_allclose(float(compiled(x)), np.sum(x * x + 3.0))
    native._LOADED.clear()


def files(folder: Path) -> dict[str, Path]:
    """The one kernel's files, by what they end in."""
    found = [p for p in folder.rglob("kernel_*") if p.is_file()]
    return {p.suffix: p for p in found}


def hits(folder: Path) -> int:
    """How often numba reads a kernel from the disk when it is asked for."""
    seen = []
    original = cache._executed

    def watched(*args: Any) -> Any:
        seen.append(original(*args))
        return seen[-1]

    cache._executed = watched
    try:
        run()
    finally:
        cache._executed = original
    return sum(sum(kernel.stats.cache_hits.values()) for kernel in seen)


def test_a_kernel_is_read_back(folder):
    run()
    assert set(files(folder)) == {".py", ".sha256", ".nbi", ".nbc"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert hits(folder) == 1


DAMAGE = {
    "empty": lambda b: b"",
    "half": lambda b: b[: len(b) // 2],
    "one bit": lambda b: b[: len(b) // 2] + bytes([b[len(b) // 2] ^ 1]) + b[len(b) // 2 + 1 :],
    "noise": lambda b: np.random.default_rng(0).bytes(len(b)),
}


@pytest.mark.parametrize("end", [".py", ".sha256", ".nbi", ".nbc"])
@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_files_are_made_anew(folder, end, how):
    run()
    path = files(folder)[end]
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    run()
    assert set(files(folder)) == {".py", ".sha256", ".nbi", ".nbc"}
    assert hits(folder) == 1


def test_files_that_a_checksum_agrees_with_and_numba_does_not(folder):
    run()
    for end in (".nbi", ".nbc"):
        found = files(folder)
        found[end].write_bytes(b"no pickle")
        name = found[".py"].stem
        line = int(found[".nbi"].name.partition(".kernel-")[2].partition(".")[0])
        beside = cache._files(folder / "__pycache__", name, line)
        assert {path.name for path in beside} == {found[".nbi"].name, found[".nbc"].name}
        found[".sha256"].write_bytes(cache._checksum(beside))
        run()
        assert hits(folder) == 1


def test_files_whose_names_are_not_expected_are_not_read(folder, monkeypatch):
    """As if another numba named them otherwise: kernels are compiled in each process."""
    monkeypatch.setattr(cache, "_files", lambda *_: [])
    run()
    assert hits(folder) == 0


@pytest.mark.parametrize("end", [".py", ".sha256", ".nbi", ".nbc"])
def test_missing_files_are_made_anew(folder, end):
    run()
    files(folder)[end].unlink()
    run()
    assert hits(folder) == 1


def test_bytecode_beside_a_source_is_not_run(folder):
    """Python would take a ``.pyc`` with the right time and size for the source."""
    import importlib._bootstrap_external as loaders

    run()
    path = files(folder)[".py"]
    source = path.read_bytes()
    code = compile("raise SystemExit('planted')", str(path), "exec")
    planted = loaders._code_to_timestamp_pyc(code, int(path.stat().st_mtime), len(source))
    Path(importlib.util.cache_from_source(str(path))).write_bytes(planted)
    run()


def _no_room(*args: Any, **kwargs: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("what", ["pathlib.Path.mkdir", "tempfile.mkstemp", "os.replace"])
def test_a_full_disk(folder, monkeypatch, what):
    run()
    for path in files(folder).values():
        path.unlink()
    (folder / "__pycache__").rmdir()
    folder.rmdir()
    monkeypatch.setattr(what, _no_room)
    with pytest.warns(RuntimeWarning, match=r"kernel cache .*No space left.*PULLBACK_CACHE"):
        run()
    run()  # said once
    assert not [p for p in folder.rglob("*") if p.is_file()]


def test_a_disk_that_cannot_be_read(folder, monkeypatch):
    def broken(*args: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    run()
    monkeypatch.setattr("pathlib.Path.read_bytes", broken)
    with pytest.warns(RuntimeWarning, match=r"kernel cache .*error.*PULLBACK_CACHE"):
        run()
    run()


def test_a_disk_that_is_full_for_numba_alone(folder, monkeypatch):
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", _no_room)
    run()
    assert set(files(folder)) == {".py", ".sha256"}
    monkeypatch.undo()


def test_a_disk_that_is_really_full(folder):
    """A limit on the size of files, which holds for root too."""
    pytest.importorskip("resource", reason="limits are set by Unix")
    text = (
        "import resource, warnings, numpy as np, pullback as pb\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "compiled = pb.compile(lambda x: pb.xp.sum(x * x + 3.0), fast=True)\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    for x in (1.0, 2.0, 3.0):\n"
        "        assert float(compiled(np.full(7, x))) == 7 * (x * x + 3)\n"
        "assert len([w for w in seen if 'kernel cache' in str(w.message)]) == 1, seen\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not files(folder)


@pytest.mark.parametrize("what", ["a file", "a file above", "no link's end"])
def test_no_folder_to_be_had(folder, what, monkeypatch):
    if what == "a file":
        folder.write_text("")
    elif what == "a file above":
        folder.write_text("")
        monkeypatch.setenv("PULLBACK_CACHE", str(folder / "inside"))
    else:
        folder.symlink_to(folder.parent / "nowhere")
    with pytest.warns(RuntimeWarning, match="kernel cache .*cannot be made"):
        run()


# ── whose it is ───────────────────────────────────────────────────────────────────────────────

UNIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and permissions of Unix")


def refused(match: str) -> None:
    """Nothing on the disk is read or written, and a warning says why and what to do."""
    with pytest.warns(RuntimeWarning, match=rf"(?s){match}.*Delete it.*PULLBACK_CACHE"):
        run()
    with warnings.catch_warnings():  # said once
        warnings.simplefilter("error")
        run()


@UNIX
@pytest.mark.parametrize("mode", [0o770, 0o720, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_may_write_to(folder, mode):
    run()
    kernel = files(folder)[".nbi"]
    kernel.write_bytes(b"planted")
    folder.chmod(mode)
    refused(f"others may write to .*{mode:04o}")
    assert kernel.read_bytes() == b"planted"
    folder.chmod(0o700)
    run()
    assert kernel.read_bytes() != b"planted"


@UNIX
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_folder_that_others_may_only_read(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    run()
    assert hits(folder) == 1


@UNIX
def test_machine_code_in_a_folder_that_others_may_write_to(folder):
    run()
    (folder / "__pycache__").chmod(0o777)
    refused("others may write to .*__pycache__")


@UNIX
def test_a_folder_of_somebody_else(folder, monkeypatch):
    run()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    refused(f"belongs to user {me}, not to {me + 1}")


@UNIX
@pytest.mark.parametrize("what", ["folder", "machine code", "link"])
def test_a_folder_that_was_given_away(folder, tmp_path, what):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    run()
    if what == "link":
        folder.rename(tmp_path / "real")
        folder.symlink_to(tmp_path / "real")
        os.lchown(folder, 12345, 12345)
    else:
        os.chown(folder if what == "folder" else folder / "__pycache__", 12345, 12345)
    refused("belongs to user 12345")


@UNIX
def test_a_link_to_a_folder_of_ones_own(folder, tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "real")
    run()
    assert hits(folder) == 1
    (tmp_path / "real").chmod(0o777)
    refused("others may write to")


@UNIX
def test_numbas_own_setting(folder, tmp_path, monkeypatch):
    """``NUMBA_CACHE_DIR`` sends machine code elsewhere; the same is asked of that place."""
    elsewhere = tmp_path / "numba"
    elsewhere.mkdir(mode=0o700)
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(elsewhere))
    run()
    assert hits(folder) == 1
    (found,) = elsewhere.rglob("*.nbi")
    found.write_bytes(b"damaged")
    run()
    found.parent.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others may write to"):
        run()
