"""Ranks that are threads of one process: for tests, for trying out, and for a world of one."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import RawArray
from .base import Communicator, DistributedError, as_array, ranks_text
from .request import Request
from .waiting import Wait, circle_of, circle_text

# The communicator of the rank that this thread is, within `simulate`.
SIMULATED: contextvars.ContextVar[Communicator | None] = contextvars.ContextVar(
    "simulated", default=None
)


# The world that this process has joined, if it has.
STARTED: list[Communicator] = []


class _Stopped(DistributedError):
    """Another rank has failed, and its error is the one to show."""


@dataclass(eq=False)
class Hub:
    """What the threads share.

    Attributes
    ----------
    changed : Condition
        Held while anything here is looked at; notified when it changes.
    slots : dict
        What ranks have given for each exchange, by ``(channel, number of the exchange)``.
    calls : dict
        The number of the last exchange that each rank of the world has come to, in each channel.
    waits : dict
        What ranks of the world wait in.
    ended : set of int
        Ranks of the world that have returned.
    failed : int or None
        The first rank of the world that raised.
    provisional : bool
        Whether this is the world of one rank that there is before another world is made.
    """

    changed: threading.Condition = field(default_factory=threading.Condition)
    slots: dict[Any, dict[int, Any]] = field(default_factory=dict)
    calls: dict[int, dict[Any, int]] = field(default_factory=dict)
    waits: dict[int, Wait] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    failed: int | None = None
    provisional: bool = False

    def fail(self, rank: int) -> None:
        """Say that a rank has raised: all that wait, or will, stop."""
        with self.changed:
            if self.failed is None:
                self.failed = rank
            self.changed.notify_all()

    def end(self, rank: int) -> None:
        """Say that a rank takes part no longer."""
        with self.changed:
            self.ended.add(rank)
            self.changed.notify_all()


class ThreadCommunicator(Communicator):
    """A group of threads; arrays of any library are passed on as they are, summed in the order of ranks."""

    name = "threads"

    def __init__(
        self, hub: Hub, rank: int, members: list[int], group: Any = (), timeout: float | None = None
    ) -> None:
        super().__init__(rank, len(members), timeout)
        self.hub, self.members, self.group = hub, members, group

    def post(self, value: Any, what: str, channel: str = "arrays") -> Any:
        """Give something to the others, and the key of the exchange."""
        self._check_usable(what)
        with self.hub.changed:
            calls = self.hub.calls.setdefault(self.members[self.rank], {})
            name = (self.group, channel)
            calls[name] = calls.get(name, 0) + 1
            key = (name, calls[name])
            slot = self.hub.slots.setdefault(key, {})
            slot[self.rank] = value
            if len(slot) == self.size:
                self.hub.changed.notify_all()
        return key

    def _check_usable(self, what: str) -> None:
        """Refuse the use of another rank's communicator, such as a compiled function has recorded."""
        world = SIMULATED.get()
        foreign = world is None and self.hub.provisional and bool(STARTED)
        if isinstance(world, ThreadCommunicator):
            foreign = (world.hub, world.rank) != (self.hub, self.members[self.rank])
        if foreign:
            raise DistributedError(
                f"{what}: this communicator belongs to rank {self.rank} of another world than {world or STARTED[0]!r}: "
                "make groups, and compile functions, where they are used: after init, and within what simulate runs"
            )

    def complete(self, key: Any) -> bool:
        """Whether all ranks have given something to an exchange."""
        with self.hub.changed:
            return len(self.hub.slots[key]) >= self.size

    def collect(self, key: Any, what: str) -> list[Any]:
        """What all ranks gave to an exchange, when they have."""
        hub, me, deadline = self.hub, self.members[self.rank], time.monotonic() + self.timeout
        with hub.changed:
            slot = hub.slots[key]
            if len(slot) < self.size:
                hub.waits[me] = Wait(key[0], key[1], tuple(self.members), what, hub.calls[me])
                circle = circle_of(hub.waits)
                if circle:
                    raise DistributedError(circle_text(circle, hub.waits))
            while len(slot) < self.size:
                absent = [r for r in range(self.size) if r not in slot]
                if hub.failed is not None:
                    raise _Stopped(f"rank {hub.failed} failed while rank {self.rank} was in {what}")
                gone = [r for r in absent if self.members[r] in hub.ended]
                if gone:
                    raise DistributedError(
                        f"rank {self.rank} asks for {what}, and {ranks_text(gone)} ended without it: all ranks have to "
                        "call the same collectives"
                    )
                left = deadline - time.monotonic()
                if left <= 0 or not hub.changed.wait(left):
                    raise DistributedError(
                        f"rank {self.rank} has waited {self.timeout:g} s in {what} for {ranks_text(absent)}"
                    )
            hub.waits.pop(me, None)
            slot[~self.rank] = None  # read by this rank
            found = [slot[r] for r in range(self.size)]
            if len(slot) == 2 * self.size:
                del hub.slots[key]
            return found

    def _exchange(self, data: Any, what: str) -> list[Any]:
        return self.collect(self.post(data, what, "agreement"), what)

    def _arrays(self, x: RawArray, what: str) -> list[Any]:
        return self.collect(self.post(_copy(x), what), what)

    def _sum(self, x: RawArray) -> Any:
        return _total(self._arrays(x, "all_reduce"))

    def _gather(self, x: RawArray, axis: int, lengths: list[int]) -> Any:
        return namespace_of(x).concat(self._arrays(x, "all_gather"), axis=axis)

    def _scatter(self, x: RawArray, axis: int, lengths: list[int]) -> Any:
        start = sum(lengths[: self.rank])
        part = (*[slice(None)] * axis, slice(start, start + lengths[self.rank]), ...)
        return _copy(_total(self._arrays(x, "reduce_scatter"))[part])

    def _broadcast(self, x: RawArray, root: int) -> Any:
        return _copy(self._arrays(x, "broadcast")[root])

    def _broadcast_bytes(self, data: np.ndarray, root: int) -> np.ndarray:
        return self.collect(self.post(data, "broadcast_object"), "broadcast_object")[root]

    def _sum_to(self, x: RawArray, root: int) -> Any:
        arrays = self._arrays(x, "reduce")
        return _total(arrays) if self.rank == root else namespace_of(x).zeros_like(x)

    def _start_sum(self, buffer: RawArray, op: str) -> Request:
        return _Started(self, buffer, op, self.post(_copy(buffer), "start_all_reduce"))

    def _start_exchange(self, x: RawArray) -> Request:
        return _Exchanged(self, self.post(_copy(x), "start_all_to_all"))

    def _split(self, color: int, members: list[int]) -> Communicator:
        inside = [self.members[r] for r in members]
        group = (*self.group, self.calls, color)
        return ThreadCommunicator(self.hub, members.index(self.rank), inside, group, self.timeout)

    def abort(self, error: BaseException | str) -> None:
        """Make all ranks raise."""
        self.hub.fail(self.members[self.rank])
        raise error if isinstance(error, BaseException) else DistributedError(error)

    def close(self) -> None:
        """Say that this rank takes part no longer, in any group."""
        self.hub.end(self.members[self.rank])


class _Started(Request):
    def __init__(self, group: ThreadCommunicator, buffer: Any, op: str, key: Any) -> None:
        self.group, self.buffer, self.op, self.key = group, buffer, op, key

    def test(self) -> bool:
        """Whether all ranks have started it."""
        return self.key is None or self.group.complete(self.key)

    def wait(self) -> Any:
        """The buffer, with the sum in it."""
        if self.key is not None:
            total = _total(self.group.collect(self.key, "start_all_reduce"))
            self.buffer[...] = total / self.group.size if self.op == "mean" else total
            self.key = None
        return self.buffer


class _Exchanged(Request):
    def __init__(self, group: ThreadCommunicator, key: Any) -> None:
        self.group, self.key, self.found = group, key, None

    def test(self) -> bool:
        """Whether all ranks have started it."""
        return self.found is not None or self.group.complete(self.key)

    def wait(self) -> Any:
        """The rows that came, by rank."""
        if self.found is None:
            rows = [x[self.group.rank] for x in self.group.collect(self.key, "start_all_to_all")]
            self.found = namespace_of(rows[0]).stack(rows)
        return self.found


def _copy(x: Any) -> Any:
    return namespace_of(x).copy(x)


def _total(arrays: list[Any]) -> Any:
    """The sum, in the order of the list: the same bits wherever it is computed."""
    if len(arrays) == 1:
        return _copy(arrays[0])
    total = arrays[0]
    for x in arrays[1:]:
        total = total + x
    return as_array(total)


def alone(*, provisional: bool = False) -> Communicator:
    """A group of one rank; a provisional one is of no use any more once this process has joined a world."""
    return ThreadCommunicator(Hub(provisional=provisional), 0, [0])


def simulate(
    f: Callable[..., Any], size: int, *args: Any, timeout: float | None = None
) -> list[Any]:
    """Run a function on `size` ranks that are threads of this process.

    Inside, `rank`, `size`, `world` and all collectives are those of the simulated world. It is for tests, for
    documentation, and for trying out what will run under ``mpirun``: the threads share one interpreter, so that
    nothing is faster.

    Parameters
    ----------
    f : callable
        What each rank runs, with the same arguments. Functions that are compiled belong inside.
    size : int
        How many ranks.
    *args
        Passed to `f` on each rank.
    timeout : float, optional
        After how many seconds of waiting for others a rank gives up.

    Returns
    -------
    list
        What `f` returned, by rank.

    Raises
    ------
    Exception
        What the first rank that failed has raised; the others are stopped at their next collective.
    ValueError
        If `size` is below 1.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> def f():
    ...     return pb.distributed.all_reduce(np.asarray([1.0, pb.distributed.rank()]))
    >>> pb.distributed.simulate(f, 3)
    [array([3., 3.]), array([3., 3.]), array([3., 3.])]
    """
    if size < 1:
        raise ValueError(f"simulate: size={size}, and there is at least one rank")
    hub = Hub()
    results: list[Any] = [None] * size
    errors: dict[int, BaseException] = {}

    def run(group: Communicator) -> None:
        SIMULATED.set(group)
        try:
            results[group.rank] = f(*args)
        except BaseException as error:
            errors[group.rank] = error
            hub.fail(group.rank)
        else:
            group.close()

    threads = []
    for rank in range(size):
        group = ThreadCommunicator(hub, rank, list(range(size)), timeout=timeout)
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(run, group), name=f"rank {rank}", daemon=True
        )
        threads.append(thread)
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        hub.fail(0)
        raise
    if errors:
        causes = [r for r, e in errors.items() if not isinstance(e, _Stopped)]
        first = hub.failed if hub.failed in causes else min(causes or errors)
        error = errors[first]
        error.add_note(f"raised on rank {first} of {size}")
        raise error
    return results
