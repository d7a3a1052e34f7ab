"""A card whose launches take the seconds that they are said to take, for the trials of `backend/cuda/tuning.py`."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np


class Pointer:
    """Device memory at an address of some alignment, and a number of bytes into it."""

    def __init__(self, nbytes, offset):
        self.keeps = np.zeros(nbytes + 1024, "uint8")
        self.ptr = self.keeps.ctypes.data + -self.keeps.ctypes.data % 512 + offset
        self.end = self.ptr + nbytes

    def __add__(self, offset):
        return SimpleNamespace(ptr=self.ptr + offset, end=self.end, keeps=self.keeps)

    def copy_from_host_async(self, source, nbytes, stream):
        ctypes.memmove(self.ptr, source, nbytes)


class Card:
    """CuPy as far as a trial needs it, and two clocks: the host's, which issues, and the device's, which runs behind.

    Graphs repeat what was captured. `speed` is the device's clock rate at a time of its own clock.
    """

    ISSUE = 1e-5  # seconds that the host takes for each launch and each event

    def __init__(self, issue=ISSUE, speed=lambda now: 1.0, offset=0):
        self.issue, self.speed = issue, speed
        self.host = self.now = 0.0
        self.capturing, self.issued, self.waited = None, 0, []
        self.empty = lambda nbytes, dtype: SimpleNamespace(
            nbytes=nbytes, data=Pointer(nbytes, offset)
        )
        self.cuda = SimpleNamespace(
            Stream=lambda non_blocking: Stream(self, 9), Event=lambda: Event(self),
            get_elapsed_time=lambda start, end: 1e3 * (end.at - start.at),
            get_current_stream=lambda: Stream(self, 3),
            runtime=SimpleNamespace(
                memcpyAsync=self.copy, getDevice=lambda: 0,
                driverGetVersion=lambda: 13000,
                getDeviceProperties=self.properties,
            ),
        )  # fmt: skip

    def properties(self, number):
        self.issued += 1
        return {"name": b"a card", "multiProcessorCount": 132}

    def launch(self, seconds):
        self.issued += 1
        if self.capturing is not None:
            self.capturing.append(seconds)
        else:
            self.run(seconds)

    def run(self, seconds):
        self.host += self.issue
        self.now = max(self.now, self.host)
        self.now += seconds / self.speed(self.now)

    def copy(self, to, source, nbytes, direction, stream):
        assert direction == 3
        ctypes.memmove(to, source, nbytes)


class Stream:
    def __init__(self, card, ptr):
        self.card, self.ptr = card, ptr

    def synchronize(self):
        self.card.waited.append(self.ptr)

    def begin_capture(self):
        self.card.capturing = []

    def end_capture(self):
        captured, self.card.capturing = self.card.capturing, None
        return SimpleNamespace(launch=lambda stream: self.card.run(sum(captured)))


class Event:
    def __init__(self, card):
        self.card = card

    def record(self, stream):
        self.card.host += self.card.issue
        self.at = max(self.card.now, self.card.host)

    def synchronize(self):
        self.card.host = max(self.card.host, self.at)
