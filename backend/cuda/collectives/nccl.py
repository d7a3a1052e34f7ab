"""Collectives between CUDA devices by NCCL, as CuPy binds it.

CuPy comes in as an argument. Each process (or thread) drives one device; how the ranks find each other and agree on
what they do is not known here. All work is queued and none is waited for on the host: a result is there for whatever is
queued behind it on the same stream.

NCCL takes addresses, a number of elements and a code of their dtype, and believes them. What is added up travels in its
own dtype, complex numbers as pairs of real ones, integers of 16 bits as 32; what is only moved travels as bytes.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...common.base import BackendError
from ...common.typing import DType
from ..fused import launcher
from .lane import Flight, Lane

# What NCCL adds up; integers of 16 bits it does not know.
DTYPES = ("int8", "uint8", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64")
WIDER = {"h": np.dtype(np.int32), "H": np.dtype(np.uint32)}  # by their characters


class Library:
    """NCCL for the arrays of CuPy.

    Parameters
    ----------
    cupy
        The module.
    load : callable
        Gives `cupy.cuda.nccl`.
    """

    def __init__(self, cupy: Any, load: Callable[[], Any]) -> None:
        self.cupy, self.load = cupy, load

    @functools.cached_property
    def nccl(self) -> Any:
        """`cupy.cuda.nccl`.

        Raises
        ------
        BackendError
            If CuPy has none, or finds no library.
        """
        found = self.load()
        if not found.available:
            major = self.cupy.cuda.runtime.runtimeGetVersion() // 1000
            raise BackendError(
                f"CuPy {self.cupy.__version__} cannot load NCCL (libnccl.so.2): pip install 'nvidia-nccl-cu{major}', "
                "or install NCCL by the system's packages"
            )
        return found

    @functools.cached_property
    def launch(self) -> Any:
        """The kernels that round to bfloat16 and back."""
        return launcher(self.cupy)

    def version(self) -> str:
        """Of NCCL, as ``"2.27.7"``."""
        number = self.nccl.get_version()
        major, rest = divmod(number, 10000 if number >= 20000 else 1000)
        return f"{major}.{rest // 100}.{rest % 100}"

    def use(self, device: int | None) -> None:
        """Make a device this thread's current one."""
        if device is not None:
            self.cupy.cuda.Device(device).use()

    def device_name(self) -> str:
        """Which device the current one is, among all of this machine."""
        return self.cupy.cuda.runtime.deviceGetPCIBusId(self.cupy.cuda.Device().id)

    def unique_id(self) -> bytes:
        """A name that one rank makes and all ranks of a new communicator are told."""
        return self.nccl.get_unique_id()

    def lane(self, *args: Any, **settings: Any) -> Lane:
        """A `Lane` on the current device."""
        return Lane(self.cupy, *args, **settings)

    def connect(self, lane: Lane, unique_id: bytes, rank: int, size: int) -> Link:
        """One rank of a communicator; all ranks call it, and it returns when they have."""
        comm = lane.call(
            f"NCCL's start of rank {rank} of {size}",
            self.nccl.NcclCommunicator,
            size,
            unique_id,
            rank,
        )
        return Link(self, comm, lane, rank, size)


class Link:
    """One rank of a communicator of NCCL's; see `Library.connect`."""

    def __init__(self, library: Library, comm: Any, lane: Lane, rank: int, size: int) -> None:
        self.library, self.comm, self.lane = library, comm, lane
        self.rank, self.size = rank, size
        self.cupy, self.nccl = library.cupy, library.nccl
        self.device = lane.device.id
        self.add, self.byte = self.nccl.NCCL_SUM, self.nccl.NCCL_UINT8
        self.codes: dict[str, tuple[int, int]] = {}
        lane.enter(self)

    # ── dtypes ──

    def code(self, dtype: DType) -> tuple[int, int]:
        """NCCL's code of a dtype that it adds up, and how many of these an element is."""
        found = self.codes.get(dtype.char)
        if found is None:
            real = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
            if real.name not in DTYPES:
                raise self.lane.error_type(f"NCCL does not add up numbers of {dtype}")
            found = getattr(self.nccl, f"NCCL_{real.name.upper()}"), 1 + (real is not dtype)
            self.codes[dtype.char] = found
        return found

    def _taken(self, x: Any) -> Any:
        """An array of this rank's device, in C order."""
        if x.device.id != self.device:
            raise self.lane.error_type(
                f"an array on CUDA device {x.device.id}, where rank {self.rank} works on device {self.device}"
            )
        return x if x.flags.c_contiguous else self.cupy.array(x, order="C")

    def _addable(self, x: Any) -> Any:
        wider = WIDER.get(x.dtype.char)
        return self._taken(x) if wider is None else self._taken(x).astype(wider)

    def _front(self, x: Any, axis: int) -> Any:
        """The axis in front, in C order."""
        return self._taken(self.cupy.moveaxis(x, axis, 0))

    def _back(self, x: Any, axis: int) -> Any:
        return self.cupy.array(self.cupy.moveaxis(x, 0, axis), order="C") if axis else x

    # ── collectives ──

    def sum(self, x: Any) -> Any:
        """The sum of all ranks' arrays of one shape and dtype."""
        given = self._addable(x)
        out = self.cupy.empty(given.shape, given.dtype)
        if given.size:
            code, times = self.code(given.dtype)

            def call(stream: int) -> None:
                self.comm.allReduce(
                    given.data.ptr, out.data.ptr, times * given.size, code, self.add, stream
                )

            self.lane.queue("all_reduce", call)
        return _of_dtype(out, x.dtype)

    def sum_to(self, x: Any, root: int) -> Any:
        """The sum on one rank, zeros on the others."""
        given = self._addable(x)
        out = self.cupy.zeros(given.shape, given.dtype)
        if given.size:
            code, times = self.code(given.dtype)

            def call(stream: int) -> None:
                self.comm.reduce(
                    given.data.ptr, out.data.ptr, times * given.size, code, self.add, root, stream
                )

            self.lane.queue("reduce", call)
        return _of_dtype(out, x.dtype)

    def broadcast(self, x: Any, root: int) -> Any:
        """The array of one rank."""
        given = self._taken(x)
        out = self.cupy.empty(given.shape, given.dtype)
        if given.size:

            def call(stream: int) -> None:
                self.comm.broadcast(
                    given.data.ptr, out.data.ptr, given.nbytes, self.byte, root, stream
                )

            self.lane.queue("broadcast", call)
        return out

    def gather(self, x: Any, axis: int, lengths: list[int]) -> Any:
        """All ranks' arrays, joined along an axis; `lengths` are theirs along it."""
        given = self._front(x, axis)
        out = self.cupy.empty((sum(lengths), *given.shape[1:]), given.dtype)

        def call(stream: int) -> None:
            if len(set(lengths)) == 1:
                self.comm.allGather(given.data.ptr, out.data.ptr, given.nbytes, self.byte, stream)
                return
            with self._group():
                for r, part in _parts(out, lengths):
                    sent = given if r == self.rank else part
                    self.comm.broadcast(
                        sent.data.ptr, part.data.ptr, part.nbytes, self.byte, r, stream
                    )

        if out.size:
            self.lane.queue("all_gather", call)
        return self._back(out, axis)

    def scatter(self, x: Any, axis: int, lengths: list[int]) -> Any:
        """The part of this rank, along an axis, of the sum; `lengths` are those of all ranks' parts."""
        given = self._addable(self._front(x, axis))
        out = self.cupy.empty((lengths[self.rank], *given.shape[1:]), given.dtype)
        code, times = self.code(given.dtype)

        def call(stream: int) -> None:
            if len(set(lengths)) == 1:
                self.comm.reduceScatter(
                    given.data.ptr, out.data.ptr, times * out.size, code, self.add, stream
                )
                return
            with self._group():
                for r, part in _parts(given, lengths):
                    came = out if r == self.rank else part
                    self.comm.reduce(
                        part.data.ptr, came.data.ptr, times * part.size, code, self.add, r, stream
                    )

        if given.size:
            self.lane.queue("reduce_scatter", call)
        return self._back(_of_dtype(out, x.dtype), axis)

    @contextlib.contextmanager
    def _group(self) -> Iterator[None]:
        """Calls of NCCL's that begin together, as one kernel."""
        self.nccl.groupStart()
        try:
            yield
        finally:
            self.nccl.groupEnd()

    def start_sum(self, buffer: Any, op: str = "sum", travel: str | None = None) -> Started:
        """Start a sum in place, on a stream of its own.

        Parameters
        ----------
        buffer : cupy.ndarray
            In C order.
        op : {"sum", "mean"}
            Whether it is divided by the number of ranks at the end.
        travel : {None, "bfloat16"}
            As what floating-point numbers travel and are added up; each sum of two is rounded to it.
        """
        if self._taken(buffer) is not buffer:
            raise ValueError("start_all_reduce: a buffer that is not in C order")
        carried = self._addable(buffer) if travel is None else self._narrow(buffer)
        code, times = self.code(carried.dtype) if travel is None else (self.nccl.NCCL_BFLOAT16, 1)

        def call(stream: int) -> None:
            if carried.size:
                address = carried.data.ptr
                self.comm.allReduce(address, address, times * carried.size, code, self.add, stream)

        def finish() -> Any:
            if travel is not None:
                self._widen(carried, buffer)
            elif carried is not buffer:
                buffer[...] = carried
            return operator.itruediv(buffer, self.size) if op == "mean" else buffer

        return Started(self, self.lane.queue("start_all_reduce", call, carried, aside=True), finish)

    def start_exchange(self, x: Any) -> Started:
        """Start to send row r of an array to rank r; the result has the rows that came, by rank."""
        given = self._taken(x)
        out = self.cupy.empty(given.shape, given.dtype)

        def call(stream: int) -> None:
            if given.size:
                with self._group():
                    for r in range(self.size):
                        row, place = given[r : r + 1], out[r : r + 1]
                        self.comm.send(row.data.ptr, row.nbytes, self.byte, r, stream)
                        self.comm.recv(place.data.ptr, place.nbytes, self.byte, r, stream)

        flight = self.lane.queue("start_all_to_all", call, given, out, aside=True)
        return Started(self, flight, lambda: out)

    # ── as bfloat16 ──

    def _narrow(self, x: Any) -> Any:
        """The bits of numbers rounded to bfloat16; a complex one is two."""
        flat = _reals(x)
        if flat.dtype.name not in ("float32", "float64"):
            raise ValueError(
                f"start_all_reduce: {x.dtype} cannot travel as bfloat16; numbers of 32 bits and more can"
            )
        bits = self.cupy.empty(flat.shape, np.uint16)
        if flat.size:
            self.library.launch("narrow_bfloat16", flat.dtype, flat.size, 1, flat, bits, flat.size)
        return bits

    def _widen(self, bits: Any, x: Any) -> None:
        flat = _reals(x)
        if flat.size:
            self.library.launch("widen_bfloat16", flat.dtype, flat.size, 1, bits, flat, flat.size)

    # ── the end ──

    def finish(self, what: str) -> None:
        """Wait on the host until the device is done with what was queued."""
        self.lane.finish(what)

    def close(self) -> None:
        """End it, after what was queued is done."""
        if self in self.lane.links and self.lane.error is None:
            self.lane.finish("close")
        self.lane.leave(self)


class Started:
    """What goes on beside the current stream, until `finish` makes its result of it on that stream."""

    def __init__(self, link: Link, flight: Flight, finish: Callable[[], Any]) -> None:
        self.link, self.flight = link, flight
        self.finish: Callable[[], Any] | None = finish  # None when it has been called
        self.result: Any = None

    def test(self) -> bool:
        """Whether the device is done with it."""
        self.link.lane.check()
        return self.finish is None or self.link.lane.done(self.flight.event)

    def wait(self) -> Any:
        """Let the current stream wait for it, not the host: what is queued from now on finds the result."""
        self.link.lane.check()
        if self.finish is not None:
            self.link.cupy.cuda.get_current_stream().wait_event(self.flight.event)
            self.result = self.finish()
            self.finish = None  # what it holds is free
            self.link.lane.check()  # an abort ends waits
        return self.result


def _reals(x: Any) -> Any:
    """The real numbers of an array in C order, flat: a view."""
    flat = x.reshape(-1)
    return flat.view(np.dtype(f"f{x.dtype.itemsize // 2}")) if x.dtype.kind == "c" else flat


def _parts(x: Any, lengths: list[int]) -> Iterator[tuple[int, Any]]:
    """Each rank with its part of the first axis, where it has one."""
    start = 0
    for r, length in enumerate(lengths):
        if length:
            yield r, x[start : start + length]
        start += length


def _of_dtype(x: Any, dtype: DType) -> Any:
    return x if x.dtype == dtype else x.astype(dtype)
