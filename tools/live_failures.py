"""A pytest plugin that writes each failure as it comes, and the counts so far: a run that is cut off leaves both.

    PYTHONPATH=tools pytest -p live_failures --live-failures=FOLDER

writes ``FOLDER/failures.txt`` and ``FOLDER/tests.json`` (outcomes, and the reasons of skips with their numbers).
Tests that only a device can do come first, then those of a library on a device: a run that is cut off has done these.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

EVERY = 2.0  # seconds between two writes of the counts


def pytest_addoption(parser: Any) -> None:
    """The folder."""
    parser.addoption("--live-failures", metavar="FOLDER", help="write failures there as they come")


def pytest_configure(config: Any) -> None:
    """Watch in the process that collects the reports, not in the workers of xdist."""
    folder = config.getoption("--live-failures")
    if folder and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watcher(Path(folder)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Order the tests, in each worker alike; those of one rank stay in the order of their files."""
    if config.getoption("--live-failures"):
        items.sort(key=rank)


def rank(item: Any) -> int:
    """0 for a test that needs a device, 1 for one that runs on a library of devices, 2 for the others."""
    if item.get_closest_marker("gpu"):
        return 0
    call = getattr(item, "callspec", None)
    return 1 if call is not None and "cupy" in map(str, call.params.values()) else 2


class Watcher:
    """Counts reports, and writes what failed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.written = folder, 0.0
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failures.txt").write_text("")
        self.write()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One phase of one test."""
        if report.failed:
            self.outcomes["failed" if report.when == "call" else "errors"] += 1
            with (self.folder / "failures.txt").open("a") as file:
                file.write(f"{report.nodeid} [{report.when}]\n{report.longreprtext}\n\n")
        elif report.skipped:
            self.outcomes["skipped"] += 1
            reason = (
                report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
            )
            self.reasons[re.sub(r"^Skipped: ", "", reason)] += 1
        elif report.when == "call":
            self.outcomes["passed"] += 1
        if time.monotonic() - self.written > EVERY or report.failed:
            self.write()

    def pytest_sessionfinish(self) -> None:
        """The end, where it is reached."""
        self.outcomes["finished"] = 1
        self.write()

    def write(self) -> None:
        """The counts, in one move."""
        self.written = time.monotonic()
        part = self.folder / "tests.json.part"
        part.write_text(json.dumps({"outcomes": self.outcomes, "skipped": self.reasons}, indent=1))
        os.replace(part, self.folder / "tests.json")
