"""The world: all ranks of this run, started by ``mpirun``, simulated, or one alone."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

from .communicators import mpi, nccl
from .communicators.base import Communicator, DistributedError
from .communicators.threads import SIMULATED, STARTED, alone

_STARTERS: dict[str, Callable[[float | None], Communicator]] = {
    "mpi": mpi.start,
    "nccl": nccl.start,
}


def init(kind: str = "mpi", timeout: float | None = None) -> Communicator:
    """Join this process to all others of the run, and make them the world.

    Call it once, at the start of the program, in each process that ``mpirun -n P python program.py`` starts. Without
    ``mpirun``, the world is this process alone. An exception that nobody catches ends all ranks from then on, with its
    traceback.

    Parameters
    ----------
    kind : {"mpi", "nccl"}
        What carries the messages: MPI for NumPy arrays, NCCL for CuPy's, one GPU for each process. With "nccl" the
        backend "cupy" becomes the active one, whatever ``PULLBACK_BACKEND`` says, on the GPU with the number that the
        process has on its machine, or with that of ``PULLBACK_DEVICE``; the hosts speak by MPI all the same.
    timeout : float, optional
        After how many seconds of waiting for the others a rank gives up with an error. By default
        ``PULLBACK_DISTRIBUTED_TIMEOUT``, or 600.

    Returns
    -------
    Communicator
        The world. A second call with the same `kind` returns it again.

    Raises
    ------
    DistributedError
        If mpi4py or an MPI library is missing, or the world is of another kind already; with "nccl" on every rank, if
        one of them has no CuPy, no NCCL or no GPU, or two have the same GPU.

    Examples
    --------
    A program of two ranks, run by ``mpirun -n 2 python program.py``::

        import numpy as np, pullback as pb

        pb.distributed.init("mpi")
        print(pb.distributed.all_reduce(np.ones(3)))   # [2. 2. 2.] on both
    """
    starter = _STARTERS.get(kind)
    if starter is None:
        raise ValueError(f"init: kind={kind!r} is none of {', '.join(map(repr, _STARTERS))}")
    simulated = SIMULATED.get()
    if simulated is not None:
        return simulated
    if STARTED:
        if STARTED[0].name != kind:
            raise DistributedError(f"init({kind!r}): the world is {STARTED[0]!r} already")
        return STARTED[0]
    STARTED.append(starter(timeout))
    return STARTED[0]


def world() -> Communicator:
    """The communicator of all ranks; before `init`, of this process alone.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.distributed.world()
    <threads: rank 0 of 1>
    """
    simulated = SIMULATED.get()
    if simulated is not None:
        return simulated
    return STARTED[0] if STARTED else alone(provisional=True)


# How many processes a launcher of MPI has started. Not SLURM's variables: a batch script's own process has them, too.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")


def group_or_world(group: Communicator | None) -> Communicator:
    """The group that a collective was given, or the world; warns if this process of several has not called `init`."""
    if group is not None:
        return group
    found = world()
    if found.size == 1 and not STARTED and SIMULATED.get() is None:
        sizes = [os.environ.get(name, "") for name in _SIZES]
        started = next((int(text) for text in sizes if text.isdigit()), 1)
        if started > 1:
            # of a program that runs many collectives, Python shows it once
            warnings.warn(
                f"a launcher has started {started} processes, and this one has not joined the others: each is a world "
                "of its own, and nothing is added up; call pb.distributed.init() at the beginning",
                RuntimeWarning,
                stacklevel=4,
            )
    return found


def rank() -> int:
    """Which rank of the world this process is: 0 … `size` − 1.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.distributed.rank(), pb.distributed.simulate(pb.distributed.rank, 3)
    (0, [0, 1, 2])
    """
    return world().rank


def size() -> int:
    """How many ranks the world has.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.distributed.size(), pb.distributed.simulate(pb.distributed.size, 2)
    (1, [2, 2])
    """
    return world().size
