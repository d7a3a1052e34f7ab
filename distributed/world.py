"""The world: all ranks of this run, started by ``mpirun``, simulated, or one alone."""

from __future__ import annotations

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
