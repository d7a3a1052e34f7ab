"""Collectives of MPI that were started; `MpiCommunicator` finishes them at the end, if nobody has waited for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .request import Request
from .shared_memory import SharedMemory, add_up


class Started(Request):
    """A sum in place, in pieces that MPI can count."""

    def __init__(self, group: Any, buffer: np.ndarray, op: str, requests: list[Any]) -> None:
        self.group, self.buffer, self.op, self.requests = group, buffer, op, requests
        self.begun = group.begun
        self.scaled = op != "mean"

    def test(self) -> bool:
        """Whether all pieces are complete."""
        while self.requests and self.requests[-1].Test():
            self.requests.pop()
        return not self.requests

    def wait(self) -> np.ndarray:
        """The buffer, with the sum or the mean in it."""
        while self.requests:
            self.group.finish(self.requests[-1], "start_all_reduce", self.begun)
            self.requests.pop()
        if not self.scaled:
            self.buffer /= self.group.size
            self.scaled = True
        return self.buffer


class Laid(Request):
    """A sum of what the ranks of one machine have laid down; it is added up by `wait`."""

    def __init__(
        self, group: Any, memory: SharedMemory, buffer: np.ndarray, op: str, number: int
    ) -> None:
        self.group, self.memory, self.buffer, self.op = group, memory, buffer, op
        self.number, self.begun = number, group.begun
        self.over = False
        memory.under_way[number] = self

    def test(self) -> bool:
        """Whether all ranks have laid down what they have."""
        return self.over or self.memory.ready(self.number).Test()

    def wait(self) -> np.ndarray:
        """The buffer, with the sum or the mean in it."""
        if not self.over:
            self.group.finish(self.memory.ready(self.number), "start_all_reduce", self.begun)
            add_up(self.memory.arrays(self.number, self.buffer), self.buffer.reshape(-1))
            self.memory.done(self.number)
            if self.op == "mean":
                self.buffer /= self.group.size
            self.over = True
        return self.buffer


class Exchanged(Request):
    """Rows that were sent to all ranks, in pieces that MPI can count."""

    def __init__(self, group: Any, found: np.ndarray, requests: list[Any]) -> None:
        self.group, self.found, self.requests = group, found, requests
        self.begun = group.begun

    def test(self) -> bool:
        """Whether all pieces are complete."""
        return all(request.Test() for request, *_ in self.requests)

    def wait(self) -> np.ndarray:
        """The rows that came, by rank."""
        for request, part, _, came in self.requests:
            self.group.finish(request, "start_all_to_all", self.begun)
            if came is not self.found:
                self.found[part] = came
        self.requests = []
        return self.found
