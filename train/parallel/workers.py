"""Tasks on the workers of a Dask cluster: what is sent there, and what comes back.

What is sent travels as bytes and is called by functions of the standard library, so that a scheduler needs no pullback:
only the workers do. The bytes stay with the scheduler, and a worker that takes the place of one that died gets them
from there.
"""

from __future__ import annotations

import contextlib
import importlib
import operator
import os
import pickle
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ClusterError, InputError, extra, listed, one_line, shown

# Seconds that a scheduler has to answer in, a first worker to come, and a cluster to be without workers.
_TIMEOUT = 30.0
# Seconds between two looks at whether there still are workers.
_LOOK = 1.0
# ``done(count)``: so many tasks have ended.
Done = Callable[[int], None]


@dataclass(frozen=True)
class Workers:
    """Tasks run on the workers of a Dask cluster.

    Attributes
    ----------
    client : distributed.Client
    where : str
        The cluster in words, for messages.
    """

    client: Any
    where: str

    def run(
        self, work: Callable[..., Any], tasks: Sequence[tuple[int, ...]], done: Done
    ) -> Iterator[Any]:
        """The results of ``work(*task)`` in the order of the tasks; ``done(count)`` as tasks end, in any order.

        `work` is pickled, sent once and kept on each worker. The first task in order that raises raises here, whichever
        failed first. A task whose worker dies is begun again elsewhere, as often as the scheduler's setting
        ``distributed.scheduler.allowed-failures`` says (3).

        Raises
        ------
        ClusterError
            If a task's workers died too often, and if the scheduler or all of the workers stay away.
        """
        dask, name = extra("dask", "Dask", of="dask"), f"pullback-{uuid.uuid4().hex}"
        sent = pickle.dumps(Sent(version_here(), work))
        futures: list[Any] = []
        ended = _Counter(done)
        # the data are the large part of the graph, by design
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PB"}):
            whole = self.client.submit(pickle.loads, sent, key=f"{name}-data", pure=False)
        try:
            for number, task in enumerate(tasks):
                key = f"{name}-task-{number}"
                future = self.client.submit(
                    operator.call, whole, *task, key=key, priority=-number, pure=False
                )
                future.add_done_callback(ended.note)
                futures.append(future)
            for future in futures:
                yield self._result(future)
            ended.close(len(tasks))
        finally:
            ended.close()
            with contextlib.suppress(Exception):
                self.client.cancel([whole, *futures], force=True)

    def _result(self, future: Any) -> Any:
        seen = time.monotonic()
        while True:
            try:
                return future.result(timeout=_LOOK)
            except Exception as error:
                if not isinstance(error, TimeoutError) or future.status == "error":
                    raise self._explained(error) from error
            if self._anyone():
                seen = time.monotonic()
            elif time.monotonic() - seen > timeout():
                raise ClusterError(
                    f"{self.where}: no worker is left that runs tasks, for {timeout():g} s; "
                    "what was finished is in the table"
                )

    def _anyone(self) -> bool:
        """Whether the scheduler says that there is a worker, not paused for want of memory."""
        try:
            found = self.client.sync(self.client.scheduler.identity, callback_timeout=timeout())
        # whatever an unreachable scheduler raises: the caller counts the time
        except Exception:
            return False
        return any(w.get("status", "running") == "running" for w in found["workers"].values())

    def _explained(self, error: Exception) -> Exception:
        kind = type(error).__name__
        # what is sent cannot be unpickled there: a worker that came later, or a copy of the same version that differs
        if isinstance(error, ModuleNotFoundError):
            absent = str(error.name).partition(".")[0] == _package()
        else:
            absent = isinstance(error, AttributeError) and "Can't get attribute" in str(error)
        if absent:
            return ClusterError(
                f"{self.where}: a worker has another pullback than {version_here()} as it is here, or none "
                f"({one_line(error)})"
            )
        if kind == "KilledWorker":
            return ClusterError(
                f"{self.where}: a task was begun on several workers, and each died in it (memory?); "
                f"the last was {error.last_worker.address}"  # type: ignore[attr-defined]  # Dask's own class
            )
        if kind in ("FutureCancelledError", "CancelledError", "FuturesCancelledError"):
            return ClusterError(f"{self.where}: the tasks were cancelled, or the scheduler is gone")
        return error


@dataclass
class _Counter:
    """The number of tasks that have ended, told from the client's threads, and not after the end."""

    done: Done
    count: int = 0
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, future: Any) -> None:
        with self.lock:
            if not self.closed and future.status in ("finished", "error"):
                self.count += 1
                self.done(self.count)

    def close(self, total: int = 0) -> None:
        """Tell of those of `total` of which nothing was noted yet, and of no more."""
        with self.lock:
            while self.count < total:
                self.count += 1
                self.done(self.count)
            self.closed = True


@dataclass(frozen=True)
class Sent:
    """A function that checks, where it is unpickled, that the pullback there is of the version that sent it.

    Attributes
    ----------
    version : str
    work : callable
    """

    version: str
    work: Callable[..., Any]

    def __call__(self, *task: int) -> Any:
        """The function itself."""
        return self.work(*task)

    def __reduce__(self) -> Any:
        return _received, (self.version, pickle.dumps(self.work))


def _received(version: str, work: bytes) -> Sent:
    # the version is looked at before what it may not be able to read
    if version != version_here():
        raise ClusterError(differs(version, {version_here(): ["a worker"]}))
    return Sent(version, pickle.loads(work))


class _PackageThere:
    """An object that is unpickled as the package there, whichever version it is."""

    def __reduce__(self) -> Any:
        return importlib.import_module, (_package(),)


class VersionThere:
    """An object that is unpickled as the version of the package there."""

    def __reduce__(self) -> Any:
        return getattr, (_PackageThere(), "__version__")


class Unwanted(Exception):
    """A task's own end, where nobody waits for it any more."""


def stop_if_unwanted(*_: object) -> None:
    """End the task that calls, between two epochs, where it was cancelled; elsewhere this does nothing.

    Raises
    ------
    Unwanted
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return
    try:
        worker = distributed.get_worker()
        task = worker.state.tasks[worker.get_current_task()]
    # no task of a worker
    except (ValueError, AttributeError, KeyError):
        return
    if task.state == "cancelled":
        raise Unwanted


def timeout() -> float:
    """The seconds of waiting, ``PULLBACK_DASK_TIMEOUT``.

    Raises
    ------
    InputError
        If it is no positive number.
    """
    text = os.environ.get("PULLBACK_DASK_TIMEOUT", "") or str(_TIMEOUT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise InputError(f"PULLBACK_DASK_TIMEOUT={shown(text)} is no number of seconds above 0")
    return seconds


def differs(version: str, others: dict[str, list[str]]) -> str:
    """That workers have other versions than the one they need, in words."""
    there = "; ".join(f"{other} on {listed(workers, 3)}" for other, workers in others.items())
    return f"the workers need pullback {version}, as here; found {there}"


def _package() -> str:
    return __name__.partition(".")[0]


def version_here() -> str:
    """The version of this pullback."""
    return str(sys.modules[_package()].__version__)
