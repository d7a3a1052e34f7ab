"""A command that a launcher has started several times: as the ranks of one run, of which rank 0 speaks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from ...backend import BackendError
from ...distributed import Communicator, DistributedError, init
from ..errors import InputError, counted

KINDS = ("mpi", "nccl")

# What launchers tell the processes that they start, before MPI is there: (rank, number of ranks).
_VARIABLES = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),  # MVAPICH
)

T = TypeVar("T")


def launched() -> tuple[int, int]:
    """The rank of this process and the number of ranks, as a launcher has told; (0, 1) without one."""
    for rank, size in _VARIABLES:
        try:
            found = int(os.environ[rank]), int(os.environ[size])
        except (KeyError, ValueError):
            continue
        if 0 <= found[0] < found[1]:
            return found
    return 0, 1


def width_of_launcher() -> int:
    """The width of the terminal that the launcher writes to; 0 where there is none, or it cannot be known.

    A launcher reads what its ranks print from pipes, so that they see no terminal. Linux alone tells.
    """
    if launched()[1] == 1:
        return 0
    try:
        terminal = os.open(f"/proc/{os.getppid()}/fd/2", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.get_terminal_size(terminal).columns or 80
        finally:
            os.close(terminal)
    except (OSError, AttributeError):  # Windows has neither
        return 0


def refuse_several(command: str) -> None:
    """Refuse a command of one process that was started several times.

    Raises
    ------
    InputError
        If a launcher has started more than one.
    """
    size = launched()[1]
    if size > 1:
        advice = (
            "add --distributed mpi to train on all of them"
            if command == "train"
            else ("start it without the launcher")
        )
        raise InputError(
            f"{command}: a launcher has started {size} processes, each of which would do all of the work: {advice}"
        )


def group_of(kind: str) -> Communicator:
    """The world of `kind`, joined.

    Raises
    ------
    InputError
        For an unknown kind, a package that is not there, or ranks that find no way to each other.
    """
    if kind not in KINDS:
        raise InputError(f"distributed: {kind!r} is none of {', '.join(KINDS)}")
    try:
        return init(kind)
    except (ImportError, DistributedError) as error:
        raise InputError(f"--distributed {kind}: {error}") from error


def where(group: Communicator) -> str:
    """On how many ranks, for the line that begins a run."""
    return f"on {counted(group.size, 'rank')} by {group.name.upper()}" + (
        ": start it by mpirun -n 4 pullback train …, to have 4" if group.size == 1 else ""
    )


def together(group: Communicator | None, work: Callable[[], T]) -> T:
    """What every rank does for itself, such as reading the data; where it fails on one of them, all of them raise.

    Raises
    ------
    InputError
        Of the first rank that met it, which is named where others did not.
    KeyboardInterrupt
        For a signal to one of them meanwhile.
    """
    if group is None or group.size == 1:
        return work()
    found: Any = None
    error: BaseException | None = None
    try:
        found = work()
    except (InputError, BackendError, MemoryError, KeyboardInterrupt) as caught:
        error = caught
    failed = [rank for rank, bad in enumerate(group.agree("ready", int(error is not None))) if bad]
    if not failed:
        return found
    # a signal ends all ranks as it ends the one that it came to
    own = error if error is None or isinstance(error, KeyboardInterrupt) else _message(error)
    first = group.broadcast_object(own, root=failed[0])
    if isinstance(first, KeyboardInterrupt):
        raise first
    if len(failed) == group.size:
        raise InputError(first) from error
    raise InputError(f"rank {failed[0]} of {group.size}: {first}") from error


def _message(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"not enough memory{f' ({error})' if str(error) else ''}: take a smaller network or batch"
    return str(error)
