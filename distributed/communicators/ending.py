"""The end of a program on many ranks: they wait for each other, and one that waits for another is told of its end."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from .base import DistributedError, head_of_end
from .job import TELL_AFTER, Job

_SPIN = 5e-4  # seconds of waiting after which to sleep


def at_exit(job: Job) -> None:
    """Say on all groups that this rank has ended; if others still ask for something, end the job."""
    groups = [g for g in job.groups if not g.closed]
    if not groups or not job.here:
        return
    given_up = next((g.unusable for g in groups if g.unusable), "")
    try:
        if given_up:
            raise DistributedError(f"{groups[0]!r} has ended, and {given_up}")
        end(groups)
    except DistributedError as error:
        time.sleep(1)  # the others print what they asked for, and where
        job.abort(str(error))
    if job.size > 1 and hasattr(signal, "SIGALRM"):
        # MPI's own end, after Python's, waits for all ranks: for one that has stopped meanwhile, not without an end
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, groups[0].timeout)


def end(groups: Sequence[Any]) -> None:
    """Exchange the end of the program on several groups at once, whichever of them another rank waits in."""
    what = "the end of the program"
    mine = np.frombuffer(head_of_end(), dtype=np.uint8)
    left = []
    for group in groups:
        group.exchanges += 1
        found = np.empty((group.size, mine.size), dtype=np.uint8)
        left.append((group, found, group.control.Iallgather(mine, found)))
    start = time.monotonic()
    job, told = groups[0].job, False
    job.busy = start, groups[0].timeout, what
    while left:
        for entry in list(left):
            group, found, request = entry
            if not request.Test():
                continue
            left.remove(entry)
            if not np.array_equal(found, np.broadcast_to(mine, found.shape)):
                raise group._disagreement(what)
            while group.started:
                group.started.pop(0).wait()
            group.closed = True
            group.job.groups.remove(group)
        waited = time.monotonic() - start
        if left and waited > TELL_AFTER * max(1, job.size / 32):
            if not told:
                group = left[0][0]
                job.tell(group.wait_of(what, group.exchanges, "agreement"))
                told = True
            job.check_circle()
        if waited > groups[0].timeout:
            raise DistributedError(
                f"rank {groups[0].rank} has ended, and has waited {waited:.0f} s for the others to end; "
                "PULLBACK_DISTRIBUTED_TIMEOUT sets the seconds"
            )
        if left and waited > _SPIN:
            time.sleep(1e-4 if waited < 1 else 5e-3)
    job.busy = None
