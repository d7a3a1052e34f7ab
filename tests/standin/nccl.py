"""`cupy.cuda.nccl` for the stand-in: a communicator's ranks are threads of this process.

Stricter than NCCL, which is told addresses and numbers and believes them. An address must be that of a live array of
the stand-in, contiguous, with as many elements of that very dtype as are counted (complex ones as pairs of real ones,
bits of 16 as bfloat16, anything as bytes where nothing is added up); all ranks must call the same; memory that is
freed before the operation has happened, an operand and a result that overlap, a stream that did not wait for the
arrays' stream, a communicator that is used after its end and a group that is not closed are errors.
"""

from __future__ import annotations

import ctypes
import inspect
import itertools
import secrets
import threading
import time
import types
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.backend.generic.rounding import loaded, stored

from . import memory
from ._nccl_surface import CONSTANTS, FUNCTIONS, METHODS
from .streams import OPEN_GROUPS, PATIENCE, PROGRESS, STREAMS, Stream, Work

BYTES = 128  # of a unique id
TYPES = {
    0: "int8", 1: "uint8", 2: "int32", 3: "uint32", 4: "int64", 5: "uint64", 6: "float16", 7: "float32", 8: "float64",
    9: "uint16",  # the bits of bfloat16
}  # fmt: skip
BFLOAT16, AVG = 9, 4
_STATUS = {
    1: "NCCL_ERROR_UNHANDLED_CUDA_ERROR: unhandled cuda error",
    2: "NCCL_ERROR_SYSTEM_ERROR: unhandled system error",
    3: "NCCL_ERROR_INTERNAL_ERROR: internal error",
    4: "NCCL_ERROR_INVALID_ARGUMENT: invalid argument",
    5: "NCCL_ERROR_INVALID_USAGE: invalid usage",
    6: "NCCL_ERROR_REMOTE_ERROR: remote process exited or there was a network error",
}


class NcclError(RuntimeError):
    """CuPy's, with its number and its words."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(_STATUS[status])

    def __reduce__(self) -> Any:
        return type(self), (self.status,)


@dataclass
class _World:
    """The ranks of one unique id, and what each has asked for, in order."""

    size: int
    ranks: dict[int, NcclCommunicator] = field(default_factory=dict)
    asked: list[dict[int, _Collective]] = field(default_factory=list)
    happened: int = 0


_worlds: dict[bytes, _World] = {}


@dataclass(eq=False)
class _Collective(Work):
    """One rank's part of a collective."""

    world: _World
    comm: NcclCommunicator
    name: str
    send: Any
    recv: Any
    count: int
    datatype: int
    op: int | None = None
    root: int | None = None
    number: int = -1
    parts: list[_Collective] = field(default_factory=list)

    def call(self) -> tuple[Any, ...]:
        return self.name, self.count, self.datatype, self.op, self.root

    def attempt(self) -> bool:
        if self.done:
            return True
        if not self.comm.comm:  # aborted: the kernel ends, and the memory is as it was
            self.done = True
            return True
        world = self.world
        parts = world.asked[self.number]
        if len(parts) < world.size:
            return False
        calls = {part.call() for part in parts.values()}
        assert len(calls) == 1, f"the ranks call different collectives: {calls}"
        assert world.happened == self.number, (
            "two collectives of one communicator on two streams, without an order between them"
        )
        for part in parts.values():
            part.done = True
        world.happened += 1
        PROGRESS.notify_all()
        _RUN[self.name]([parts[r] for r in range(world.size)])
        return True

    def missing(self) -> str:
        there = self.world.asked[self.number]
        return f"ranks {sorted(set(range(self.world.size)) - set(there))} to call {self.name}"


# ── memory ────────────────────────────────────────────────────────────────────────────────────


def _memory(address: int, count: int, datatype: int, *, adds: bool) -> Any:
    """A function that gives the flat NumPy array at an address, as long as its memory lives."""
    if datatype not in TYPES:
        raise NcclError(4)
    known = memory.ADDRESSES.get(address)
    assert known is not None, f"{address:#x} is not the address of an array of the stand-in"
    owner, layout = known
    dtype = np.dtype(TYPES[datatype])
    assert layout.contiguous, "an array that is not contiguous"
    item = layout.dtype.itemsize
    parts = {"c": [f"f{item // 2}"], "b": []}.get(layout.dtype.kind, [layout.dtype.str[1:]])
    fits = [np.dtype(p) for p in parts] + ([] if adds else [np.dtype("u1"), np.dtype("i1")])
    assert dtype in fits, f"an array of {layout.dtype} travels as NCCL's {datatype} ({dtype})"
    nbytes = count * dtype.itemsize
    assert layout.nbytes >= nbytes, f"{nbytes} bytes of an array of {layout.nbytes}"

    def look() -> np.ndarray:
        assert owner() is not None, "memory was freed before NCCL was done with it"
        return np.frombuffer((ctypes.c_char * nbytes).from_address(address), dtype)

    return look


def _apart(send: np.ndarray, recv: np.ndarray, *, offset: int = 0) -> None:
    """Refuse memory that overlaps, unless it is the same (for a part: at its place)."""
    first, second = send.ctypes.data, recv.ctypes.data
    if first + offset * send.itemsize == second:
        return
    assert first + send.nbytes <= second or second + recv.nbytes <= first, "operand and result overlap"  # fmt: skip


# ── what the collectives do, with the parts in the order of ranks ───────────────────────────────


def _sum(parts: list[np.ndarray], datatype: int, op: int) -> np.ndarray:
    """In the order of ranks, rounded to the dtype after each step, as a ring does it."""
    bits = datatype == BFLOAT16
    function = {0: np.add, 1: np.multiply, 2: np.maximum, 3: np.minimum, AVG: np.add}[op]
    with np.errstate(all="ignore"):
        total = parts[0].copy()
        for part in parts[1:]:
            if bits:
                total = stored(function(loaded(total, "bfloat16"), loaded(part, "bfloat16")), "bfloat16")  # fmt: skip
            else:
                total = function(total, part)
        if op == AVG and bits:
            total = stored(loaded(total, "bfloat16") / np.float32(len(parts)), "bfloat16")
        elif op == AVG:
            total = (total / len(parts)).astype(total.dtype)
    return total


def _all_reduce(parts: list[_Collective]) -> None:
    total = _sum([p.send() for p in parts], parts[0].datatype, parts[0].op)  # type: ignore[arg-type]  # a reduction has an op
    for p in parts:
        _apart(p.send(), p.recv())
        p.recv()[...] = total


def _reduce(parts: list[_Collective]) -> None:
    total = _sum([p.send() for p in parts], parts[0].datatype, parts[0].op)  # type: ignore[arg-type]  # a reduction has an op
    root = parts[parts[0].root]  # type: ignore[index]  # it has a root
    _apart(root.send(), root.recv())
    root.recv()[...] = total


def _broadcast(parts: list[_Collective]) -> None:
    values = parts[parts[0].root].send().copy()  # type: ignore[index]  # it has a root
    for p in parts:
        p.recv()[...] = values


def _reduce_scatter(parts: list[_Collective]) -> None:
    count = parts[0].count
    total = _sum([p.send() for p in parts], parts[0].datatype, parts[0].op)  # type: ignore[arg-type]  # a reduction has an op
    for r, p in enumerate(parts):
        _apart(p.send(), p.recv(), offset=r * count)
        p.recv()[...] = total[r * count : (r + 1) * count]


def _all_gather(parts: list[_Collective]) -> None:
    gathered = np.concatenate([p.send() for p in parts])
    for r, p in enumerate(parts):
        _apart(p.recv(), p.send(), offset=r * p.count)
        p.recv()[...] = gathered


def _messages(ranks: list[_Collective]) -> None:
    sent: dict[tuple[int, int], list[_Collective]] = {}
    for r, whole in enumerate(ranks):
        for p in whole.parts:
            if p.name == "send":
                sent.setdefault((r, p.root), []).append(p)  # type: ignore[arg-type]  # it has a peer
    values = {k: [p.send().copy() for p in ps] for k, ps in sent.items()}
    for r, whole in enumerate(ranks):
        for p in whole.parts:
            if p.name == "recv":
                came = values[p.root, r].pop(0)  # type: ignore[index]  # it has a peer
                assert came.size == p.count, "a message of another length than is expected"
                p.recv()[...] = came
    assert not any(values.values()), "a message that nobody takes"


_RUN: dict[str, Any] = {
    "messages": _messages,
    "allReduce": _all_reduce, "reduce": _reduce, "broadcast": _broadcast, "reduceScatter": _reduce_scatter,
    "allGather": _all_gather,
}  # fmt: skip

# ── CuPy's names ──────────────────────────────────────────────────────────────────────────────


def get_unique_id() -> bytes:
    """A name for a communicator to come."""
    return secrets.token_bytes(BYTES)


def get_version() -> int:
    """Of the library that is loaded."""
    return 22707


def groupStart() -> None:
    """What follows, up to ``groupEnd``, is queued together."""
    OPEN_GROUPS.setdefault(threading.get_ident(), []).append([])


def groupEnd() -> None:
    """Queue what was held back."""
    mine = OPEN_GROUPS.get(threading.get_ident())
    if not mine:
        raise NcclError(5)
    held = mine.pop()
    if mine:
        mine[-1] += held
        return
    del OPEN_GROUPS[threading.get_ident()]
    held = _exchanges(held)
    for stream, work in held:
        _ask(work)
        if stream.ptr:
            stream.put(work)
    for stream, work in held:  # as one kernel: nobody waits before all are asked for
        if not stream.ptr:
            stream.put(work)


def _exchanges(held: list[Any]) -> list[Any]:
    """The messages of a group as one collective, in which all ranks take part."""
    messages = [(s, w) for s, w in held if w.name in ("send", "recv")]
    if not messages:
        return held
    assert len(messages) == len(held), "messages and collectives in one group"
    assert len({w.comm for _, w in messages}) == 1, "messages of several communicators in one group"
    stream, first = messages[0]
    parts = [w for _, w in messages]
    whole = _Collective(first.world, first.comm, "messages", None, None, 0, first.datatype)
    whole.parts = parts
    return [(stream, whole)]


def _ask(work: _Collective) -> None:
    """Give the collective its number among those of its communicator."""
    with PROGRESS:
        number = work.comm._next
        work.comm._next = number + 1
        work.number = number
        asked = work.world.asked
        while len(asked) <= number:
            asked.append({})
        asked[number][work.comm._rank] = work
        PROGRESS.notify_all()


_HANDLES = itertools.count(0x1000)


class NcclConfig:
    """How a communicator is made."""

    def __init__(self, split_share: int = 0) -> None:
        self.split_share = split_share


class NcclCommunicator:
    """One rank; made when all ranks make theirs."""

    def __init__(self, ndev: int, commId: bytes, rank: int, config: NcclConfig | None = None) -> None:  # fmt: skip
        self.comm = 0
        if not isinstance(commId, bytes):
            raise TypeError("commId must be bytes")
        if len(commId) != BYTES:
            raise ValueError(f"commId length {len(commId)} != {BYTES}.")
        if not 0 <= rank < ndev:
            raise NcclError(4)
        with PROGRESS:
            world = _worlds.setdefault(commId, _World(ndev))
            if world.size != ndev or rank in world.ranks:
                raise NcclError(5)
            world.ranks[rank] = self
            PROGRESS.notify_all()
            end = time.monotonic() + PATIENCE
            while len(world.ranks) < ndev:
                if not PROGRESS.wait(max(end - time.monotonic(), 0)):
                    raise AssertionError(f"only ranks {sorted(world.ranks)} of {ndev} came")
        self.comm = next(_HANDLES)
        self._world, self._rank, self._next = world, rank, 0
        self._failure = 0

    # CuPy's ends it too when it is collected
    def __del__(self) -> None:
        self.comm = 0

    def _alive(self) -> None:
        if not self.comm:
            raise NcclError(4)

    def destroy(self) -> None:
        self._end()

    def abort(self) -> None:
        self._end()

    def _end(self) -> None:
        with PROGRESS:
            if self.comm:
                self.comm = 0
                for rank, other in self._world.ranks.items():
                    if rank != self._rank and other.comm and self._unfinished():
                        other._failure = 6
            PROGRESS.notify_all()
        assert not OPEN_GROUPS.get(threading.get_ident()), (
            "a communicator ends between groupStart and groupEnd"
        )

    def _unfinished(self) -> bool:
        return self._world.happened < len(self._world.asked)

    def device_id(self) -> int:
        self._alive()
        return 0

    def rank_id(self) -> int:
        self._alive()
        return self._rank

    def size(self) -> int:
        self._alive()
        return self._world.size

    def check_async_error(self) -> None:
        self._alive()
        if self._failure:
            raise NcclError(self._failure)

    def _put(
        self, name: str, send: int, recv: int, counts: tuple[int, int, int], datatype: int, stream: int, *,
        op: int | None = None, root: int | None = None,
    ) -> None:  # fmt: skip
        self._alive()
        for number in (send, recv, *counts, datatype, stream):
            if not isinstance(number, int):
                raise TypeError(f"an integer is required, not {type(number).__name__}")
        if (op is not None and op not in range(5)) or (
            root is not None and not 0 <= root < self._world.size
        ):
            raise NcclError(4)
        count, sent, received = counts
        read = name != "recv" and (name != "broadcast" or root == self._rank)
        written = name != "send" and (name != "reduce" or root == self._rank)
        found: Stream = STREAMS[stream]
        assert found.ordered, "a stream of its own that did not wait for the arrays' stream"
        adds = op is not None
        work = _Collective(
            self._world, self, name,
            _memory(send, sent, datatype, adds=adds) if read else None,
            _memory(recv, received, datatype, adds=adds) if written else None,
            count, datatype, op, root,
        )  # fmt: skip
        groups = OPEN_GROUPS.get(threading.get_ident())
        if groups:
            groups[-1].append((found, work))
            return
        assert name not in ("send", "recv"), "a message outside of a group waits for its partner"
        _ask(work)
        found.put(work)

    def allReduce(
        self, sendbuf: int, recvbuf: int, count: int, datatype: int, op: int, stream: int
    ) -> None:
        self._put("allReduce", sendbuf, recvbuf, (count, count, count), datatype, stream, op=op)

    def reduce(
        self, sendbuf: int, recvbuf: int, count: int, datatype: int, op: int, root: int, stream: int
    ) -> None:
        self._put("reduce", sendbuf, recvbuf, (count,) * 3, datatype, stream, op=op, root=root)

    def broadcast(
        self, sendbuff: int, recvbuff: int, count: int, datatype: int, root: int, stream: int
    ) -> None:
        self._put("broadcast", sendbuff, recvbuff, (count,) * 3, datatype, stream, root=root)

    def bcast(self, buff: int, count: int, datatype: int, root: int, stream: int) -> None:
        self.broadcast(buff, buff, count, datatype, root, stream)

    def reduceScatter(
        self, sendbuf: int, recvbuf: int, recvcount: int, datatype: int, op: int, stream: int
    ) -> None:
        counts = (recvcount, recvcount * self.size(), recvcount)
        self._put("reduceScatter", sendbuf, recvbuf, counts, datatype, stream, op=op)

    def allGather(self, sendbuf: int, recvbuf: int, count: int, datatype: int, stream: int) -> None:
        counts = (count, count, count * self.size())
        self._put("allGather", sendbuf, recvbuf, counts, datatype, stream)

    def send(self, sendbuf: int, count: int, datatype: int, peer: int, stream: int) -> None:
        self._put("send", sendbuf, sendbuf, (count,) * 3, datatype, stream, root=peer)

    def recv(self, recvbuf: int, count: int, datatype: int, peer: int, stream: int) -> None:
        self._put("recv", recvbuf, recvbuf, (count,) * 3, datatype, stream, root=peer)


def fail(comm: NcclCommunicator, status: int = 6) -> None:
    """Let a communicator meet an error on its device; no name of CuPy's."""
    comm._failure = status


module: Any = types.ModuleType("cupy.cuda.nccl")
module.__dict__.update(
    CONSTANTS,
    available=True,
    **{
        f.__name__: f
        for f in (NcclError, NcclConfig, NcclCommunicator, get_unique_id, get_version, groupStart, groupEnd)
    },
)  # fmt: skip


def written(function: Any) -> str:
    """The parameters of a function here, in the words of the table."""
    return ", ".join(n for n in inspect.signature(function).parameters if n != "self")


__all__ = ["FUNCTIONS", "METHODS", "NcclCommunicator", "NcclError", "fail", "module", "written"]
