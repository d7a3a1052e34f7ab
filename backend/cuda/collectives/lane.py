"""The order of collectives on one device, and the watch over them.

NCCL asks that collectives begin in the same order on all ranks, those of several communicators too. A program calls
them in one order; a lane keeps it on the device: what is queued on another stream than the collective before waits for
that one. All communicators of a rank share one lane.

Nothing here waits on the host. So a collective that never ends (a rank is gone, a cable is pulled) would be noticed by
nobody: a thread looks once in a while at what NCCL says of itself and at how long the oldest collective has been out. A
failure is told to `on_failure` before the communicators are aborted, since after that kernels end with whatever is in
their memory, and the program would go on with it.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# cudaErrorNotReady, and cudaErrorStreamCapture…: another thread captures a stream, and events cannot be asked.
NOT_READY = (600, *range(900, 909))
INTERVAL = 1.0  # seconds between two looks


@dataclass(eq=False)
class Flight:
    """A collective that was queued.

    Attributes
    ----------
    what : str
        Its name.
    event : cupy.cuda.Event
        Recorded behind it.
    begun : float
        When.
    kept : tuple
        What must not be freed before it is done.
    """

    what: str
    event: Any
    begun: float
    kept: tuple[Any, ...]


class Lane:
    """What the communicators of one rank share.

    Parameters
    ----------
    cupy
        The module; its current device is the rank's.
    timeout : float
        Seconds after which a collective counts as failed.
    error_type : type
        What is raised.
    on_failure : callable
        ``on_failure(error)``, from the thread that watches: end the ranks.
    interval : float, optional
        Seconds between two looks, by default `INTERVAL`.

    Attributes
    ----------
    stream : cupy.cuda.Stream
        For what goes on beside the current stream.
    error : Exception or None
        What has failed; every later call raises it.
    """

    def __init__(
        self,
        cupy: Any,
        timeout: float,
        error_type: type[Exception],
        on_failure: Callable[[Exception], None],
        interval: float | None = None,
    ) -> None:
        self.cupy, self.timeout, self.error_type = cupy, timeout, error_type
        self.on_failure = on_failure
        self.device = cupy.cuda.Device()
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.last: tuple[Any, int] | None = None  # the event behind the last collective, its stream
        self.flights: deque[Flight] = deque()
        self.calling: tuple[str, float] | None = None
        self.links: list[Any] = []
        self.error: Exception | None = None
        self.lock = threading.RLock()  # of the communicators' ends
        self.stopped = threading.Event()
        threading.Thread(
            target=_watch,
            args=(weakref.ref(self), self.stopped, min(interval or INTERVAL, timeout / 4)),
            name="pullback: watches NCCL",
            daemon=True,
        ).start()

    def call(self, what: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call NCCL, which may wait for the other ranks in itself, under the watch."""
        if self.error is not None:
            raise self.error
        self.calling = (what, time.monotonic())
        try:
            out = function(*args)
        except self.error_type:
            raise
        except RuntimeError as error:  # NCCL's and CUDA's
            self.check()
            raise self.error_type(f"{what}: {type(error).__name__}: {error}") from error
        finally:
            self.calling = None
        self.check()  # an abort lets calls return
        return out

    def queue(
        self, what: str, function: Callable[[int], Any], *kept: Any, aside: bool = False
    ) -> Flight:
        """Queue a collective behind the one before it.

        Parameters
        ----------
        what : str
            Its name.
        function : callable
            Calls NCCL; takes the address of a stream.
        *kept
            What is kept until the device is done with it, where that is another stream than the one it belongs to.
        aside : bool
            Whether it goes on the lane's own stream, behind what the current one has so far, not on the current one.
        """
        self.prune()
        cuda = self.cupy.cuda
        stream = current = cuda.get_current_stream()
        if current.is_capturing():
            raise self.error_type(
                f"{what}: the current stream is captured into a CUDA graph; collectives belong between graphs, where "
                "the ranks can agree on them"
            )
        if aside:
            stream = self.stream
            ready = cuda.Event(disable_timing=True)
            ready.record(current)
            stream.wait_event(ready)
        address = stream.ptr
        if self.last is not None and self.last[1] != address:
            stream.wait_event(self.last[0])
        self.call(what, function, address)
        event = cuda.Event(disable_timing=True)
        event.record(stream)
        self.last = (event, address)
        flight = Flight(what, event, time.monotonic(), kept if aside else ())
        self.flights.append(flight)
        return flight

    def done(self, event: Any) -> bool:
        """Whether the device has come to an event.

        Raises
        ------
        Exception
            Of the lane's type, if the device has failed.
        """
        code = self.cupy.cuda.runtime.eventQuery(event.ptr)
        if code != 0 and code not in NOT_READY:
            raise self.error_type(f"the CUDA device has failed (error {code})")
        return code == 0

    def prune(self) -> None:
        """Forget what is done."""
        while self.flights and self.done(self.flights[0].event):
            self.flights.popleft()

    def finish(self, what: str) -> None:
        """Wait on the host until all that was queued on the current stream and on the lane's own is done."""
        current = self.cupy.cuda.get_current_stream()
        if self.last is not None and self.last[1] != current.ptr:
            current.wait_event(self.last[0])
        event = self.cupy.cuda.Event(disable_timing=True)
        event.record(current)
        end = time.monotonic() + self.timeout
        for turn in itertools.count():
            self.check()
            if self.done(event):
                break
            if time.monotonic() > end:
                raise self.error_type(f"{what}: the device has worked for {self.timeout:g} s")
            time.sleep(min(20e-6 * 1.1**turn, 0.01) if turn < 100 else 0.01)
        self.check()
        self.prune()

    def check(self) -> None:
        """Raise what has failed."""
        if self.error is not None:
            raise self.error

    # ── the thread that watches ──

    def look(self) -> None:
        """See whether all is well; if not, fail."""
        problem = self._problem()
        if problem and self.error is None:
            self.fail(problem)

    def _problem(self) -> str:
        with self.lock:
            for link in self.links:
                try:
                    link.comm.check_async_error()
                except RuntimeError as error:
                    return f"NCCL reports: {error}"
        try:
            oldest = self.flights[0]
            flying = None if self.done(oldest.event) else (oldest.what, oldest.begun)
        except IndexError:  # the other thread takes them out
            flying = None
        except self.error_type as error:
            return str(error)
        for entry in (flying, self.calling):
            if entry is not None and time.monotonic() - entry[1] > self.timeout:
                what = entry[0]
                return (
                    f"{what} is not done after {self.timeout:g} s (PULLBACK_DISTRIBUTED_TIMEOUT): a rank is gone, "
                    "hangs, or cannot be reached"
                )
        return ""

    def fail(self, problem: str) -> None:
        """Make every later call raise, tell it, and take NCCL's kernels off the device."""
        self.error = self.error_type(problem)
        try:
            self.on_failure(self.error)
        finally:
            self.abort()

    def abort(self) -> None:
        """End all communicators at once, whatever they are doing."""
        with self.lock:
            for link in self.links:
                link.comm.abort()
            self.links.clear()
        self.stopped.set()

    def enter(self, link: Any) -> None:
        """Watch over a communicator."""
        with self.lock:
            self.links.append(link)

    def leave(self, link: Any) -> None:
        """End one communicator, whose collectives are done."""
        with self.lock:
            if link in self.links:
                self.links.remove(link)
                link.comm.destroy()
            if not self.links:
                self.stopped.set()


def _watch(ref: weakref.ref[Lane], stopped: threading.Event, interval: float) -> None:
    """Look until there is nothing to look at."""
    lane = ref()
    if lane is not None:
        lane.device.use()
    del lane
    while not stopped.wait(interval):
        lane = ref()
        if lane is None:
            return
        try:
            lane.look()
        except Exception as error:  # whatever it is, the ranks must not wait for ever
            if lane.error is None:
                lane.fail(f"the watch over NCCL failed: {error}")
        del lane
