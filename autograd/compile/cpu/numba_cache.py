"""Kernels on disk: a file for each source, beside which numba keeps its machine code.

numba cannot cache code that has no file, so each source is written once, under a name made of its content, to
``PULLBACK_CACHE`` or ``~/.cache/pullback``. Whatever is wrong there (a full disk, a damaged file, another owner), a
kernel is compiled: a cache saves time, and is never needed.

*Safety.* numba keeps pickles and machine code, so who can write to the folder can run code as the user. What keeps
others out is that the folder is made for its owner alone (0700), and that one that another user owns, or that group or
others may write to, is not used. Only the folder itself is looked at: who may rename folders above it can put another
one there, but that one is theirs. Sources are compared as a whole with what was generated, and no ``.pyc`` is read.

*Size.* What a process wrote is counted, and when it ends the kernels that were not used for longest go if all take more
than ``PULLBACK_CACHE_MB``; in a process that writes a lot, before that.

*Damage.* The checksum beside a kernel is looked at before anything is unpickled: machine code with a flipped bit would
run. It keeps no attacker out, with or without a secret key: who can write a kernel here can read the key and write the
checksum.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import itertools
import linecache
import os
import stat
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ....backend.common.cache import cache_folder, make_folder, write_file
from . import cache_size


class CompileError(RuntimeError):
    """The error of a kernel that numba refused."""


def kept(text: str, name: str, compile_it: Callable[[Any], None]) -> Any:
    """The compiled function ``kernel`` of a source, read from the disk where that is possible.

    Parameters
    ----------
    text : str
        With ``cache=True, `` in its decorator.
    name : str
        Of its files.
    compile_it : callable
        Compiles the kernel, or has numba read it.
    """
    folder = trusted_folder()
    # the second time after all that is kept of this kernel was thrown away, by this process or another one
    for _ in range(2 if folder is not None else 0):
        assert folder is not None
        try:
            return _from_folder(text, name, folder, compile_it)
        except (MemoryError, CompileError):
            raise
        except FileNotFoundError:
            continue
        except OSError as error:
            _warn(
                f"{folder} cannot be used: {error}",
                "Make room or set PULLBACK_CACHE to another folder",
            )
            break
        # what unpickling and numba raise for files that say something else than they should
        except Exception:
            with contextlib.suppress(OSError):
                _forget(folder, name)
    kernel = _executed(text.replace("cache=True, ", ""), f"<pullback {name}>", name)
    compile_it(kernel)
    return kernel


def _warn(what: str, advice: str) -> None:
    _warn_once(
        f"pullback's kernel cache {what}. Kernels are compiled anew in each process. {advice}; or set PULLBACK_FAST=0 "
        "to run without kernels"
    )


@functools.cache
def _warn_once(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)


# ── whose folder it is ────────────────────────────────────────────────────────────────────────


def trusted_folder() -> Path | None:
    """The folder, made if it is not there; None, with a warning, where it cannot be made or trusted."""
    folder = cache_folder()
    try:
        wrong = refusal(make_folder()) or refusal(make_folder("__pycache__"))
    except OSError as error:
        _warn(
            f"{folder} cannot be made: {error}",
            "Set PULLBACK_CACHE to a folder that can be written to",
        )
        return None
    if wrong:
        _warn(
            f"{folder} is not used, since what lies there is run: {wrong}",
            "Delete it (it is made anew, for its owner alone), or set PULLBACK_CACHE to a folder of your own with "
            "permissions 0700",
        )
        return None
    return folder


def refusal(folder: Path) -> str:
    """Why nothing may be run that lies in a folder; empty if it is its user's alone to write to."""
    if not hasattr(os, "geteuid"):  # on Windows a user's folders are theirs by inheritance
        return ""
    me = os.geteuid()
    link, found = os.lstat(folder), os.stat(folder)
    if stat.S_ISLNK(link.st_mode) and link.st_uid != me:
        return f"{folder} is a link that belongs to user {link.st_uid}, not to {me}"
    if found.st_uid != me:
        return f"{folder} belongs to user {found.st_uid}, not to {me}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return (
            f"others may write to {folder} (its permissions are {stat.S_IMODE(found.st_mode):04o})"
        )
    return ""


# ── files ─────────────────────────────────────────────────────────────────────────────────────


def _from_folder(text: str, name: str, folder: Path, compile_it: Callable[[Any], None]) -> Any:
    path = folder / f"{name}.py"
    write_file(path, text.encode())
    kernel = _executed(text, str(path), name)
    # numba's own setting NUMBA_CACHE_DIR may send its files elsewhere
    compiled = Path(kernel.stats.cache_path)
    wrong = refusal(compiled)
    if wrong:
        raise PermissionError(wrong)
    line = kernel.py_func.__code__.co_firstlineno
    checksum = folder / f"{name}.sha256"
    known = checksum.is_file()
    found = _files(compiled, name, line)
    if known and not found:  # should numba ever name them otherwise, none is read unseen
        _forget_in(compiled, name)
    elif found and not (known and checksum.read_bytes() == _checksum(found)):
        for wrong_file in found:
            wrong_file.unlink(missing_ok=True)
    compile_it(kernel)
    with contextlib.suppress(OSError):  # the kernel is there, and is compiled again next time
        files = _files(compiled, name, line)
        if write_file(checksum, _checksum(files)):
            _note(folder, sum(file.stat().st_size for file in files))
        else:
            os.utime(checksum)  # when it was used last
    return kernel


def _executed(text: str, filename: str, name: str) -> Any:
    """The function ``kernel`` of a source. Not by import: that would take a ``.pyc`` for it."""
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    module = ModuleType(f"_pullback_{name}")
    module.__file__ = filename
    sys.modules[module.__name__] = module  # numba looks the module of a cached function up by name
    exec(compile(text, filename, "exec"), module.__dict__)
    return module.kernel


def _files(compiled: Path, name: str, line: int) -> list[Path]:
    """The files that numba keeps of a kernel whose source begins at a line, by their names.

    Not by a search: with 10,000 kernels, going through the folder took 90 ms, three times what reading one takes.
    """
    major, minor = sys.version_info[:2]
    base = f"{name}.kernel-{line}.py{major}{minor}{getattr(sys, 'abiflags', '')}"
    index = compiled / f"{base}.nbi"
    data = (compiled / f"{base}.{number}.nbc" for number in itertools.count(1))
    return sorted([*filter(Path.is_file, [index]), *itertools.takewhile(Path.is_file, data)])


def _checksum(files: list[Path]) -> bytes:
    total = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        total.update(f"{path.name} {len(content)} ".encode() + content)
    return total.hexdigest().encode()


def _forget(folder: Path, name: str) -> None:
    """Throw away what is kept of a kernel."""
    _forget_in(folder / "__pycache__", name)
    (folder / f"{name}.sha256").unlink(missing_ok=True)


def _forget_in(compiled: Path, name: str) -> None:
    for path in compiled.glob(f"{name}.kernel-*.nb[ic]"):
        path.unlink(missing_ok=True)


# ── how much it is ────────────────────────────────────────────────────────────────────────────

# Bytes that this process wrote to each folder since it was last brought within its bound.
_written: Counter[Path] = Counter()


def _note(folder: Path, size: int) -> None:
    """Count what was written. The folder is gone through when the process ends, or after a quarter of its bound."""
    _written[folder] += size
    if _written[folder] > cache_size.bound() / 4:
        _shrink(folder)


def _shrink(folder: Path) -> None:
    _written.pop(folder, None)
    with contextlib.suppress(OSError):
        if not refusal(folder) and not refusal(folder / "__pycache__"):
            cache_size.shrink(folder, cache_size.bound())


def kernels_on_disk() -> str:
    """Where kernels are kept, how many, and their bound, for people."""
    return cache_size.in_words(cache_folder())


@atexit.register
def _at_the_end() -> None:
    for folder in list(_written):
        _shrink(folder)
