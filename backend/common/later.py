"""Modules that are loaded when one of their names is first asked for.

`importlib.util.LazyLoader` does the same, but before Python 3.11.8 and 3.12.2 a second thread could see a module half
loaded (gh-114781). Here one lock is over all loading. So no module that is loaded later asks another one for a name
while it is itself imported by its own name: two threads would wait for each other, one with this lock and one with
the lock that Python has over each import. Should they, one of them gets an ImportError after `PATIENCE` seconds.

A fork waits until other threads have loaded what they are loading: its child has neither those threads, without which
a module would stay half loaded, nor a way to let go of Python's own locks over the imports in it.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

from .forks import hold_while_forking

LOADING = threading.RLock()
PATIENCE = 60.0

_FORKS: list[bool] = []  # whether each fork that is under way holds the lock


def _before_fork() -> None:
    _FORKS.append(LOADING.acquire(timeout=PATIENCE))


def _after_fork() -> None:
    if _FORKS and _FORKS.pop():  # empty where Ctrl-C ended the wait
        LOADING.release()


hold_while_forking(_before_fork, _after_fork)

# What the import system reads of a module that is in `sys.modules`, which is no use of it yet. It reads `__path__`
# where it imports a module of a package, which has to be loaded before.
_KNOWN = frozenset({"__class__", "__file__", "__loader__", "__name__", "__package__", "__spec__"})


class _Later(ModuleType):
    """A module before it is loaded; then its class is that of all modules, and it costs what they do."""

    def __getattribute__(self, name: str) -> Any:
        if name not in _KNOWN:
            _load(self)
        # of all modules, which asks a module's own `__getattr__` too
        return ModuleType.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, ModuleType):  # the import system sets the modules of a package
            _load(self)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _load(self)
        object.__delattr__(self, name)


_UNDER_WAY: set[str] = set()


def _load(module: ModuleType) -> None:
    name = module.__name__
    if not LOADING.acquire(timeout=PATIENCE):
        raise ImportError(
            f"{name}: another thread loads it, and waits for an import of this one; import it before threads start",
            name=name,
        )
    try:
        if type(module) is not _Later or name in _UNDER_WAY:
            return  # another thread has loaded it, or it is this thread, inside the module
        _UNDER_WAY.add(name)
        try:
            spec = module.__spec__
            assert spec is not None
            assert spec.loader is not None
            spec.loader.exec_module(module)
        finally:
            _UNDER_WAY.discard(name)
        # past `__setattr__`, which is the one of the class that it leaves
        object.__setattr__(module, "__class__", ModuleType)
    finally:
        LOADING.release()


def loaded_later(name: str) -> ModuleType:
    """The module of that full name: the one that is there, or one that its first use loads.

    Raises
    ------
    ImportError
        If there is no such module.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not there", name=name)
    module = importlib.util.module_from_spec(spec)
    object.__setattr__(module, "__class__", _Later)
    sys.modules[name] = module
    return module
