"""Peers of one process that are timed in turns, once they have agreed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from _report import quartiles

Run = Callable[[], Any]


def in_turns(
    makers: Mapping[str, Callable[[], Run]],
    *,
    rounds: int = 15,
    block: float = 0.05,
    over: str = "torch",
    agree: Callable[[str, Any, Any], None],
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Seconds of a call of each, as medians and quartiles over the rounds, and of the ratios within a round.

    Parameters
    ----------
    makers : mapping
        By name a function that gives what is to be timed; one that raises ImportError is left out.
    rounds, block
        How many turns, and the seconds of one peer in each.
    over : str
        The name by whose time the others' are divided.
    agree : callable
        ``agree(name, result, first)`` raises where a peer has another result than the first one.
    clock : callable
        In seconds.
    """
    runs: dict[str, Run] = {}
    left_out: dict[str, str] = {}
    first: Any = None
    for name, make in makers.items():
        try:
            runs[name] = make()
        except ImportError as error:
            left_out[name] = str(error)
            continue
        result = runs[name]()
        first = result if first is None else first
        agree(name, result, first)
    counts = {}
    for name, run in runs.items():
        for _ in range(3):
            run()
        started = clock()
        run()
        counts[name] = max(1, round(block / max(clock() - started, 1e-7)))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()  # not counted: the threads of the one before still spin
            started = clock()
            for _ in range(counts[name]):
                run()
            seconds[name].append((clock() - started) / counts[name])
    peers: dict[str, Any] = {}
    for name, taken in seconds.items():
        peers[name] = {"seconds": quartiles(taken), "least": min(taken)}
        if over in seconds:
            peers[name][f"over_{over}"] = quartiles(np.asarray(taken) / np.asarray(seconds[over]))
    return {"left out": left_out, "peers": peers}
