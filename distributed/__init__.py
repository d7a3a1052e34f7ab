"""Programs on several processes, on one machine or on many: collectives that derivatives pass through.

Each process is a *rank* and runs the same program on its own part of the data; `docs/guide/distributed.md` says how to start
one, and what the gradient of a function of several ranks is.
"""

from .collectives import all_gather, all_reduce, broadcast, reduce_scatter, replicate
from .communicators.base import Communicator, DistributedError
from .communicators.threads import simulate
from .data_parallel import data_parallel
from .sharded import sharded
from .world import init, rank, size, world

__all__ = [
    "Communicator",
    "DistributedError",
    "all_gather",
    "all_reduce",
    "broadcast",
    "data_parallel",
    "init",
    "rank",
    "reduce_scatter",
    "replicate",
    "sharded",
    "simulate",
    "size",
    "world",
]


def __dir__() -> list[str]:
    return __all__
