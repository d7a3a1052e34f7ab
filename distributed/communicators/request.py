"""Collectives that go on while a rank does other work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Request(ABC):
    """A collective that was started and goes on while the rank does other work."""

    @abstractmethod
    def test(self) -> bool:
        """Whether it is complete; lets it go on."""

    @abstractmethod
    def wait(self) -> Any:
        """The result, when it is complete.

        Raises
        ------
        DistributedError
            If that takes longer than the communicator's timeout.
        """
