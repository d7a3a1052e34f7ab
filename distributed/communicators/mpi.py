"""Ranks that are processes, which speak by MPI: NumPy arrays, on one machine or on many.

All collectives are started as nonblocking ones and polled, so that a wait has a deadline. mpi4py is imported when a
communicator is asked for.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .base import Communicator, DistributedError, default_timeout, head_of_end
from .request import Request

# MPI counts elements in 32 bits: longer arrays travel in pieces.
MOST_ELEMENTS = 2**30
_SPIN, _YIELD = 5e-4, 2e-2  # seconds of waiting after which to yield the core, and to sleep


class MpiCommunicator(Communicator):
    """A group of processes of MPI."""

    name = "mpi"

    def __init__(self, comm: Any, timeout: float | None = None, world: Any = None) -> None:
        super().__init__(comm.Get_rank(), comm.Get_size(), timeout)
        self.comm = comm
        self.world = comm if world is None else world  # what an abort ends
        self.started: list[_Started] = []
        self.closed = False

    # ── waiting ───────────────────────────────────────────────────────────────────────────────

    def finish(self, request: Any, what: str) -> None:
        """Poll a request of MPI until it is complete."""
        if request.Test():
            return
        start = time.monotonic()
        while not request.Test():
            waited = time.monotonic() - start
            if waited < _SPIN:
                continue
            if waited > self.timeout:
                raise DistributedError(
                    f"rank {self.rank} has waited {self.timeout:g} s in {what}: another rank is busy for longer than "
                    "that, stopped, or not reachable; PULLBACK_DISTRIBUTED_TIMEOUT sets the seconds"
                )
            if waited < _YIELD:
                os.sched_yield() if hasattr(os, "sched_yield") else time.sleep(0)
            else:
                time.sleep(5e-5 if waited < 1 else 1e-3)

    # ── what `Communicator` asks of a transport ───────────────────────────────────────────────

    def _exchange(self, data: bytes, what: str) -> list[bytes]:
        if self.closed:
            raise DistributedError(f"rank {self.rank} asks for {what}, and has closed its world")
        mine = np.frombuffer(data, dtype=np.uint8)
        found = np.empty((self.size, len(data)), dtype=np.uint8)
        self.finish(self.comm.Iallgather(mine, found), what)
        return [row.tobytes() for row in found]

    def _sum(self, x: np.ndarray) -> np.ndarray:
        given, out = _sendable(x), np.empty(x.shape, dtype=_wide(x.dtype))
        for part, total in zip(_pieces(given), _pieces(out), strict=True):
            self.finish(self.comm.Iallreduce(part, total), "all_reduce")
        return _narrow(out, x.dtype)

    def _gather(self, x: np.ndarray, axis: int, lengths: list[int]) -> np.ndarray:
        """Parts lie one behind the other in memory, with their axis in front."""
        front = _bytes(np.moveaxis(x, axis, 0))
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        out = np.empty((sum(lengths), *rest), dtype=_native(x.dtype))
        row = out.nbytes // max(sum(lengths), 1)
        flat = out.reshape(-1).view(np.uint8)
        counts = [n * row for n in lengths]
        if out.nbytes <= MOST_ELEMENTS:
            self.finish(self.comm.Iallgatherv(front, (flat, counts)), "all_gather")
        else:
            start = 0
            for root, count in enumerate(counts):
                mine = flat[start : start + count]
                if root == self.rank:
                    mine[...] = front
                self._send_from(root, mine, "all_gather")
                start += count
        return np.ascontiguousarray(np.moveaxis(out, 0, axis))

    def _scatter(self, x: np.ndarray, axis: int, lengths: list[int]) -> np.ndarray:
        front = _sendable(np.moveaxis(x, axis, 0))
        rest = front.shape[1:]
        out = np.empty((lengths[self.rank], *rest), dtype=front.dtype)
        row = front.size // max(front.shape[0], 1)
        if front.size <= MOST_ELEMENTS:
            counts = [n * row for n in lengths]
            self.finish(
                self.comm.Ireduce_scatter(front.reshape(-1), out.reshape(-1), counts),
                "reduce_scatter",
            )
        else:
            flat, start = front.reshape(-1), 0
            for root, n in enumerate(lengths):
                part = flat[start : start + n * row]
                self._sum_into(root, part, out.reshape(-1), "reduce_scatter")
                start += n * row
        return np.ascontiguousarray(np.moveaxis(_narrow(out, x.dtype), 0, axis))

    def _broadcast(self, x: np.ndarray, root: int) -> np.ndarray:
        out = np.array(x, dtype=_native(x.dtype), order="C")
        self._send_from(root, out.reshape(-1).view(np.uint8), "broadcast")
        return out

    def _broadcast_bytes(self, data: np.ndarray, root: int) -> np.ndarray:
        out = np.array(data)
        self._send_from(root, out, "broadcast_object")
        return out

    def _sum_to(self, x: np.ndarray, root: int) -> np.ndarray:
        given = _sendable(x)
        out = np.zeros(x.shape, dtype=given.dtype)
        self._sum_into(root, given.reshape(-1), out.reshape(-1), "reduce")
        return _narrow(out, x.dtype)

    def _send_from(self, root: int, flat: np.ndarray, what: str) -> None:
        for part in _pieces(flat):
            self.finish(self.comm.Ibcast(part, root=root), what)

    def _sum_into(self, root: int, flat: np.ndarray, out: np.ndarray, what: str) -> None:
        here = self.rank == root
        outs = _pieces(out) if here else [None] * len(_pieces(flat))
        for part, total in zip(_pieces(flat), outs, strict=True):
            self.finish(self.comm.Ireduce(part, total, root=root), what)

    def _start_sum(self, buffer: np.ndarray, op: str) -> Request:
        if not (
            buffer.flags.c_contiguous and buffer.flags.writeable and buffer.dtype.isnative
        ) or buffer.dtype != _wide(buffer.dtype):
            raise TypeError(
                f"start_all_reduce: expected a contiguous and writeable array of a native dtype that MPI adds, got "
                f"{buffer.dtype} of shape {buffer.shape}"
            )
        self.started = [s for s in self.started if not s.test()]
        in_place = _mpi().IN_PLACE
        requests = [self.comm.Iallreduce(in_place, part) for part in _pieces(buffer)]
        started = _Started(self, buffer, op, requests)
        self.started.append(started)
        return started

    def _start_exchange(self, x: np.ndarray) -> Request:
        given = np.ascontiguousarray(x)
        found = np.empty_like(given)
        requests = []
        # pieces of all rows, so that each is few enough elements for MPI to count
        row = max(MOST_ELEMENTS // max(self.size, 1), 1)
        for start in range(0, max(given.shape[1], 1), row):
            part = (slice(None), slice(start, start + row))
            whole = start == 0 and given.shape[1] <= row
            sent = given if whole else np.ascontiguousarray(given[part])
            came = found if whole else np.empty_like(sent)
            requests.append((self.comm.Ialltoall(sent, came), part, sent, came))
        return _Exchanged(self, found, requests)

    def _split(self, color: int, members: list[int]) -> Communicator:
        comm = self.comm.Split(color, members.index(self.rank))
        group = MpiCommunicator(comm, self.timeout, self.world)
        _GROUPS.append(group)
        return group

    def _check_array(self, name: str, x: Any) -> None:
        if not isinstance(x, np.ndarray):
            kind = f"{type(x).__module__}.{type(x).__name__}"
            raise TypeError(
                f"{name}: MPI sends NumPy arrays, and this is {kind}; "
                + (
                    'for arrays of CuPy use pb.distributed.init("nccl")'
                    if kind.startswith("cupy")
                    else "convert it by np.asarray(x)"
                )
            )
        super()._check_array(name, x)

    def abort(self, error: BaseException | str) -> None:
        """Print an error, and end all ranks of the job with exit code 1."""
        _abort(self.world, self.rank, error)

    def close(self) -> None:
        """Say that this rank takes part no longer, and wait until all ranks have said so.

        Raises
        ------
        DistributedError
            If another rank still asks for a collective.
        """
        if not self.closed:
            _end([self])


class _Started(Request):
    def __init__(
        self, group: MpiCommunicator, buffer: np.ndarray, op: str, requests: list[Any]
    ) -> None:
        self.group, self.buffer, self.op, self.requests = group, buffer, op, requests
        self.scaled = op != "mean"

    def test(self) -> bool:
        """Whether all pieces are complete."""
        while self.requests and self.requests[-1].Test():
            self.requests.pop()
        return not self.requests

    def wait(self) -> np.ndarray:
        """The buffer, with the sum or the mean in it."""
        while self.requests:
            self.group.finish(self.requests.pop(), "start_all_reduce")
        if not self.scaled:
            self.buffer /= self.group.size
            self.scaled = True
        return self.buffer


class _Exchanged(Request):
    def __init__(self, group: MpiCommunicator, found: np.ndarray, requests: list[Any]) -> None:
        self.group, self.found, self.requests = group, found, requests

    def test(self) -> bool:
        """Whether all pieces are complete."""
        return all(request.Test() for request, *_ in self.requests)

    def wait(self) -> np.ndarray:
        """The rows that came, by rank."""
        for request, part, _, came in self.requests:
            self.group.finish(request, "start_all_to_all")
            if came is not self.found:
                self.found[part] = came
        self.requests = []
        return self.found


# ── buffers ───────────────────────────────────────────────────────────────────────────────────


def _native(dtype: Any) -> np.dtype:
    """The dtype in the machine's order of bytes."""
    return np.dtype(dtype).newbyteorder("=")


def _wide(dtype: Any) -> np.dtype:
    """The dtype in which MPI adds: it knows no float16."""
    native = _native(dtype)
    return np.dtype(np.float32) if native == np.float16 else native


def _narrow(x: np.ndarray, dtype: Any) -> np.ndarray:
    """The sum in the dtype of the summands."""
    return x.astype(_native(dtype), copy=False)


def _sendable(x: np.ndarray) -> np.ndarray:
    """An array with its elements in the order of memory, in a dtype that MPI adds."""
    return np.ascontiguousarray(x, dtype=_wide(x.dtype)).reshape(x.shape)


def _bytes(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x, dtype=_native(x.dtype)).reshape(-1).view(np.uint8)


def _pieces(x: np.ndarray) -> list[np.ndarray]:
    """An array with contiguous elements, flat, in parts that MPI can count; at least one, which may be empty."""
    flat = x.reshape(-1)
    return [flat[i : i + MOST_ELEMENTS] for i in range(0, max(flat.shape[0], 1), MOST_ELEMENTS)]


# ── the job ───────────────────────────────────────────────────────────────────────────────────

_GROUPS: list[MpiCommunicator] = []  # that are open, the world first


def _mpi() -> Any:
    try:
        from mpi4py import MPI
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "mpi4py":
            raise DistributedError(
                "init('mpi') needs mpi4py and an MPI library: pip install 'pullback[mpi]'"
            ) from None
        raise DistributedError(
            f"init('mpi'): mpi4py finds no MPI library ({error}): pip install 'pullback[mpi]'"
        ) from error
    except RuntimeError as error:  # mpi4py's wheels load the library themselves
        raise DistributedError(
            f"init('mpi'): mpi4py finds no MPI library ({error}): pip install 'pullback[mpi]'"
        ) from error
    return MPI


def start(timeout: float | None = None) -> MpiCommunicator:
    """The communicator of all processes of this job; ends all of them if one fails.

    From here on, an exception that nobody catches prints its traceback with the rank, and ends the job. At the end of
    the program, ranks wait for each other, and one that waits for a rank that has ended is told so.
    """
    seconds = default_timeout() if timeout is None else timeout
    with _watched(seconds):
        comm = _mpi().COMM_WORLD.Dup()
    world = MpiCommunicator(comm, seconds)
    _GROUPS.insert(0, world)
    _catch_exceptions(world)
    atexit.register(_at_exit)
    return world


class _watched:
    """A context that ends this process if it is not left in time: MPI's start has no deadline of its own."""

    def __init__(self, seconds: float) -> None:
        self.timer = threading.Timer(seconds, self._give_up, (seconds,))
        self.timer.daemon = True

    @staticmethod
    def _give_up(seconds: float) -> None:
        print(
            f"pullback: not all ranks have called init('mpi') within {seconds:g} s",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: Any) -> None:
        self.timer.cancel()


def _catch_exceptions(world: MpiCommunicator) -> None:
    before: Callable[..., Any] = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        print(f"rank {world.rank} of {world.size} failed:", file=sys.stderr)
        before(kind, error, trace)
        sys.stderr.flush()
        if world.size > 1:
            world.comm.Abort(1)

    sys.excepthook = hook


def _abort(comm: Any, rank: int, error: BaseException | str) -> None:
    text = error if isinstance(error, str) else "".join(traceback.format_exception(error))
    print(f"rank {rank} ends the job: {text.rstrip()}", file=sys.stderr, flush=True)
    comm.Abort(1)


def _at_exit() -> None:
    """Say on all groups that this rank has ended; if others still ask for something, end the job."""
    groups = [g for g in _GROUPS if not g.closed]
    if not groups:
        return
    try:
        _end(groups)
    except DistributedError as error:
        time.sleep(1)  # the others print what they asked for, and where
        groups[0].abort(str(error))


def _end(groups: Sequence[MpiCommunicator]) -> None:
    """Exchange the end of the program on several groups at once, whichever of them another rank waits in."""
    what = "the end of the program"
    posted = []
    for group in groups:
        while group.started:
            group.started.pop().wait()
        found = np.empty((group.size, len(head_of_end())), dtype=np.uint8)
        mine = np.frombuffer(head_of_end(), dtype=np.uint8)
        posted.append((group, found, group.comm.Iallgather(mine, found), mine))
    error: DistributedError | None = None
    start = time.monotonic()
    left = list(posted)
    while left:
        for entry in list(left):
            group, found, request, _ = entry
            if request.Test():
                left.remove(entry)
                group.closed = True
                if any(row.tobytes() != head_of_end() for row in found):
                    group.closed = False
                    error = group._disagreement(what)
        if error is not None:
            raise error
        waited = time.monotonic() - start
        if waited > groups[0].timeout:
            raise DistributedError(
                f"rank {groups[0].rank} has ended, and has waited {waited:.0f} s for the others to end"
            )
        if waited > _SPIN:
            time.sleep(1e-4 if waited < 1 else 5e-3)
