"""Tests of `autograd/compile/cpu/background.py`: no call waits for numba, and nothing is left behind."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import background, families
from pullback.autograd.compile.cpu import numba_cache as cache
from pullback.autograd.compile.cpu import numba_kernels as native
from pullback.backend.common.forks import ForkSafeLock

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("numba"), reason="numba is not installed (extra `fast`)"
)
X = np.arange(12.0).reshape(3, 4)
# Seconds between two calls that look for a kernel: the process that compiles it needs the core that calls would take.
PAUSE = 0.01
# Seconds in which a signal that ended a process would have: it gets it in a millisecond, and its core in a few.
TO_DIE = 0.05


def f(x: Any, scale: Any) -> Any:
    return x * scale + 1.0, xp.sum(x * 3.0, axis=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Any) -> Iterator[Path]:
    """A process that knows no kernel, and compiles for `fast=None` in the background."""
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.delenv("PULLBACK_FAST")
    monkeypatch.setattr(families, "_FAMILIES", {})
    monkeypatch.setattr(native, "_LOADED", {})
    monkeypatch.setattr(background, "_PROCESS", None)
    monkeypatch.setattr(background, "INTERVAL", 0.0)
    yield tmp_path
    background.end()


class Process:
    """What is requested is compiled when the test says so."""

    made: list[Process]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: list[Any] = []
        self.ended: int | None = None
        Process.made.append(self)

    def is_alive(self) -> bool:
        return self.ended is None

    def failed(self) -> bool:
        return self.ended not in (None, 0)

    def request(self, sources: list[Any]) -> None:
        self.sources += sources

    def send(self) -> None: ...

    def end(self) -> None:
        self.ended = 0

    def finish(self) -> None:
        for source in self.sources:
            interpreted(source)


def interpreted(source: Any) -> Any:
    """A kernel that Python runs as it is written, as if it had been compiled."""
    lines = [line for line in source.text.split("\n") if "numba" not in line]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)
    native._LOADED[source.name] = scope["kernel"]
    return scope["kernel"]


@pytest.fixture
def process(folder: Path, monkeypatch: Any) -> type[Process]:
    """No numba, and no process but in name."""
    monkeypatch.setattr(Process, "made", [], raising=False)
    monkeypatch.setattr(background, "_Process", Process)
    monkeypatch.setattr(native, "compiled", interpreted)
    return Process


def runs_kernels(compiled: Any) -> bool:
    return "kernel" in compiled._executables[0].source


def check(compiled: Any, x: Any, scale: float) -> Any:
    wanted = f(x.copy(), scale)
    out = compiled(x, scale)
    for a, b in zip(out, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    return out


def test_numpy_until_the_kernels_are_there(process):
    compiled = pb.compile(f)
    check(compiled, X, 0.5)
    assert process.made == []  # a function that is called once wants none
    kept = check(compiled, X, 2.0)
    assert not runs_kernels(compiled)
    assert "1 is being compiled by another process; NumPy until it is there" in compiled.program()
    before = [y.copy() for y in kept]
    process.made[0].finish()
    for scale in (3.0, 4.0, 5.0):
        check(compiled, X, scale)
    assert runs_kernels(compiled)
    assert "another process" not in compiled.program()
    for a, b in zip(kept, before, strict=True):  # of the code before
        np.testing.assert_array_equal(a, b)
    assert len(process.made) == 1


def test_arrays_that_are_donated_stay_in_place(process):
    compiled = pb.compile(lambda x, scale: x * scale + 1.0, donate_argnums=0)
    x = compiled(X.copy(), 0.5)
    for i in range(6):
        if i == 3:
            process.made[0].finish()
        before, wanted = x, x * 0.5 + 1.0
        x = compiled(x, 0.5)
        assert x is before
        np.testing.assert_allclose(x, wanted, rtol=1e-12)
        assert runs_kernels(compiled) is (i >= 3)


def test_threads_that_call_while_kernels_come(process):
    compiled = pb.compile(f)
    compiled(X, 1.0)
    compiled(X, 1.0)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        x = X + seed
        for i in range(200):
            out = compiled(x, float(i))
            if any(not np.allclose(a, b) for a, b in zip(out, f(x, float(i)), strict=True)):
                wrong.append((seed, i))
            if seed == 0 and i == 60:
                process.made[0].finish()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert runs_kernels(compiled)


def test_a_second_program_is_compiled_by_the_same_process(process):
    compiled = pb.compile(f)
    for n in (3, 5, 6, 7):
        compiled(np.ones((n, 4)), 1.0)
        compiled(np.ones((n, 4)), 1.0)
    assert len(process.made) == 1
    # a literal one, and one for all other sizes
    assert len({source.name for source in process.made[0].sources}) == 2
    process.made[0].finish()
    for n in (3, 5, 6, 7, 8):
        check(compiled, np.ones((n, 4)), 2.0)
        check(compiled, np.ones((n, 4)), 2.0)
        assert runs_kernels(compiled)
    assert len(process.made[0].sources) == 4  # and nothing for the last


@pytest.mark.parametrize("fast", [True, None])
def test_kernels_before_the_first_call_that_wants_them(process, monkeypatch, fast):
    if fast is None:
        monkeypatch.setenv("PULLBACK_FAST", "1")
    compiled = pb.compile(f, fast=fast)
    compiled(X, 1.0)
    check(compiled, X, 2.0)
    assert runs_kernels(compiled)
    assert process.made == []


# ── where there is no process ─────────────────────────────────────────────────────────────────


def compiled_here(process: type[Process]) -> Any:
    """A function that is compiled at its second call."""
    compiled = pb.compile(f)
    compiled(X, 1.0)
    check(compiled, X, 2.0)
    assert runs_kernels(compiled)
    return compiled


def test_no_process_can_be_started(process, monkeypatch):
    def refused(*_: Any) -> Any:
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(background, "_Process", refused)
    compiled_here(process)


@pytest.mark.parametrize("path", ["", None, "/opt/editor/editor"])
def test_programs_that_python_is_a_part_of(process, monkeypatch, path):
    monkeypatch.setattr(background.sys, "executable", path)
    compiled_here(process)
    assert process.made == []


def test_a_folder_that_is_not_trusted(process, monkeypatch):
    monkeypatch.setattr(cache, "trusted_folder", lambda: None)
    compiled_here(process)


def test_a_folder_that_cannot_be_written_to(process, monkeypatch):
    def full(*_: Any) -> Any:
        raise OSError("no space left")

    monkeypatch.setattr(background, "write_file", full)
    compiled_here(process)


def test_a_folder_that_may_not_be_looked_into(process, monkeypatch):
    def refused(*_: Any) -> Any:
        raise PermissionError("not yours")

    with monkeypatch.context() as within:
        within.setattr(cache.Path, "is_file", refused)
        assert not native.Source("kernel_x", "", ()).is_there()


def test_nothing_is_imported_from_the_working_directory(folder, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "queue.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(elsewhere)
    process = background._Process(folder)
    process.end()
    assert not (tmp_path / "ran").exists()


def test_a_process_that_fails(process):
    """What it cannot compile is compiled here."""
    compiled = pb.compile(f)
    for _ in range(3):
        check(compiled, X, 2.0)
    process.made[0].ended = 1
    check(compiled, X, 3.0)
    assert runs_kernels(compiled)
    assert len(process.made) == 1


def test_a_process_that_ended_with_its_request(process):
    compiled = pb.compile(f)
    check(compiled, X, 1.0)
    check(compiled, X, 2.0)
    process.made[0].ended = 0
    check(compiled, X, 3.0)
    assert len(process.made) == 2
    assert process.made[1].sources == process.made[0].sources
    process.made[1].ended = 0
    check(compiled, X, 4.0)  # enough is enough
    assert len(process.made) == 2
    assert runs_kernels(compiled)


def test_a_kernel_that_numba_refuses(process, monkeypatch):
    def refused(source: Any) -> Any:
        raise cache.CompileError("numba refused a kernel: no")

    monkeypatch.setattr(native, "compiled", refused)
    compiled = pb.compile(f)
    check(compiled, X, 1.0)
    check(compiled, X, 2.0)
    process.made[0].ended = 1
    with pytest.warns(RuntimeWarning, match="refused a kernel: no; it runs without kernels"):
        check(compiled, X, 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(compiled, X, 4.0)
    assert not runs_kernels(compiled)


def test_an_interrupt_while_the_code_is_made_anew(process, monkeypatch):
    compiled = pb.compile(f)
    check(compiled, X, 1.0)
    check(compiled, X, 2.0)
    process.made[0].finish()
    with monkeypatch.context() as patch:

        def interrupt(*_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

        patch.setattr(pb.autograd.compile.executable, "assemble", interrupt)
        with pytest.raises(KeyboardInterrupt):
            compiled(X, 3.0)
    check(compiled, X, 4.0)
    assert runs_kernels(compiled)


def test_loops_within_a_program_are_compiled_here(process):
    """Their bodies are let go of after the first call, and cannot be laid out anew."""

    def total(x: Any) -> Any:
        c, rows = pb.scan(lambda c, row: (c * 0.5 + row, c * row), x[0] * 0, x)
        return c * 2.0 + 1.0, rows

    compiled = pb.compile(total)
    wanted = total(X)
    for i in range(5):
        for a, b in zip(compiled(X), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        assert runs_kernels(compiled) is (i > 2)
        if i == 2:
            process.made[0].finish()
    assert len(process.made) == 1


# ── the process itself ────────────────────────────────────────────────────────────────────────


def test_a_process_compiles_and_is_gone(folder, monkeypatch):
    def work() -> int:
        compiled = pb.compile(f)
        deadline, calls = time.monotonic() + 90, 0
        while time.monotonic() < deadline:
            check(compiled, X, float(calls))
            calls += 1
            if calls > 2 and compiled._executables[0].pending is None:
                break
            time.sleep(PAUSE)
        assert runs_kernels(compiled)
        return calls

    compiled_in_this: list[Any] = []
    original = native._compile

    def watched(kernel: Any, types: Any) -> None:
        original(kernel, types)
        compiled_in_this.append(not sum(kernel.stats.cache_hits.values()))

    monkeypatch.setattr(native, "_compile", watched)
    assert work() > 3
    process = background._PROCESS
    assert process is not None
    assert process.is_alive()
    assert compiled_in_this == [False]
    process.popen.send_signal(signal.SIGINT)  # Ctrl-C is for the program alone
    time.sleep(TO_DIE)
    assert process.is_alive()
    monkeypatch.setattr(background, "TO_END", 30.0)  # on a busy machine it may not be killed either
    background.end()
    assert process.popen.returncode == 0
    # a new process finds all of it there
    native._LOADED.clear()
    families._FAMILIES.clear()
    assert work() == 3
    assert background._PROCESS is None
    assert compiled_in_this == [False, False]


def test_a_process_ends_with_the_pipe_even_while_it_imports(folder):
    process = background._Process(folder)
    process.pipe.close()
    assert process.popen.wait(30) == 0


def test_a_process_without_requests_ends_by_itself(folder, monkeypatch):
    """While a thread of it waits for the pipe, which Python may not close then."""
    start = background._START.replace(
        "serve(requests)", 'serve.__globals__["IDLE"] = 0.01; serve(requests)'
    )
    monkeypatch.setattr(background, "_START", start)
    process = background._Process(folder)
    assert process.popen.wait(30) == 0
    process.end()


def test_requests_after_the_end(folder):
    """As of a thread that found the process alive just before another thread ended it."""
    process = background._Process(folder)
    process.end()
    process.request([native.Source("kernel_a", "", (int,))])
    assert process.unsent
    assert not process.is_alive()


def test_what_was_not_requested_is_not_compiled(folder):
    """The source that lies there has to be the one that was meant."""
    (folder / "kernel_a.py").write_text("def kernel(): raise SystemExit\n")
    requests = background.queue.SimpleQueue()
    requests.put(background.json.dumps(["kernel_a", "0" * 64, []]).encode())
    nice = os.nice(0)
    with pytest.raises(ValueError, match="kernel_a is not what was requested"):
        background.serve(requests)
    assert os.nice(0) >= nice


def test_a_full_pipe_makes_nobody_wait(folder):
    process: Any = object.__new__(background._Process)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process.pipe = os.fdopen(writing, "wb", buffering=0)
    process.requested, process.unsent, process.lock = set(), b"", ForkSafeLock()
    sources = [native.Source(f"kernel_{i}", "", (int, float)) for i in range(3000)]
    process.request(sources)
    assert process.unsent
    read = b""
    while process.unsent:
        read += os.read(reading, 1 << 16)
        process.send()
    process.pipe.close()
    while part := os.read(reading, 1 << 16):
        read += part
    os.close(reading)
    names = [background.json.loads(line)[0] for line in read.splitlines()]
    assert names == [source.name for source in sources]


def test_argument_types_on_the_way():
    for each in (
        int, float, (np.dtype("float32"), 1), (np.int64, 2), ("bool", 0), (np.dtype("float64"), 2, "A"),
        (np.float32, 1, "C", "read"),
    ):  # fmt: skip
        said = background.json.loads(background.json.dumps(background._as_json(each)))
        assert native._numba_type(background._from_json(said)) == native._numba_type(each)


def test_a_fork_starts_a_process_of_its_own(process):
    compiled = pb.compile(f)
    check(compiled, X, 1.0)
    check(compiled, X, 2.0)
    parent = process.made[0]
    reading, writing = os.pipe()
    parent.pipe = os.fdopen(writing, "wb", buffering=0)
    parent.popen = type("Popen", (), {"returncode": None})()
    background._forget()
    assert os.read(reading, 1) == b""  # this end is closed
    os.close(reading)
    parent.ended = 0  # as it is seen from a fork
    check(compiled, X, 3.0)
    assert len(process.made) == 2
    process.made[1].finish()
    check(compiled, X, 4.0)
    assert runs_kernels(compiled)
