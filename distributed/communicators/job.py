"""The job that this process belongs to: how it starts, how one rank's failure ends all, whom its ranks wait for."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from .base import DistributedError
from .waiting import Wait, circle_of, circle_text

# Seconds of waiting after which ranks that have several groups tell each other what they wait for.
TELL_AFTER = 0.25


@dataclass(eq=False)
class Job:
    """What all communicators of this process have in common.

    Attributes
    ----------
    comm
        MPI's communicator of all ranks, on which nothing but notes of waits travels.
    rank, size : int
        Of this process in the world, and of the world.
    groups : list
        The communicators that are open.
    process : int
        The number of this process: its forks take no part.
    waits : dict
        What other ranks were last known to wait in.
    sent, lost : list
        Requests of MPI: for notes on their way, and such as were given up while MPI has their memory.
    busy : tuple or None
        Since when this process is in MPI's hands, for how many seconds it may be, and what for.
    """

    comm: Any
    rank: int
    size: int
    groups: list[Any] = field(default_factory=list)
    process: int = field(default_factory=os.getpid)
    waits: dict[int, Wait] = field(default_factory=dict)
    sent: list[Any] = field(default_factory=list)
    lost: list[Any] = field(default_factory=list)
    busy: tuple[float, float, str] | None = None

    @property
    def here(self) -> bool:
        """Whether this is the process that started, and not a fork of it."""
        return os.getpid() == self.process

    def tell(self, wait: Wait) -> None:
        """Send all ranks a note of what this one waits in."""
        self.waits[self.rank] = wait
        note = pickle.dumps(wait)
        self.sent = [request for request in self.sent if not request.Test()]
        for rank in range(self.size):
            if rank != self.rank:
                self.sent.append(self.comm.Isend(bytearray(note), dest=rank))

    def check_circle(self) -> None:
        """Take the notes that came, and raise if this rank waits for a circle of ranks that wait for each other.

        Raises
        ------
        DistributedError
            With what each of them waits in.
        """
        self.take_notes()
        circle = circle_of(self.waits, self.rank)
        if circle:
            raise DistributedError(circle_text(circle, self.waits))

    def take_notes(self) -> None:
        """Receive what other ranks have told of their waits."""
        status = library().Status()
        while (message := self.comm.Improbe(status=status)) is not None:
            note = bytearray(status.Get_count(library().BYTE))
            message.Recv(note)
            self.waits[status.Get_source()] = pickle.loads(bytes(note))

    def watch(self) -> None:
        """Start a thread that ends this process if MPI does not give it back in time, or the launcher is gone.

        A rank that was stopped in the middle of a message can leave the others within MPI, where they look at no
        clock. A launcher that is killed ends nobody, and a rank that dies then is told to nobody.
        """
        threading.Thread(
            target=self._watch,
            args=(os.getppid(),),
            name="pullback: watch over MPI",
            daemon=True,
        ).start()

    def _watch(self, launcher: int) -> None:
        while True:
            time.sleep(1)
            if self.here and os.getppid() != launcher:
                # nobody may read the message any more, which then is no reason to stay
                with contextlib.suppress(OSError, ValueError):
                    os.write(2, f"rank {self.rank} ends: its launcher is gone\n".encode())
                os._exit(1)
            busy = self.busy
            if busy is None:
                continue
            since, seconds, what = busy
            if time.monotonic() - since > seconds + 3 and self.here:
                print(
                    f"rank {self.rank} has waited {seconds:g} s in {what}, within MPI: another rank has stopped",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(1)

    def over(self) -> None:
        """Note that this rank waits no longer."""
        self.waits.pop(self.rank, None)

    def abort(self, error: BaseException | str) -> None:
        """Print an error, and end all ranks with exit code 1."""
        text = error if isinstance(error, str) else "".join(traceback.format_exception(error))
        print(f"rank {self.rank} ends the job: {text.rstrip()}", file=sys.stderr, flush=True)
        self.comm.Abort(1)

    def catch_exceptions(self) -> None:
        """From now on, end all ranks when an exception is caught by nobody, after its traceback."""
        before: Callable[..., Any] = sys.excepthook

        def hook(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            if not self.here:
                before(kind, error, trace)
                return
            if before is sys.__excepthook__:
                # in one piece, since ranks that fail together write over each other
                text = "".join(traceback.format_exception(kind, error, trace))
                mark = f"[rank {self.rank}] "
                sys.stderr.write("".join(mark + line for line in text.splitlines(keepends=True)))
            else:
                print(f"rank {self.rank} of {self.size} failed:", file=sys.stderr)
                before(kind, error, trace)
            sys.stderr.flush()
            if self.size > 1:
                self.comm.Abort(1)

        sys.excepthook = hook


def library() -> Any:
    """mpi4py's module ``MPI``, with which MPI begins.

    Raises
    ------
    DistributedError
        If mpi4py or an MPI library is missing.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "mpi4py":
            raise DistributedError(
                "init('mpi') needs mpi4py and an MPI library: pip install 'pullback[mpi]'"
            ) from None
        raise _no_library(error) from error
    except RuntimeError as error:  # mpi4py's wheels look for the library themselves
        raise _no_library(error) from error
    return MPI


def _no_library(error: Exception) -> DistributedError:
    return DistributedError(
        f"init('mpi'): mpi4py finds no MPI library ({error}): pip install 'pullback[mpi]'"
    )


class Watched:
    """A context that ends this process if it is not left in time: MPI's start has no deadline of its own.

    MPI's start keeps Python's lock, so that no thread of Python's can watch it; `faulthandler` has one of C.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        # without a file for errors there is nowhere to write to
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            if sys.__stderr__ is not None:
                faulthandler.dump_traceback_later(self.seconds, exit=True, file=sys.__stderr__)

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()


def wait_for_all_ranks_to_call_init() -> Any:
    """mpi4py's module ``MPI``, by a function whose name is what the watch shows where ranks are waited for in vain."""
    return library()


def leave_half_started() -> None:
    """After an exception in the middle of MPI's start, under a launcher: print it and leave at once.

    MPI's own end, which Python's would call, waits for the others, and they wait for this process. The launcher ends
    them when it is gone.
    """
    if any(name in os.environ for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK")):
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
