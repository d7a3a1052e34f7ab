"""Locks and other state that a forked process begins anew, since the threads that used them are not in it.

A fork takes along the thread that forks, and the memory of all. A lock that another thread held at that moment stays
locked in the child for ever, since the thread that would let it go is not there.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[[], object])


def in_child(forget: _Function) -> _Function:
    """Have a function without arguments called in each process that is forked from this one; a decorator.

    The functions are called in the order in which they were registered, after all locks of this module were renewed.
    Windows has no forks, and calls none.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)
    return forget


class ForkSafeLock:
    """A lock that a forked process gets anew, used as ``with lock.current:``.

    What it protects may be half done in the child. So each holder leaves behind, at every line, what the next one can
    begin anew from, as it has to for an interrupt.

    Attributes
    ----------
    current : threading.Lock
        The lock of this process. It is Python's own: in a method ``__enter__`` of this class, Ctrl-C could come out
        between taking the lock and entering the block, and nobody would let go of it. A thread that forks within a
        block lets go of the lock that it took.
    """

    __slots__ = ("__weakref__", "current")

    def __init__(self) -> None:
        self.current = threading.Lock()
        _LOCKS.add(self)


_LOCKS: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()


@in_child
def _renew() -> None:
    for lock in list(_LOCKS):
        lock.current = threading.Lock()


def hold_while_forking(acquire: Callable[[], object], release: Callable[[], object]) -> None:
    """Have a fork wait for a lock that cannot be renewed, as another library's: in parent and child it is then free."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=acquire, after_in_parent=release, after_in_child=release)
