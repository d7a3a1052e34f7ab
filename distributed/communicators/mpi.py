"""Ranks that are processes, which speak by MPI: NumPy arrays, on one machine or on many.

All collectives are started as nonblocking ones and polled, so that a wait has a deadline. What ranks agree on travels
apart from the arrays, so that it arrives even where one rank has started what another has not. mpi4py is imported when
a communicator is asked for.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import buffers
from .base import Communicator, DistributedError, default_timeout
from .buffers import as_bytes, narrow, native, pieces, sendable, wide
from .ending import at_exit, end
from .job import (
    TELL_AFTER,
    Job,
    Watched,
    leave_half_started,
    library,
    wait_for_all_ranks_to_call_init,
)
from .mpi_requests import Exchanged, Laid, Started
from .request import Request
from .shared_memory import SMALLEST, SharedMemory, add_up, mapped, new_file, ordered_writes, remove
from .waiting import Wait

# Ranks of one machine up to which each reads what all others have; more divide the work, as MPI does.
MOST_SHARING = 4
_PATH = 1024  # bytes of the name of a file
_TAKE_NOTES = 64  # exchanges, after which to take notes that nobody waited for
_SPIN, _YIELD = 5e-4, 2e-2  # seconds of waiting after which to yield the core, and to sleep


class MpiCommunicator(Communicator):
    """A group of processes of MPI.

    Parameters
    ----------
    comm
        MPI's communicator, on which arrays travel.
    job : Job
        What all groups of this process have in common.
    timeout : float, optional
        As `Communicator.timeout`.
    group : tuple
        The name of the group, the same on all its ranks.
    members : sequence of int
        Its ranks as the world numbers them.
    """

    name = "mpi"

    def __init__(
        self,
        comm: Any,
        job: Job,
        timeout: float | None = None,
        group: tuple[Any, ...] = (),
        members: Sequence[int] = (),
    ) -> None:
        super().__init__(comm.Get_rank(), comm.Get_size(), timeout)
        self.comm, self.job, self.group = comm, job, group
        self.control = comm.Dup()
        self.members = tuple(members or range(self.size))
        self.exchanges = 0
        self.begun = 0  # operations on arrays
        self.started: list[Request] = []
        self.unusable = ""  # why, if it is
        self.closed = False
        self.memory: SharedMemory | None = (
            None  # of one machine; made by the first array that is long enough
        )
        self.together = self._together()
        job.groups.append(self)

    # ── waiting ───────────────────────────────────────────────────────────────────────────────

    def finish(
        self, request: Any, what: str, call: int | None = None, channel: str = "arrays"
    ) -> None:
        """Poll a request of MPI until it is complete.

        Parameters
        ----------
        request
            Of MPI, or anything with its ``Test()``.
        what : str
            What it is, in words.
        call : int, optional
            To which number in the channel all ranks have to have come for it; by default, to this rank's own.
        channel : {"arrays", "agreement", "read"}
            What is numbered: operations on arrays, exchanges, or what was read of the memory that ranks share.
        """
        self.job.busy = time.monotonic(), self.timeout, what
        try:
            if not request.Test():
                self._poll(request, what, self.begun if call is None else call, channel)
        except BaseException:
            # MPI may still write to its memory, which the request holds
            self.job.lost.append(request)
            self.unusable = f"its wait in {what} was given up"
            raise
        finally:
            self.job.busy = None

    def _poll(self, request: Any, what: str, call: int, channel: str) -> None:
        job, start, told = self.job, time.monotonic(), False
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
                continue
            time.sleep(5e-5 if waited < 1 else 1e-3)
            if waited > TELL_AFTER * max(1, job.size / 32):
                if not told:
                    job.tell(self.wait_of(what, call, channel))
                    told = True
                job.check_circle()
        if told:
            job.over()

    def wait_of(self, what: str, call: int, channel: str) -> Wait:
        """What other ranks are told of this one's wait."""
        calls = {}
        for g in self.job.groups:
            calls[g.group, "agreement"] = g.exchanges
            calls[g.group, "arrays"] = g.begun
            calls[g.group, "read"] = 0 if g.memory is None else g.memory.low
        return Wait((self.group, channel), call, self.members, what, calls)

    def _check_usable(self, what: str) -> None:
        if self.unusable or self.closed or not self.job.here:
            why = self.unusable or (
                "it is closed" if self.closed else "this process is a fork of the rank"
            )
            raise DistributedError(
                f"rank {self.rank} asks for {what}, and its communicator cannot be used: {why}"
            )

    # ── ranks of one machine ──────────────────────────────────────────────────────────────────

    def _shared(self, x: np.ndarray) -> SharedMemory | None:
        """The memory that an array goes through; None where MPI carries it. Called by all ranks at once."""
        if x.nbytes < SMALLEST or self.size == 1 or self.size > MOST_SHARING:
            return None
        if self.memory is None:
            self.memory = SharedMemory(self.rank, self.size, self._allocate)
        if self.memory.put_back():
            self.begun -= 1
        return self.memory if self.memory.takes(x.nbytes) else None

    def _together(self) -> bool:
        """Whether all ranks are on one machine; called by all at once."""
        if not 1 < self.size <= MOST_SHARING:
            return False
        here = self.comm.Split_type(library().COMM_TYPE_SHARED)
        together = here.Get_size() == self.size
        here.Free()
        return bool(together)

    def _allocate(self, nbytes: int) -> list[np.ndarray] | None:
        """Memory of each rank that all see; None if they are not on one machine, or it has none left.

        Polled, as all else is: another rank may not come here at all.
        """
        if not self._on_all(self.together and ordered_writes()):
            return None
        path = new_file(nbytes * self.size) if self.rank == 0 else None
        sent = np.zeros(_PATH, np.uint8)
        if path is not None:
            name = np.frombuffer(os.fsencode(path), np.uint8)
            sent[: name.size] = name
        try:
            self.finish(self.comm.Ibcast(sent, root=0), "memory to share")
        except BaseException:
            remove(path)
            raise
        path = os.fsdecode(sent.tobytes().rstrip(b"\0")) or None
        memory = mapped(path, nbytes * self.size)
        try:
            fine = self._on_all(memory is not None)
        finally:
            if self.rank == 0:
                remove(path)  # the memory lasts as long as the processes that have it
        if not fine or memory is None:
            return None
        return [memory[r * nbytes : (r + 1) * nbytes] for r in range(self.size)]

    def _on_all(self, fine: bool) -> bool:
        found = np.asarray([fine], np.int32)
        least = np.empty_like(found)
        self.finish(self.comm.Iallreduce(found, least, library().MIN), "memory to share")
        return bool(least[0])

    def _lay_down(self, memory: SharedMemory, x: np.ndarray, what: str) -> int:
        """Copy an array to where all ranks see it; its number."""
        self._wait_for_slot(memory, what)
        memory.slot(self.rank, memory.count, x)[...] = x.reshape(-1)
        return memory.publish()

    def _wait_for_slot(self, memory: SharedMemory, what: str) -> None:
        free = memory.free()
        self.finish(free, what, free.number, "read")

    def place(self, buffer: np.ndarray) -> np.ndarray:
        """Where to write what `start_all_reduce` of `buffer` is to sum: the ranks see it there, without a copy."""
        fits = type(buffer) is np.ndarray and buffer.flags.c_contiguous and buffer.dtype.isnative
        if not fits or buffer.dtype != wide(buffer.dtype):
            return buffer
        self._check_usable("start_all_reduce")
        self.begun += 1  # here, since all ranks may have to come here for it
        memory = self._shared(buffer)
        if memory is None:
            self.begun -= 1
            return buffer
        self._wait_for_slot(memory, "start_all_reduce")
        memory.placed = buffer, memory.slot(self.rank, memory.count, buffer)
        return memory.placed[1]

    # ── what `Communicator` asks of a transport ───────────────────────────────────────────────

    def _exchange(self, data: bytes, what: str) -> list[bytes]:
        self._check_usable(what)
        self.exchanges += 1
        if not self.exchanges % _TAKE_NOTES:
            self.job.take_notes()
        self.job.busy = time.monotonic(), self.timeout, what
        mine = np.frombuffer(data, dtype=np.uint8)
        found = np.empty((self.size, len(data)), dtype=np.uint8)
        self.finish(self.control.Iallgather(mine, found), what, self.exchanges, "agreement")
        return [row.tobytes() for row in found]

    def _sum(self, x: np.ndarray) -> np.ndarray:
        self.begun += 1
        given, out = sendable(x), np.empty(x.shape, dtype=wide(x.dtype))
        memory = self._shared(given)
        if memory is not None:
            number = self._lay_down(memory, given, "all_reduce")
            self.finish(memory.ready(number), "all_reduce")
            add_up(memory.arrays(number, given), out.reshape(-1))
            memory.done(number)
            return narrow(out, x.dtype)
        for part, total in zip(pieces(given), pieces(out), strict=True):
            self.finish(self.comm.Iallreduce(part, total), "all_reduce")
        return narrow(out, x.dtype)

    def _gather(self, x: np.ndarray, axis: int, lengths: list[int]) -> np.ndarray:
        """Parts lie one behind the other in memory, with their axis in front."""
        self.begun += 1
        front = as_bytes(np.moveaxis(x, axis, 0))
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        out = np.empty((sum(lengths), *rest), dtype=native(x.dtype))
        row = out.nbytes // max(sum(lengths), 1)
        flat = out.reshape(-1).view(np.uint8)
        counts = [n * row for n in lengths]
        # as long as the longest part, so that all ranks go the same way
        longest = np.empty(max(counts, default=0), np.uint8)
        memory = self._shared(longest)
        if memory is not None:
            self._wait_for_slot(memory, "all_gather")
            memory.slot(self.rank, memory.count, front)[...] = front
            number = memory.publish()
            self.finish(memory.ready(number), "all_gather")
            start = 0
            for root, count in enumerate(counts):
                part = flat[start : start + count]
                part[...] = memory.slot(root, number - 1, part)
                start += count
            memory.done(number)
        elif out.nbytes <= buffers.MOST_ELEMENTS:
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
        self.begun += 1
        front = sendable(np.moveaxis(x, axis, 0))
        out = np.empty((lengths[self.rank], *front.shape[1:]), dtype=front.dtype)
        row = front.size // max(front.shape[0], 1)
        flat = front.reshape(-1)
        memory = self._shared(front)
        if memory is not None:
            number = self._lay_down(memory, front, "reduce_scatter")
            self.finish(memory.ready(number), "reduce_scatter")
            start = sum(lengths[: self.rank]) * row
            parts = [y[start : start + out.size] for y in memory.arrays(number, front)]
            add_up(parts, out.reshape(-1))
            memory.done(number)
        elif front.size <= buffers.MOST_ELEMENTS:
            counts = [n * row for n in lengths]
            self.finish(self.comm.Ireduce_scatter(flat, out.reshape(-1), counts), "reduce_scatter")
        else:
            start = 0
            for root, n in enumerate(lengths):
                part = flat[start : start + n * row]
                self._sum_into(root, part, out.reshape(-1), "reduce_scatter")
                start += n * row
        return np.ascontiguousarray(np.moveaxis(narrow(out, x.dtype), 0, axis))

    def _broadcast(self, x: np.ndarray, root: int) -> np.ndarray:
        self.begun += 1
        out = np.array(x, dtype=native(x.dtype), order="C")
        self._send_from(root, out.reshape(-1).view(np.uint8), "broadcast")
        return out

    def _broadcast_bytes(self, data: np.ndarray, root: int) -> np.ndarray:
        self.begun += 1
        out = np.array(data)
        self._send_from(root, out, "broadcast_object")
        return out

    def _sum_to(self, x: np.ndarray, root: int) -> np.ndarray:
        self.begun += 1
        given = sendable(x)
        out = np.zeros(x.shape, dtype=given.dtype)
        self._sum_into(root, given.reshape(-1), out.reshape(-1), "reduce")
        return narrow(out, x.dtype)

    def _send_from(self, root: int, flat: np.ndarray, what: str) -> None:
        for part in pieces(flat):
            self.finish(self.comm.Ibcast(part, root=root), what)

    def _sum_into(self, root: int, flat: np.ndarray, out: np.ndarray, what: str) -> None:
        parts = pieces(flat)
        totals = pieces(out) if self.rank == root else [None] * len(parts)
        for part, total in zip(parts, totals, strict=True):
            self.finish(self.comm.Ireduce(part, total, root=root), what)

    def _start_sum(self, buffer: np.ndarray, op: str) -> Request:
        self._check_usable("start_all_reduce")
        flags = buffer.flags
        fits = flags.c_contiguous and flags.writeable and buffer.dtype.isnative
        if not fits or buffer.dtype != wide(buffer.dtype):
            raise TypeError(
                "start_all_reduce: expected a contiguous and writeable array of a native dtype that MPI adds, got "
                f"{buffer.dtype} of shape {buffer.shape}"
            )
        memory = self.memory
        if memory is None or memory.placed is None or memory.placed[0] is not buffer:
            self.begun += 1
        else:
            memory.placed = None
            return self._remembered(Laid(self, memory, buffer, op, memory.publish()))
        memory = self._shared(buffer)
        if memory is not None:
            number = self._lay_down(memory, buffer, "start_all_reduce")
            return self._remembered(Laid(self, memory, buffer, op, number))
        in_place = library().IN_PLACE
        requests = [self.comm.Iallreduce(in_place, part) for part in pieces(buffer)]
        return self._remembered(Started(self, buffer, op, requests))

    def _start_exchange(self, x: np.ndarray) -> Request:
        self._check_usable("start_all_to_all")
        self.begun += 1
        given = np.ascontiguousarray(x)
        found = np.empty_like(given)
        requests = []
        # pieces of all rows, so that each is few enough elements for MPI to count
        row = max(buffers.MOST_ELEMENTS // max(self.size, 1), 1)
        for start in range(0, max(given.shape[1], 1), row):
            part = (slice(None), slice(start, start + row))
            whole = start == 0 and given.shape[1] <= row
            sent = given if whole else np.ascontiguousarray(given[part])
            came = found if whole else np.empty_like(sent)
            requests.append((self.comm.Ialltoall(sent, came), part, sent, came))
        return self._remembered(Exchanged(self, found, requests))

    def _remembered(self, request: Request) -> Request:
        """A request that is finished at the end of the program, if nobody has waited for it."""
        self.started = [s for s in self.started if not s.test()]
        self.started.append(request)
        return request

    def _split(self, color: int, members: list[int]) -> Communicator:
        self.job.busy = time.monotonic(), self.timeout, "split"
        try:
            comm = self.comm.Split(color, members.index(self.rank))
            return MpiCommunicator(
                comm,
                self.job,
                self.timeout,
                (*self.group, self.exchanges, color),
                [self.members[r] for r in members],
            )
        finally:
            self.job.busy = None

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
        self.job.abort(error)

    def close(self) -> None:
        """Say that this rank takes part no longer, and wait until all ranks have said so.

        Raises
        ------
        DistributedError
            If another rank still asks for a collective.
        """
        if not self.closed:
            end([self])


# ── the start of the job ─────────────────────────────────────────────────────────────────────────


def start(timeout: float | None = None) -> MpiCommunicator:
    """The communicator of all processes of this job; ends all of them if one fails.

    From here on, an exception that nobody catches prints its traceback with the rank, and ends the job. At the end of
    the program, ranks wait for each other, and one that waits for a rank that has ended is told so.
    """
    seconds = default_timeout() if timeout is None else timeout
    try:
        with Watched(seconds):
            comm = wait_for_all_ranks_to_call_init().COMM_WORLD
            job = Job(comm.Dup(), comm.Get_rank(), comm.Get_size())
            world = MpiCommunicator(comm.Dup(), job, seconds)
    except DistributedError:  # there is no MPI
        raise
    except BaseException:
        leave_half_started()
        raise
    if job.size > 1:
        job.watch()
    job.catch_exceptions()
    atexit.register(at_exit, job)
    return world
