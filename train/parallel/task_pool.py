"""Where independent tasks run: one after another in this process, or on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol

from ..errors import ClusterError, InputError, extra, one_line, shown
from .workers import Done, VersionThere, Workers, differs, timeout, version_here

# Seconds that workers have to end in before they are killed: a task cannot be broken off.
_CLOSING = 2.0

_ADDRESS = re.compile(r"([a-z]+://)?[^\s/:]+:[0-9]+|[a-z]+://\S+")


class Pool(Protocol):
    """Something that runs tasks."""

    def run(self, work: Callable[..., Any], tasks: Sequence[tuple[int, ...]], done: Done) -> Any:
        """The results of ``work(*task)`` in the order of the tasks, as an iterator."""


@dataclass(frozen=True)
class Here:
    """Tasks run one after another, in this process."""

    def run(
        self, work: Callable[..., Any], tasks: Sequence[tuple[int, ...]], done: Done
    ) -> Iterator[Any]:
        """The results of ``work(*task)`` in the order of the tasks; ``done(count)`` after each."""
        for count, task in enumerate(tasks, 1):
            result = work(*task)
            done(count)
            yield result


@contextlib.contextmanager
def task_pool(where: Any = None) -> Iterator[Pool]:
    """The pool that `where` names, open as long as the context.

    Parameters
    ----------
    where : None, str or distributed.Client
        None: this process. ``"local"``: processes on this computer, one for each core, each with one thread for BLAS.
        An address, as ``"tcp://host:8786"``, or the path of a scheduler file: the workers there. A client is used as it
        is, and left open.

    Raises
    ------
    ClusterError
        If there is no scheduler, none of its workers comes, or one has another pullback; each within
        ``PULLBACK_DASK_TIMEOUT`` seconds (30).
    MissingExtra
        Without `distributed`.

    Examples
    --------
    >>> with task_pool() as pool:
    ...     list(pool.run(lambda i: i * i, [(3,), (4,)], lambda count: None))
    [9, 16]
    """
    if where is None:
        yield Here()
        return
    # the time is checked before anything is waited for
    timeout()
    if not isinstance(where, str):
        if not hasattr(where, "submit") or getattr(where, "asynchronous", False):
            raise InputError(
                f"client={shown(where)}: give 'local', an address, or a distributed.Client that is not asynchronous"
            )
        yield _checked(where, "the client's cluster")
        return
    distributed = extra("distributed", "Dask", of="dask")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silence())
        if where == "local":
            yield _local(distributed, stack)
        else:
            yield _remote(distributed, where, stack)


def _local(distributed: Any, stack: contextlib.ExitStack) -> Workers:
    system = extra("dask.system", "Dask", of="dask")
    try:
        with _without_ctrl_c():
            # No limit of memory: Dask would pause and kill workers at a share of the computer's that nobody chose.
            cluster = distributed.LocalCluster(
                n_workers=system.CPU_COUNT,
                threads_per_worker=1,
                processes=True,
                memory_limit=None,
                # no dashboard; and port 8787, where it would be, is left to others
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                silence_logs=logging.CRITICAL,
            )
            stack.callback(_end, cluster)
        client = distributed.Client(cluster, timeout=timeout(), set_as_default=False)
        stack.callback(_quietly, client.close, timeout=_CLOSING)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"the local cluster did not start: {one_line(error)} (a script that starts one does so "
            "under: if __name__ == '__main__')"
        ) from error
    return Workers(client, "the local cluster")


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Threads and processes that are started here never see Ctrl-C; this thread does, afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # it would unblock the signal when the first process starts
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(cluster: Any) -> None:
    """The workers of a local cluster are killed: asked to close, they would wait for the tasks that they are in."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(nanny.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    _quietly(cluster.close, timeout=_CLOSING)


def _remote(distributed: Any, where: str, stack: contextlib.ExitStack) -> Workers:
    address = _address(where)
    _ask(distributed, address)
    try:
        client = distributed.Client(address, timeout=timeout(), set_as_default=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(f"{where}: {one_line(error)}") from error
    stack.callback(_quietly, client.close, timeout=_CLOSING)
    return _checked(client, where)


def _ask(distributed: Any, address: str) -> None:
    """Whether a scheduler answers at the address: a client would wait for ever for a program that says nothing.

    Raises
    ------
    ClusterError
        If none does in time.
    """

    async def identity() -> Any:
        arguments = distributed.Security().get_connection_args("client")
        # shorter than the whole, so that a refusal is told as one
        limit = 0.8 * timeout()
        async with distributed.rpc(address, timeout=limit, connection_args=arguments) as there:
            return await there.identity()

    async def in_time() -> Any:
        return await asyncio.wait_for(identity(), timeout())

    found = _within(timeout() + _CLOSING, lambda: asyncio.run(in_time()))
    if isinstance(found, dict) and found.get("type") == "Scheduler":
        return
    if isinstance(found, dict):
        why = f"but a {one_line(found.get('type'))} does"
    else:
        why = one_line(getattr(found, "__cause__", None) or found or "") or "nothing was said"
    raise ClusterError(
        f"{shown(address)}: no Dask scheduler answers there within {timeout():g} s ({why})"
    )


def _address(where: str) -> str:
    """The address in a scheduler file, or the one given."""
    path = Path(where)
    if path.is_file():
        try:
            return str(json.loads(path.read_bytes())["address"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise ClusterError(f"{where} is no scheduler file: it holds no address") from None
    if not _ADDRESS.fullmatch(where):
        raise ClusterError(
            f"{shown(where)} is neither 'local', nor an address as tcp://host:8786, nor a scheduler file that is there"
        )
    return where


def _checked(client: Any, where: str) -> Workers:
    """The pool of a client whose workers are there and have this pullback."""
    try:
        client.wait_for_workers(1, timeout=timeout())
    except TimeoutError:
        raise ClusterError(
            f"{where}: the scheduler answers, but no worker joined it within {timeout():g} s; "
            "start some with: dask worker ADDRESS"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(f"{where}: {one_line(error)}") from error
    found = _within(
        timeout(),
        lambda: client.run(pickle.loads, pickle.dumps(VersionThere()), on_error="return"),
    )
    # workers too busy to answer check for themselves what they are sent
    others: dict[str, list[str]] = {}
    for worker, version in found.items() if isinstance(found, dict) else ():
        if version != version_here():
            lacks = "none" if isinstance(version, Exception) else one_line(version)
            others.setdefault(lacks, []).append(worker)
    if others:
        raise ClusterError(f"{where}: {differs(version_here(), others)}")
    return Workers(client, where)


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """What the function returns or raises, or None where it has not by then."""
    found: list[Any] = []

    def call() -> None:
        try:
            found.append(function())
        # reported by the caller, in its own words
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None


def _quietly(close: Callable[..., Any], **settings: Any) -> None:
    # the results are here, or the error that ended it is on its way
    with contextlib.suppress(Exception):
        close(**settings)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Dask's logs, which report each worker lost, are still: what matters of it becomes an error here."""
    logs = [logging.getLogger("distributed")]
    logs += [log for log in map(logging.getLogger, _names_of_logs()) if log.level]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def _names_of_logs() -> list[str]:
    return [n for n in logging.root.manager.loggerDict if n.startswith("distributed.")]
