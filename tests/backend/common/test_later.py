"""Modules that are loaded on first use: one object before and after, whole for every thread, tried again on errors."""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

import pytest

from pullback.backend.common import later
from pullback.backend.common.later import loaded_later

from ..._fork import FORKS, exit_code

SOURCE = '''"""The docstring."""
import time
loads = 1
time.sleep(0.05)
def f():
    return 1
def __getattr__(name):
    raise AttributeError(f"no {name}: use f")
def __dir__():
    return ["f"]
__all__ = ["f"]
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a module, and give the name under which it is loaded later."""
    (tmp_path / "laterlib").mkdir()
    (tmp_path / "laterlib" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str, name: str = "part") -> str:
        (tmp_path / "laterlib" / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return f"laterlib.{name}"

    yield write
    for name in [n for n in sys.modules if n.split(".")[0] == "laterlib"]:
        del sys.modules[name]


def _is_loaded(module: ModuleType) -> bool:
    return type(module) is ModuleType


def test_names_load_it_and_imports_do_not(package):
    name = package(SOURCE)
    module = loaded_later(name)
    assert importlib.import_module(name) is module is sys.modules[name] is loaded_later(name)
    assert module.__name__ == name
    assert not _is_loaded(module)
    assert module.f() == 1
    assert _is_loaded(module)


def test_the_first_name_may_be_one_that_the_module_makes_itself(package):
    module = loaded_later(package("def __getattr__(name):\n    return name.upper()\n"))
    assert module.gamma == "GAMMA"


@pytest.mark.parametrize(
    ("look", "answer"),
    [
        (dir, ["f"]),
        (vars, None),
        (lambda m: m.__doc__, "The docstring."),
        (lambda m: hasattr(m, "g"), False),
        (lambda m: m.__all__, ["f"]),
    ],
)
def test_every_look_at_it_is_at_the_whole(package, look, answer):
    module = loaded_later(package(SOURCE))
    got = look(module)
    assert got == answer if answer is not None else "f" in got
    assert _is_loaded(module)
    with pytest.raises(AttributeError, match="no g: use f"):
        module.g  # noqa: B018 - the look is what is tested


def test_what_is_set_before_stays(package):
    module = loaded_later(package(SOURCE))
    module.f = 7
    assert module.f == 7
    module = loaded_later(package(SOURCE, "other"))
    del module.f
    with pytest.raises(AttributeError, match="no f"):
        module.f  # noqa: B018 - the look is what is tested


def test_threads_see_it_whole_and_load_it_once(package):
    counting = "import laterlib\nlaterlib.count = getattr(laterlib, 'count', 0) + 1\n"
    module = loaded_later(package(counting + SOURCE))
    barrier, got = threading.Barrier(8), []

    def look() -> None:
        barrier.wait()
        got.append(module.f())

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [1] * 8
    assert sys.modules["laterlib"].count == 1


def test_an_error_is_raised_again_and_then_loaded(package):
    module = loaded_later(package("raise OSError('away')"))
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            module.f()
    package(SOURCE + "# longer\n")
    assert module.f() == 1


def test_a_module_may_use_itself_while_it_is_loaded(package):
    name = package("import sys\na = 1\nb = sys.modules[__name__].a + 1")
    assert loaded_later(name).b == 2


def test_a_package_is_loaded_before_a_module_in_it(package, tmp_path):
    package("")
    (tmp_path / "laterlib" / "inner").mkdir()
    (tmp_path / "laterlib" / "inner" / "__init__.py").write_text("from .b import c\n")
    (tmp_path / "laterlib" / "inner" / "b.py").write_text("from . import d\nc = d.e\n")
    (tmp_path / "laterlib" / "inner" / "d.py").write_text("e = 1\n")
    inner = loaded_later("laterlib.inner")
    assert importlib.import_module("laterlib.inner.b").c == 1
    assert _is_loaded(inner)
    assert inner.c == 1


def test_threads_that_wait_for_each_other_are_told(package, monkeypatch):
    module = loaded_later(package(SOURCE))
    monkeypatch.setattr(later, "PATIENCE", 0.05)
    got = []

    def look() -> None:
        with pytest.raises(ImportError, match=r"laterlib\.part: another thread loads it"):
            module.f()
        got.append(True)

    with later.LOADING:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert got == [True]
    assert module.f() == 1


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_waits_for_what_another_thread_loads(package, monkeypatch):
    """Its child finds the module whole, and the lock free."""
    monkeypatch.setattr(later, "PATIENCE", 5.0)
    begun = "import laterlib\nlaterlib.begun.set()\n"
    module, other = loaded_later(package(begun + SOURCE)), loaded_later(package(SOURCE, "other"))
    laterlib = importlib.import_module("laterlib")
    laterlib.begun = threading.Event()
    thread = threading.Thread(target=lambda: module.f())
    thread.start()
    assert laterlib.begun.wait(60)
    assert exit_code(lambda: module.f() == 1 == other.f()) == 0
    thread.join()
    assert module.f() == 1 == other.f()


@FORKS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_does_not_wait_without_end(package, monkeypatch):
    """For a thread that waits for what the thread that forks is importing."""
    module = loaded_later(package(SOURCE))
    monkeypatch.setattr(later, "PATIENCE", 0.05)
    held, end = threading.Event(), threading.Event()

    def hold() -> None:
        with later.LOADING:
            held.set()
            end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)

    def refused() -> bool:
        with pytest.raises(ImportError, match="another thread loads it"):
            module.f()
        return True

    assert exit_code(refused) == 0
    end.set()
    thread.join()
    assert module.f() == 1


def test_a_module_that_is_not_there(package):
    package("")
    with pytest.raises(ImportError, match=r"laterlib\.absent is not there"):
        loaded_later("laterlib.absent")
