"""Ctrl-C and the like on several ranks: a signal to one of them ends all, between the same two steps."""

from __future__ import annotations

import signal
from types import FrameType

from ..parallel.ranks import Ranks
from .signals import Interrupt

# Open MPI's launcher passes it on to the ranks; after SIGTERM it kills them at once. Windows has none.
_LAUNCHERS = getattr(signal, "SIGUSR1", None)


class AgreedInterrupt(Interrupt):
    """An `Interrupt` of all ranks, which are asked before every step; also by SIGUSR1."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self._ranks, self._here = ranks, 0

    @staticmethod
    def of(ranks: Ranks | None) -> Interrupt:
        """Of these ranks, or of this process alone."""
        return Interrupt() if ranks is None else AgreedInterrupt(ranks)

    def __enter__(self) -> AgreedInterrupt:
        super().__enter__()
        # in the main thread alone, which has taken others then
        if _LAUNCHERS and self._before and signal.getsignal(_LAUNCHERS) is signal.SIG_DFL:
            self._before[_LAUNCHERS] = signal.signal(_LAUNCHERS, self._note)
        return self

    def request(self, number: int) -> None:
        """Ask all ranks to end without a signal: they do when they are asked next."""
        self._here = number

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._here = number
        self._restore()

    def asked(self) -> bool:
        """Whether to end, asked between two steps by all ranks."""
        if not self.seen:
            self.number = self._ranks.signal_of_any(self._here)
            self.seen = self.number != 0
        return self.seen
