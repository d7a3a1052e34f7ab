"""Ranks that each drive one GPU: CuPy's arrays travel by NCCL, what the hosts agree on by MPI.

A collective is queued on CuPy's current stream, behind what computes its operand and before what uses its result; no
host waits for its device. `agree`, which goes before each, is an exchange between the hosts alone: they meet, and may
be far ahead of their devices while they do.
"""

from __future__ import annotations

import atexit
import os
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import backend
from ...autograd.core.typing import RawArray
from . import mpi
from .base import Communicator, DistributedError, ranks_text
from .request import Request
from .threads import Hub, ThreadCommunicator
from .traffic import share

_NAME_BYTES, _REPORT_BYTES = 64, 512
# How launchers tell a process its number among those of its machine, and how many there are in all.
LOCAL_RANK = (
    "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PALS_LOCAL_RANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID",
    "LOCAL_RANK",
)  # fmt: skip
WORLD_SIZE = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "WORLD_SIZE")


class NcclCommunicator(Communicator):
    """A group of ranks with one GPU each.

    Parameters
    ----------
    host : Communicator
        The same ranks' hosts: what they agree on travels by it.
    link : pullback.backend.cuda.collectives.nccl.Link
        The same ranks' devices.
    """

    name = "nccl"

    def __init__(self, host: Communicator, link: Any) -> None:
        super().__init__(host.rank, host.size, host.timeout)
        self.host, self.link = host, link

    def _exchange(self, data: bytes, what: str) -> list[bytes]:
        self.link.lane.check()
        return self.host._exchange(data, what)

    def _sum(self, x: RawArray) -> Any:
        return self.link.sum(x)

    def _gather(self, x: RawArray, axis: int, lengths: list[int]) -> Any:
        return self.link.gather(x, axis, lengths)

    def _scatter(self, x: RawArray, axis: int, lengths: list[int]) -> Any:
        return self.link.scatter(x, axis, lengths)

    def _broadcast(self, x: RawArray, root: int) -> Any:
        return self.link.broadcast(x, root)

    def _sum_to(self, x: RawArray, root: int) -> Any:
        return self.link.sum_to(x, root)

    def _start_sum(self, buffer: RawArray, op: str) -> Request:
        return _Started(self.link.start_sum(buffer, op))

    def _start_rounded_sum(self, buffer: RawArray, op: str) -> Request:
        """Start a sum in place of numbers that travel, and are added up, as bfloat16.

        NCCL's rings add as they pass on, so that on P ranks a number is rounded to 8 bits P times, where ranks of MPI
        add in float32 what was rounded once. It is one kernel beside the sweep, of half the bytes.
        """
        self.starts += 1
        moved = 2 * buffer.size * (2 if buffer.dtype.kind == "c" else 1)
        self.traffic.add("all_reduce", 2 * (self.size - 1), share(moved, self.size, 2))
        return _Started(self.link.start_sum(buffer, op, "bfloat16"))

    def _start_exchange(self, x: RawArray) -> Request:
        return _Started(self.link.start_exchange(x))

    def _broadcast_bytes(self, data: np.ndarray, root: int) -> np.ndarray:
        return self.host._broadcast_bytes(data, root)

    def _split(self, color: int, members: list[int]) -> Communicator:
        # connections are made on the device, beside nothing else that it does
        self.link.finish("split")
        self.host.calls = self.calls  # which names the group
        host = self.host._split(color, members)
        group = NcclCommunicator(host, _linked(host, self.link.library, self.link.lane))
        self.host._exchange(
            b"made", "split"
        )  # no rank begins to use its group while others make theirs
        return group

    def barrier(self) -> None:
        """Wait until all ranks are here, and their devices have done what was queued."""
        self.link.finish("barrier")
        super().barrier()

    def _check_array(self, name: str, x: RawArray) -> None:
        array_type = self.link.cupy.ndarray
        if not isinstance(x, array_type):
            kind = f"{type(x).__module__}.{type(x).__name__}"
            raise TypeError(
                f"{name}: NCCL sends CuPy arrays, and this is {kind}; "
                + (
                    "move it to this rank's GPU by pb.backend.current().asarray(x), or use "
                    'pb.distributed.init("mpi") for NumPy arrays'
                    if isinstance(x, np.ndarray | np.generic)
                    else "convert it first"
                )
            )
        super()._check_array(name, x)

    def abort(self, error: BaseException | str) -> None:
        """Print an error, and end all ranks: the processes of MPI, and what NCCL does on their devices."""
        try:
            self.host.abort(error)
        finally:
            self.link.lane.abort()

    def close(self) -> None:
        """Wait for this rank's device, end the communicator, and say that this rank takes part no longer."""
        self.link.close()
        self.host.close()


class _Started(Request):
    """What goes on beside the current stream: `wait` lets that stream wait for it, not the host."""

    def __init__(self, started: Any) -> None:
        self.started = started

    def test(self) -> bool:
        """Whether the device is done with it."""
        return self.started.test()

    def wait(self) -> Any:
        """The result, for what is queued from now on."""
        return self.started.wait()


# ── how a world begins ────────────────────────────────────────────────────────────────────────


def start(timeout: float | None = None) -> NcclCommunicator:
    """The communicator of all processes of this job, each with a GPU of its own.

    Raises
    ------
    DistributedError
        On every rank, with the reason of each: no CuPy, no NCCL, no GPU, or one that two ranks would share.
    """
    world = connect(_hosts(timeout))
    atexit.register(_at_exit, world, os.getpid())  # before the hosts' own
    return world


def _hosts(timeout: float | None, environment: Mapping[str, str] = os.environ) -> Communicator:
    """The hosts' communicator: MPI's, or one rank alone where nothing has started more."""
    try:
        host: Communicator = mpi.start(timeout)
    except DistributedError:
        if launched(environment) > 1:
            raise
        return ThreadCommunicator(Hub(), 0, [0], timeout=timeout)
    expected = launched(environment)
    if host.size == 1 < expected:
        raise DistributedError(
            f"init('nccl'): {expected} processes were started, and MPI knows of one: start them by mpirun (of the MPI "
            "that mpi4py uses) or by srun --mpi=pmix; a launcher without MPI, such as torchrun, gives the hosts "
            "nothing to speak by"
        )
    return host


def launched(environment: Mapping[str, str]) -> int:
    """How many processes a launcher says that it has started; 1 if none says anything.

    Examples
    --------
    >>> from pullback.distributed.communicators.nccl import launched
    >>> launched({"OMPI_COMM_WORLD_SIZE": "4"}), launched({})
    (4, 1)
    """
    found = (environment.get(name, "") for name in WORLD_SIZE)
    return next((int(text) for text in found if text.isdigit()), 1)


def local_device(environment: Mapping[str, str], before: int) -> int | None:
    """The CUDA device of a rank; None if ``PULLBACK_DEVICE`` says it.

    Parameters
    ----------
    environment : mapping
        Of the process: the rank's number on its machine is what the launcher says.
    before : int
        How many lower ranks are on the same machine: the number where no launcher says it.

    Examples
    --------
    >>> from pullback.distributed.communicators.nccl import local_device
    >>> local_device({"SLURM_LOCALID": "3"}, 0), local_device({}, 1)
    (3, 1)

    A launcher that shows each process one device alone calls all of them 0:

    >>> local_device({"SLURM_LOCALID": "3", "CUDA_VISIBLE_DEVICES": "3"}, 0)
    0
    """
    if environment.get("PULLBACK_DEVICE", "").strip():
        return None
    visible = [v for v in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if v.strip()]
    if len(visible) == 1:
        return 0
    found = (environment.get(name, "") for name in LOCAL_RANK)
    return next((int(text) for text in found if text.isdigit()), before)


def connect(host: Communicator, environment: Mapping[str, str] = os.environ) -> NcclCommunicator:
    """Give each rank of the hosts' communicator a device, and connect the devices.

    Makes "cupy", on that device, the active backend.
    """
    what = "init('nccl')"
    machine = socket.gethostname()
    names = _texts(host, machine, _NAME_BYTES, what)
    before = names[: host.rank].count(names[host.rank])
    chosen: Any = None
    try:
        chosen, report = _prepared(environment, before)
    except Exception as error:  # CuPy's, CUDA's, ours: every rank is told
        report = f"!{type(error).__name__}: {error}"
    reports = _texts(host, report, _REPORT_BYTES, what)
    _check_reports(reports, names)
    library = chosen.collectives
    lane = library.lane(host.timeout, DistributedError, lambda error: _failed(host, error))
    group = NcclCommunicator(host, _linked(host, library, lane))
    backend.use(chosen)
    return group


def _prepared(environment: Mapping[str, str], before: int) -> tuple[backend.Backend, str]:
    """The backend on this rank's device, which is the current one, and the device's name on its machine."""
    device = local_device(environment, before)
    try:
        chosen = backend.resolve("cupy", device)
    except backend.BackendError as error:
        if device is None or "there are CUDA devices" not in str(error):
            raise
        raise backend.BackendError(
            f"the rank with number {device} on its machine takes CUDA device {device}, and "
            + str(error).partition(": ")[2]
            + "; start at most one rank for each GPU, or set PULLBACK_DEVICE for each"
        ) from None
    library: Any = chosen.collectives
    library.use(device)
    return chosen, f"{library.device_name()} NCCL {library.version()}"


def _check_reports(reports: list[str], names: list[str]) -> None:
    """See to it that every rank has a device of its own.

    Raises
    ------
    DistributedError
        With what each rank said.
    """
    failed = {r: text[1:] for r, text in enumerate(reports) if text.startswith("!")}
    if failed:
        by_text: dict[str, list[int]] = {}
        for r, text in failed.items():
            by_text.setdefault(text, []).append(r)
        lines = [f"  {ranks_text(ranks)}: {text}" for text, ranks in by_text.items()]
        raise DistributedError("init('nccl') failed:\n" + "\n".join(lines))
    owners: dict[tuple[str, str], list[int]] = {}
    for r, (name, text) in enumerate(zip(names, reports, strict=True)):
        owners.setdefault((name, text.partition(" ")[0]), []).append(r)
    for (name, device), ranks in owners.items():
        if len(ranks) > 1:
            raise DistributedError(
                f"init('nccl'): {ranks_text(ranks)} have the same GPU ({device} of {name}), which NCCL does not allow: "
                "start one rank for each GPU; PULLBACK_DEVICE and CUDA_VISIBLE_DEVICES, where they are set, must differ"
            )


def _linked(host: Communicator, library: Any, lane: Any) -> Any:
    """The part of this rank in a new communicator of NCCL's among the ranks of a hosts' communicator."""
    data, problem = np.zeros(0, dtype=np.uint8), ""
    if host.rank == 0:
        try:
            data = np.frombuffer(library.unique_id(), dtype=np.uint8)
        except RuntimeError as error:
            problem = f"!{error}"
    problem = _texts(host, problem, _REPORT_BYTES, "init('nccl')")[0]
    if problem:
        raise DistributedError(f"init('nccl'): NCCL cannot start: {problem[1:]}")
    if host.rank:
        data = np.zeros(128, dtype=np.uint8)
    unique_id = host._broadcast_bytes(data, 0).tobytes()
    return library.connect(lane, unique_id, host.rank, host.size)


def _texts(host: Communicator, text: str, length: int, what: str) -> list[str]:
    """All ranks' texts, cut to so many bytes."""
    data = text.encode()[:length].ljust(length, b"\0")
    found = host._exchange(data, what)
    return [bytes(t).rstrip(b"\0").decode(errors="replace") for t in found]


def _failed(host: Communicator, error: Exception) -> None:
    """What the watch over NCCL does when something has failed: end all ranks, before anyone sees unfinished memory."""
    print(f"pullback: rank {host.rank} of {host.size}: {error}", file=sys.stderr, flush=True)
    try:
        host.abort(error)
    except Exception as raised:  # of threads: this rank's own thread raises it
        if raised is not error:
            raise


def _at_exit(world: NcclCommunicator, process: int) -> None:
    """End the devices' part of the world, where all ranks have queued the same; the hosts' part sees to itself."""
    lane = world.link.lane
    if lane.error is not None or not lane.links or os.getpid() != process:
        return
    try:
        world.agree(
            "the end of the program"
        )  # before a device is waited for, which may wait for another rank
        for link in list(lane.links):
            link.close()
    except DistributedError as error:
        time.sleep(1)  # the others print what they asked for, and where
        world.host.abort(error)
