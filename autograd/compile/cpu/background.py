"""Kernels compiled by another process, while programs run by NumPy.

A thread would not do: numba is Python, which holds the interpreter's lock, and each time that a program wants it back
it waits for up to 5 ms. So one process of the same Python, started when the first kernel is wanted, compiles into the
folder of kernels (`numba_cache.py`); a program looks there now and then, and reads what has come.

The process reads from a pipe which kernels it should compile. It ends when the pipe is closed, however this process
came to its end, when nothing was requested of it for a while, and when it cannot compile a kernel or write it down.
What is missing then is compiled here, which says what is wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import queue
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ....backend.common.cache import cache_folder, write_file
from ....backend.common.forks import ForkSafeLock, in_child
from . import numba_cache as cache
from . import numba_kernels
from .numba_kernels import Source

# Seconds between two looks at what has come.
INTERVAL = 0.02
# How often the same kernels are requested: a process may come to its end just when it is given a request.
MOST_REQUESTS = 2

# Seconds without a request after which the process ends.
IDLE = 20.0
# Seconds that the process has for a normal end, in which it brings the cache within its bound, when the pipe is closed.
# Then it exits at once, in the midst of an import or a kernel, too.
GRACE = 0.3
# Seconds after which this process kills it: one that still runs was given none of the processor's time.
TO_END = 1.0

# It looks at the pipe from the beginning, so that it ends while it imports, or in the midst of a kernel, too. It reads
# the pipe as a file of its own: Python aborts where it closes `sys.stdin` while a thread waits for a line of it.
_START = """
import json, os, queue, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
requests = queue.SimpleQueue()
def read():
    for line in open(0, "rb", closefd=False):
        requests.put(line)
    requests.put("")
    time.sleep({grace})
    os._exit(0)
threading.Thread(target=read, daemon=True).start()
sys.path[:] = json.loads(sys.argv[1])
from {module} import serve
serve(requests)
"""


@dataclass
class Pending:
    """Kernels that were requested, and are not there yet."""

    sources: list[Source]
    folder: Path
    process: Any = None
    requests: int = 0
    next_look: float = 0.0
    lock: ForkSafeLock = field(default_factory=ForkSafeLock)

    def has_ended(self) -> bool:
        """Whether there is nothing more to wait for: all kernels are there, or nobody compiles them."""
        now, lock = time.monotonic(), self.lock.current
        if now < self.next_look or not lock.acquire(blocking=False):
            return False
        try:
            self.next_look = now + INTERVAL
            self.sources = [source for source in self.sources if not source.is_there()]
            if not self.sources:
                return True
            if self.process is not None and self.process.is_alive():
                self.process.send()
                return False
            refused = self.process is not None and self.process.failed()
            return refused or not self.request()
        finally:
            lock.release()

    def request(self) -> bool:
        """Request the kernels; whether there is a process that compiles them."""
        if self.requests == MOST_REQUESTS:
            return False
        self.requests += 1
        self.process = _requested(self.sources, self.folder)
        return self.process is not None


def compile_elsewhere(sources: list[Source]) -> Pending | None:
    """Have another process compile kernels; None where they have to be compiled here."""
    folder = cache.trusted_folder()
    if folder is None or not _is_python(sys.executable):
        return None
    pending = Pending(list(dict.fromkeys(sources)), folder)
    return pending if pending.request() else None


def _is_python(path: str | None) -> bool:
    """Whether a file runs Python and not a program that Python is a part of."""
    return bool(path) and not getattr(sys, "frozen", False) and Path(str(path)).name.startswith("python")  # fmt: skip


# ── the process, seen from here ───────────────────────────────────────────────────────────────


class _Process:
    """The process that compiles, and what was requested of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        start = _START.format(module=__name__, grace=GRACE)
        self.popen = subprocess.Popen(
            # -P: nothing may be imported from the folder that this process happens to be in
            [sys.executable, "-P", "-c", start, json.dumps([str(path) for path in sys.path])],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        assert self.popen.stdin is not None
        self.pipe = self.popen.stdin
        with contextlib.suppress(OSError, AttributeError):  # Windows waits where a pipe is full
            os.set_blocking(self.pipe.fileno(), False)
        self.requested: set[str] = set()  # the names of kernels
        self.unsent = b""
        self.lock = ForkSafeLock()

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    def failed(self) -> bool:
        """Whether it ended because it could not do what was requested."""
        return self.popen.poll() not in (None, 0)

    def request(self, sources: list[Source]) -> None:
        """Request those kernels that were not requested before."""
        with self.lock.current:
            for source in sources:
                if source.name not in self.requested:
                    self.requested.add(source.name)
                    digest = hashlib.sha256(source.text.encode()).hexdigest()
                    types = [_as_json(each) for each in source.argument_types]
                    self.unsent += json.dumps([source.name, digest, types]).encode() + b"\n"
        self.send()

    def send(self) -> None:
        """Write to the pipe what it has room for; nothing where the process, or another thread, closed it."""
        with self.lock.current, contextlib.suppress(OSError, ValueError):
            while self.unsent:
                written = self.pipe.write(self.unsent[:4096])
                if not written:
                    break
                self.unsent = self.unsent[written:]

    def end(self) -> None:
        """Let it come to its end, and wait for that."""
        with contextlib.suppress(OSError):
            self.pipe.close()
        try:
            self.popen.wait(TO_END)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


_PROCESS: _Process | None = None
_LOCK = ForkSafeLock()


def _requested(sources: list[Source], folder: Path) -> _Process | None:
    """The process, with a request for these; None if it cannot be started, or they cannot be written down."""
    global _PROCESS
    try:
        for source in sources:
            write_file(folder / f"{source.name}.py", source.text.encode())
        with _LOCK.current:
            process = _PROCESS
            if process is not None and not (process.is_alive() and process.folder == folder):
                process = end()
            if process is None:
                process = _PROCESS = _Process(folder)
    except (OSError, RuntimeError):  # no more processes or memory, or the interpreter ends
        return None
    process.request(sources)
    return process


@atexit.register
def end() -> None:
    """Let the process come to its end, if there is one."""
    global _PROCESS
    process, _PROCESS = _PROCESS, None
    if process is not None:
        process.end()


@in_child
def _forget() -> None:
    """Forget the process: a fork has one of its own, if it wants one."""
    global _PROCESS
    process, _PROCESS = _PROCESS, None
    if process is not None:
        process.popen.returncode = 0  # only its parent could ask whether it still runs
        with contextlib.suppress(OSError):
            process.pipe.close()


def _as_json(argument_type: Any) -> Any:
    if type(argument_type) is not tuple:
        return argument_type.__name__
    dtype, *rest = argument_type
    return [np.dtype(dtype).str, *rest]


# ── the process itself ────────────────────────────────────────────────────────────────────────


def serve(requests: Any) -> None:
    """Compile what is requested, until nothing is.

    Parameters
    ----------
    requests : queue.SimpleQueue
        Of lines, as `_Process.request` writes them; an empty one at their end.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # the program that waits has work to do, too
    folder = cache_folder()
    while True:
        try:
            line = requests.get(timeout=IDLE)
        except queue.Empty:
            line = ""
        if not line:
            return
        name, digest, types = json.loads(line)
        content = (folder / f"{name}.py").read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"{name} is not what was requested")
        source = Source(name, content.decode(), tuple(map(_from_json, types)))
        if not source.is_there():
            numba_kernels.compiled(source)
        if not (folder / f"{name}.sha256").is_file():
            raise OSError(f"{name} could not be written down")


def _from_json(said: Any) -> Any:
    if said in ("int", "float"):
        return {"int": int, "float": float}[said]
    dtype, *rest = said
    return (np.dtype(dtype), *rest)
