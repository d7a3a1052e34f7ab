"""How many frames a second the playground makes, and how many a browser shows of them.

    python benchmarks/playground.py                # of 2-8-8-1: the server alone, then a headless Chromium
    python benchmarks/playground.py --seconds 20

The server alone: an epoch of 250 points in batches of 10, the measures, the surfaces of all 17 units and their bytes,
as often as it goes. In the browser: the frames that the page has drawn, with the landscape and without in turn, and the
processor's time that each took of the server and of the page's process (Linux), which says on a machine with other
work what a quiet one would show. Figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from _report import environment

ROOT = Path(__file__).resolve().parent.parent
GOAL = 30.0


def server_alone(seconds: float) -> dict[str, float]:
    """Frames a second that are computed, and the milliseconds of each part."""
    from pullback.playground.training.frame import encoded
    from pullback.playground.training.network import Training
    from pullback.playground.training.settings import Settings

    training = Training(Settings(hidden=(8, 8)))
    for _ in range(3):  # recorded and laid out
        training.advance()
        encoded(training, 0)
    frames, trained = 0, 0.0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        training.advance()
        trained += time.perf_counter() - start
        encoded(training, frames)
        frames += 1
    whole = time.perf_counter() - begun
    return {
        "frames_per_second": frames / whole,
        "milliseconds_of_training": 1000 * trained / frames,
        "milliseconds_of_drawing": 1000 * (whole - trained) / frames,
    }


def in_a_browser(seconds: float, rounds: int) -> dict[str, Any]:
    """Frames a second that are drawn by a headless Chromium, and what each takes of a processor."""
    sys.path.insert(0, str(ROOT))
    from tests.playground._serving import browser, no_browser, serving

    if no_browser():
        return {}
    found: dict[str, list[float]] = {}
    with serving() as served, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(served.url)
        settled = "#training[data-settled=true]"
        page.wait_for_selector(settled)
        for layer, units in ((0, 4), (1, 6)):
            for _ in range(units):
                page.locator(f'[data-layer="{layer}"] [data-units="1"]').click()
                page.wait_for_selector(settled)
        processes = {"server": [served.process.pid], "page": renderers()}
        for k in range(2 * rounds):
            name = ("with_landscape", "without_landscape")[k % 2]
            page.locator('[data-view="landscape"]').set_checked(k % 2 == 0)
            page.locator('[data-action="play"]').click()
            page.wait_for_timeout(2000)
            measured = _round(page, seconds, processes)
            for what, value in measured.items():
                found.setdefault(f"{what}_{name}", []).append(value)
            page.locator('[data-action="play"]').click()
            page.wait_for_selector(settled)
        page.close()
    return {name: statistics.median(values) for name, values in found.items()} | {"rounds": found}


def _round(page: Any, seconds: float, processes: dict[str, list[int]]) -> dict[str, float]:
    from tests.playground._serving import processor_seconds

    def used() -> dict[str, float]:
        return {name: sum(map(processor_seconds, pids)) for name, pids in processes.items()}

    first, before, start = _frames(page), used(), time.perf_counter()
    page.wait_for_timeout(1000 * seconds)
    frames, after = _frames(page) - first, used()
    return {
        "frames_per_second": frames / (time.perf_counter() - start),
        **{f"milliseconds_of_{n}": 1000 * (after[n] - before[n]) / max(frames, 1) for n in before},
    }


def renderers() -> list[int]:
    """The processes that draw pages, of the browser that this process has started."""
    parents, kinds = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            kinds[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        parents[int(folder.name)] = int(fields[1])
    mine = {os.getpid()}
    while new := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= new
    return [pid for pid in mine if b"--type=renderer" in kinds.get(pid, b"")]


def _frames(page: Any) -> int:
    return int(page.locator("#training").get_attribute("data-frames"))


def main(arguments: list[str]) -> int:
    """Measure, print a table, and exit with 1 where the goal of 30 frames a second is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    options = parser.parse_args(arguments)
    results = {
        "environment": environment(),
        "load": os.getloadavg()[0],
        "server_alone": server_alone(options.seconds),
        "browser": in_a_browser(options.seconds, options.rounds),
    }
    results["load_at_the_end"] = os.getloadavg()[0]
    print(json.dumps(results, indent=2))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    reached = [results["server_alone"]["frames_per_second"]]
    reached += [v for k, v in results["browser"].items() if k.startswith("frames_per_second")]
    return int(min(reached) < GOAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
