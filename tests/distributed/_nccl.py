"""Ranks with NCCL on the stand-in for CuPy: each a thread, whose name is that of its device."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import pullback as pb
from pullback.backend.cuda.collectives import lane
from pullback.distributed.communicators import nccl
from pullback.distributed.communicators.threads import SIMULATED, simulate

from .. import standin
from ..standin import cuda

ONE_DEVICE = {"PULLBACK_DEVICE": "0"}


@contextlib.contextmanager
def devices() -> Iterator[None]:
    """The stand-in is what ``use("cupy")`` finds, and each thread has a device of its own."""
    undo = standin.activate("cupy")
    before = cuda.runtime.deviceGetPCIBusId, lane.INTERVAL
    lane.INTERVAL = 0.02  # the watch looks often
    cuda.runtime.deviceGetPCIBusId = lambda i: threading.current_thread().name.replace(" ", "-")
    try:
        yield
    finally:
        cuda.runtime.deviceGetPCIBusId, lane.INTERVAL = before
        undo()


def on_ranks(f: Callable[..., Any], size: int, *args: Any, timeout: float | None = None) -> list[Any]:  # fmt: skip
    """`pb.distributed.simulate`, with NCCL's communicator as the world."""

    def rank(*args: Any) -> Any:
        hosts = pb.distributed.world()
        world = nccl.connect(hosts, ONE_DEVICE)
        SIMULATED.set(world)
        try:
            return f(*args)
        finally:
            SIMULATED.set(hosts)
            if world.link.lane.error is None:
                world.link.lane.abort()

    with devices():
        return simulate(rank, size, *args, timeout=timeout)


def made(values: Any, dtype: Any = None) -> Any:
    """An array of the stand-in."""
    return standin.backend().asarray(np.array(values, dtype=dtype))
