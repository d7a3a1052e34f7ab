"""Collectives between CUDA devices by NCCL, as CuPy binds it.

CuPy comes in as an argument. Each process (or thread) drives one device; how the ranks find each other and agree on
what they do is not known here. All work is queued and none is waited for on the host: a result is there for whatever is
queued behind it on the same stream.

NCCL takes addresses, a number of elements and a code of their dtype, and believes them. What is added up travels in its
own dtype, complex numbers as pairs of real ones, integers of 16 bits as 32; what is only moved travels as bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.base import BackendError
from ..common.typing import DType
from .fused import launcher
from .lane import Lane

# What NCCL adds up; integers of 16 bits it does not know.
DTYPES = ("int8", "uint8", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64")
WIDER = {"int16": np.dtype(np.int32), "uint16": np.dtype(np.uint32)}
HALF = "bfloat16"


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
        with lane.call(f"NCCL's start of rank {rank} of {size}"):
            comm = self.nccl.NcclCommunicator(size, unique_id, rank)
        return Link(self, comm, lane, rank, size)


class Link:
    """One rank of a communicator of NCCL's; see `Library.connect`."""

    def __init__(self, library: Library, comm: Any, lane: Lane, rank: int, size: int) -> None:
        self.library, self.comm, self.lane = library, comm, lane
        self.rank, self.size = rank, size
        self.cupy, self.nccl = library.cupy, library.nccl
        lane.enter(self)

    # ── dtypes ──

    def code(self, dtype: DType) -> tuple[int, int]:
        """NCCL's code of a dtype that it adds up, and how many of these an element is."""
        if dtype.kind == "c":
            return self.code(np.dtype(f"f{dtype.itemsize // 2}"))[0], 2
        if dtype.name not in DTYPES:
            raise self.lane.error_type(f"NCCL does not add up numbers of {dtype}")
        return getattr(self.nccl, f"NCCL_{dtype.name.upper()}"), 1

    def _taken(self, x: Any) -> Any:
        """An array of this rank's device, in C order."""
        if x.device.id != self.lane.device.id:
            raise self.lane.error_type(
                f"an array on CUDA device {x.device.id}, where rank {self.rank} works on device {self.lane.device.id}"
            )
        return x if x.flags.c_contiguous else self.cupy.array(x, order="C")

    def _addable(self, x: Any) -> Any:
        wider = WIDER.get(x.dtype.name)
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
            with self.lane.queue("all_reduce") as stream:
                self.comm.allReduce(
                    given.data.ptr, out.data.ptr, times * given.size, code, self.nccl.NCCL_SUM, stream.ptr
                )  # fmt: skip
        return out if out.dtype == x.dtype else out.astype(x.dtype)

    def sum_to(self, x: Any, root: int) -> Any:
        """The sum on one rank, zeros on the others."""
        given = self._addable(x)
        out = self.cupy.zeros(given.shape, given.dtype)
        if given.size:
            code, times = self.code(given.dtype)
            with self.lane.queue("reduce") as stream:
                self.comm.reduce(
                    given.data.ptr, out.data.ptr, times * given.size, code, self.nccl.NCCL_SUM, root, stream.ptr
                )  # fmt: skip
        return out if out.dtype == x.dtype else out.astype(x.dtype)

    def broadcast(self, x: Any, root: int) -> Any:
        """The array of one rank."""
        given = self._taken(x)
        out = self.cupy.empty(given.shape, given.dtype)
        if given.size:
            with self.lane.queue("broadcast") as stream:
                self.comm.broadcast(
                    given.data.ptr, out.data.ptr, given.nbytes, self.nccl.NCCL_UINT8, root, stream.ptr
                )  # fmt: skip
        return out

    def gather(self, x: Any, axis: int, lengths: list[int]) -> Any:
        """All ranks' arrays, joined along an axis; `lengths` are theirs along it."""
        given = self._front(x, axis)
        out = self.cupy.empty((sum(lengths), *given.shape[1:]), given.dtype)
        if out.size:
            with self.lane.queue("all_gather") as stream:
                if len(set(lengths)) == 1:
                    self.comm.allGather(
                        given.data.ptr, out.data.ptr, given.nbytes, self.nccl.NCCL_UINT8, stream.ptr
                    )
                else:
                    self._each(
                        lengths,
                        out,
                        lambda part, r: self.comm.broadcast(
                            (given if r == self.rank else part).data.ptr,
                            part.data.ptr,
                            part.nbytes,
                            self.nccl.NCCL_UINT8,
                            r,
                            stream.ptr,
                        ),
                    )
        return self._back(out, axis)

    def scatter(self, x: Any, axis: int, lengths: list[int]) -> Any:
        """The part of this rank, along an axis, of the sum; `lengths` are those of all ranks' parts."""
        given = self._addable(self._front(x, axis))
        out = self.cupy.empty((lengths[self.rank], *given.shape[1:]), given.dtype)
        if given.size:
            code, times = self.code(given.dtype)
            add = self.nccl.NCCL_SUM
            with self.lane.queue("reduce_scatter") as stream:
                if len(set(lengths)) == 1:
                    self.comm.reduceScatter(
                        given.data.ptr, out.data.ptr, times * out.size, code, add, stream.ptr
                    )
                else:
                    self._each(
                        lengths,
                        given,
                        lambda part, r: self.comm.reduce(
                            part.data.ptr,
                            (out if r == self.rank else part).data.ptr,
                            times * part.size,
                            code,
                            add,
                            r,
                            stream.ptr,
                        ),
                    )
        out = out if out.dtype == x.dtype else out.astype(x.dtype)
        return self._back(out, axis)

    def _each(self, lengths: list[int], whole: Any, call: Callable[[Any, int], None]) -> None:
        """One collective for each rank's part, as one kernel."""
        self.nccl.groupStart()
        try:
            start = 0
            for r, length in enumerate(lengths):
                if length:
                    call(whole[start : start + length], r)
                start += length
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
            As what real floating-point numbers travel and are added up; each sum of two is rounded to it.
        """
        if self._taken(buffer) is not buffer:
            raise ValueError("start_all_reduce: a buffer that is not in C order")
        carried = self._narrow(buffer) if travel == HALF else self._addable(buffer)
        code, times = (self.nccl.NCCL_BFLOAT16, 1) if travel == HALF else self.code(carried.dtype)
        with self.lane.queue("start_all_reduce", carried, aside=True) as stream:
            if carried.size:
                self.comm.allReduce(
                    carried.data.ptr, carried.data.ptr, times * carried.size, code, self.nccl.NCCL_SUM, stream.ptr
                )  # fmt: skip
        return Started(self, buffer, carried, op, self.lane.flights[-1])

    def _narrow(self, x: Any) -> Any:
        """The bits of real numbers rounded to bfloat16."""
        if x.dtype.name not in ("float32", "float64"):
            raise ValueError(
                f"start_all_reduce: {x.dtype} cannot travel as bfloat16; float32 and float64 can"
            )
        bits = self.cupy.empty(x.shape, np.uint16)
        if x.size:
            self.library.launch("narrow_bfloat16", x.dtype, x.size, 1, x, bits, x.size)
        return bits

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
    """A sum that goes on beside the current stream."""

    def __init__(self, link: Link, buffer: Any, carried: Any, op: str, flight: Any) -> None:
        self.link, self.buffer, self.op, self.flight = link, buffer, op, flight
        self.carried = carried
        self.complete = False

    def test(self) -> bool:
        """Whether the device is done with it."""
        self.link.lane.check()
        return self.complete or self.link.lane.done(self.flight.event)

    def wait(self) -> Any:
        """Let the current stream wait for it, not the host: what is queued from now on finds the result in the buffer."""
        lane, buffer = self.link.lane, self.buffer
        lane.check()
        if self.complete:
            return buffer
        self.link.cupy.cuda.get_current_stream().wait_event(self.flight.event)
        if self.carried is not buffer:
            self._widen()
        if self.op == "mean":
            buffer /= self.link.size
        self.complete = True
        lane.check()  # an abort ends waits
        return buffer

    def _widen(self) -> None:
        buffer, carried = self.buffer, self.carried
        if carried.dtype.name == "uint16" and buffer.dtype.kind == "f":
            if buffer.size:
                self.link.library.launch(
                    "widen_bfloat16", buffer.dtype, buffer.size, 1, carried, buffer, buffer.size
                )
        else:
            buffer[...] = carried
