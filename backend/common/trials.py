"""Which of several ways is the fastest on this machine: timed once, and the answer kept on disk.

All answers of one question are the same afterwards, in this process and in others with the same cache folder, so that
two runs give the same bits. Ranks that ask at the same time agree: the first to write its answer down is followed by
the rest. A file that is damaged, or a folder that cannot be written to, costs no more than another trial.

What is preferred stays, unless another way takes less than 0.90 of its time: the least of ten runs spreads by 6 %.
Where other programs take the processor, threads wait for each other for milliseconds and times say nothing. So a way
that was still disturbed in the last of three tries is not chosen, and if that is the preferred one, it stays. An answer
holds until its file is deleted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import platform
import statistics
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cache import cache_folder, make_folder, write_file
from .forks import ForkSafeLock

# The share of the preferred way's time below which another way replaces it.
REPLACES = 0.90
# All ways take turns in each round. There are at least `FEWEST_ROUNDS` rounds, and no new one after `SECONDS` or
# `MOST_ROUNDS`.
FEWEST_ROUNDS, MOST_ROUNDS = 3, 10
SECONDS = 0.2
# A turn is as many seconds of runs that are not timed, in which threads find cores of their own after a pause, and then
# as many of runs that are, of which there are `MOST_RUNS` at most.
TURN, MOST_RUNS = 2e-3, 10
# Seconds between rounds: threads that slept get other cores.
BETWEEN = 0.01
# How much slower than the best a way is whose warm calls say that it cannot win.
HOPELESS = 3.0
# A way was disturbed where this thread had less than `OWN` of the processor's time, or where the median of its runs is
# more than `SPREAD` times the least. Where one was, the whole trial is made again, `LATER` seconds on, `TRIES` times in
# all.
OWN, SPREAD = 0.85, 1.5
TRIES, LATER = 3, 0.05

# The folder of answers, within the cache.
FOLDER = "fastest"

Ways = Mapping[str, Callable[..., Any]]
# The seconds of each way, and the ways that were disturbed, from the ways and the preferred one.
Measure = Callable[[Ways, str], tuple[dict[str, float], tuple[str, ...]]]


@dataclass(frozen=True)
class Answer:
    """The way that was chosen, the least seconds of each that was timed, and which of them were disturbed."""

    chosen: str
    seconds: dict[str, float]
    disturbed: tuple[str, ...] = ()


_known: dict[str, Answer] = {}
_lock = ForkSafeLock()


def fastest(
    subject: str,
    question: dict[str, Any],
    preferred: str,
    make: Callable[[], Ways],
    *,
    pauses: Mapping[str, float] | None = None,
    measure: Measure | None = None,
) -> str:
    """The name of the way to take, by trial where the question is new.

    Parameters
    ----------
    subject : str
        What it is about, in a word; `answers` has it.
    question : dict
        What the answer depends on besides the processor, as JSON has it: sizes, versions, threads, the names of ways.
    preferred : str
        The way that others have to beat.
    make : callable
        Makes the ways by name, each a function of no arguments (or of what `measure` gives it), in the order in which
        they have to beat each other. It is called for a trial alone.
    pauses : dict, optional
        Seconds to wait before the turn of a way: threads of another library keep the cores after their last work.
    measure : callable, optional
        What times the ways, as `run_in_turn` does for functions on this processor.
    """
    text = _text(subject, question, preferred)
    known = _known.get(text)
    if known is None:
        with _lock.current:  # two trials at once would disturb each other
            known = _known.get(text)
            if known is None:
                if measure is None:
                    measure = functools.partial(run_in_turn, pauses=pauses or {})
                known = _known[text] = _kept_or_timed(text, preferred, make, measure)
    return known.chosen


def kept(subject: str, question: dict[str, Any], preferred: str) -> str | None:
    """The answer of `fastest` to a question that was asked before, here or in another process; no trial is made."""
    text = _text(subject, question, preferred)
    found = _known.get(text) or _read(_path(text), text)
    return found.chosen if found is not None else None


def _text(subject: str, question: dict[str, Any], preferred: str) -> str:
    key = {"subject": subject, "processor": processor(), "preferred": preferred, **question}
    return json.dumps(key, sort_keys=True)


def _path(text: str) -> Path:
    return folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


def _kept_or_timed(text: str, preferred: str, make: Callable[[], Ways], measure: Measure) -> Answer:
    path = _path(text)
    found = _read(path, text)
    if found is not None:
        return found
    ways = make()
    for _ in range(TRIES):
        seconds, disturbed = measure(ways, preferred)
        if not disturbed:
            break
        _wait(LATER)
    return _write(path, text, Answer(choose(seconds, preferred, disturbed), seconds, disturbed))


def choose(seconds: Mapping[str, float], preferred: str, disturbed: Collection[str] = ()) -> str:
    """The way to take: the preferred one, or one that takes less than `REPLACES` of its time.

    The next ones have to beat in the same way the one that replaced it. A disturbed way replaces none, and stays if it
    is the preferred one.
    """
    chosen = preferred
    for name, taken in seconds.items():
        comparable = preferred not in disturbed and name not in disturbed
        if comparable and taken < REPLACES * seconds[chosen]:
            chosen = name
    return chosen


class _Runs:
    """The runs of one way."""

    def __init__(self, run: Callable[[], Any], pause: float) -> None:
        self.run, self.pause = run, pause
        self.seconds: list[float] = []
        self.own = 0.0

    def turn(self, shortest: float = TURN) -> None:
        """Run it for a while, and then for a while more with the time taken."""
        _wait(self.pause)
        end = clock() + shortest
        self.run()
        while clock() < end:
            self.run()
        own, whole, count = processor_clock(), 0.0, 0
        while not count or (whole < shortest and count < MOST_RUNS):
            started = clock()
            self.run()
            self.seconds.append(clock() - started)
            whole, count = whole + self.seconds[-1], count + 1
        self.own += processor_clock() - own

    @property
    def least(self) -> float:
        return min(self.seconds)

    def is_disturbed(self) -> bool:
        """Whether others had the processor meanwhile."""
        halved = self.own < OWN * sum(self.seconds)
        return halved or statistics.median(self.seconds) > SPREAD * self.least


def run_in_turn(
    ways: Ways, preferred: str, pauses: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """The least seconds of each way, run in turn, and the ways that were disturbed."""
    runs = {name: _Runs(run, pauses.get(name, 0.0)) for name, run in ways.items()}
    for way in runs.values():
        way.turn(0.0)
    best = min(way.least for way in runs.values())
    left = [
        way for name, way in runs.items()
        if name == preferred or way.least <= HOPELESS * best or way.is_disturbed()
    ]  # fmt: skip
    warm = {name: way.least for name, way in runs.items() if way not in left}
    for way in left:
        way.seconds, way.own = [], 0.0
    started = clock()
    for count in range(MOST_ROUNDS):
        if count >= FEWEST_ROUNDS and clock() - started > SECONDS:
            break
        _wait(BETWEEN)
        for way in left:
            way.turn()
    seconds = {name: warm.get(name) or way.least for name, way in runs.items()}
    return seconds, tuple(name for name, way in runs.items() if way in left and way.is_disturbed())


# Of the wall, and of the processor's time of this thread, which waits for others by asking again and again.
clock, processor_clock = time.perf_counter, time.thread_time


def _wait(seconds: float) -> None:
    """Wait, and stay awake: threads that start while this one sleeps may be given the same core."""
    end = clock() + seconds
    while clock() < end:
        pass


# ── what is kept ──────────────────────────────────────────────────────────────────────────────


def folder() -> Path:
    """The folder of answers: a small file for each."""
    return cache_folder() / FOLDER


def _read(path: Path, text: str) -> Answer | None:
    """The answer in a file, if it is one to this question."""
    try:
        found = json.loads(path.read_bytes())
        if found["question"] != text:
            return None
        seconds = {name: float(value) for name, value in found["seconds"].items()}
        answer = Answer(found["chosen"], seconds, tuple(map(str, found["disturbed"])))
        usable = answer.chosen in seconds and all(0.0 < x < math.inf for x in seconds.values())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return answer if usable else None


def _write(path: Path, text: str, answer: Answer) -> Answer:
    """Keep an answer: the one that is in force then, which another process may have given first."""
    content = json.dumps({"question": text, **dataclasses.asdict(answer)}).encode()
    with contextlib.suppress(OSError):
        make_folder(FOLDER)
        if not write_file(path, content, replace=False):
            theirs = _read(path, text)
            if theirs is not None:
                return theirs
            write_file(path, content)  # what is there is damaged
    return answer


def answers() -> list[tuple[str, dict[str, Any], Answer]]:
    """Subject, question and answer of all that is kept for this processor, and of what this process found besides."""
    found = dict(_known)
    files: list[Path] = []
    with contextlib.suppress(OSError):  # a folder that may not be looked into
        files = sorted(folder().glob("*.json"))
    for path in files:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            text = json.loads(path.read_bytes())["question"]
            answer = _read(path, text)
            if answer is not None and json.loads(text)["subject"]:
                found.setdefault(text, answer)
    questions = [(json.loads(text), answer) for text, answer in found.items()]
    here = processor()
    return [(q["subject"], q, a) for q, a in questions if q.get("processor") == here]


def describe() -> str:
    """One line for ``pullback info``: what was chosen on this processor, how often, and against what."""
    taken: dict[tuple[str, str], list[Answer]] = {}
    for subject, _, answer in answers():
        taken.setdefault((subject, answer.chosen), []).append(answer)
    parts = []
    for (subject, chosen), found in sorted(taken.items()):
        others: dict[str, list[float]] = {}
        for answer in found:
            for name, seconds in answer.seconds.items():
                if name != chosen:
                    others.setdefault(name, []).append(seconds / answer.seconds[chosen])
        against = ", ".join(f"{name} {_spread(ratios)}" for name, ratios in sorted(others.items()))
        disturbed = sum(bool(answer.disturbed) for answer in found)
        parts.append(
            f"{subject} by {chosen} ({len(found)} ×; times its time: {against}"
            + f"; {disturbed} of them disturbed by other programs" * bool(disturbed)
            + ")"
        )
    return "; ".join(parts) or "nothing timed yet"


def _spread(ratios: list[float]) -> str:
    low, high = f"{min(ratios):.2f}", f"{max(ratios):.2f}"
    return low if low == high else f"{low} to {high}"


@functools.cache
def processor() -> str:
    """The processor's name and model."""
    wanted = ("model name", "cpu family", "model", "stepping")
    with contextlib.suppress(OSError):
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
        pairs = (line.partition(":") for line in first.splitlines())
        known = {name.strip(): value.strip() for name, _, value in pairs}
        if "model name" in known:
            return " ".join(known[name] for name in wanted if name in known)
    return f"{platform.machine()} {platform.processor()}".strip()
