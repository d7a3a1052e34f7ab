"""How many frames a second the playground makes, and how many a browser shows of them.

    python benchmarks/playground.py                # of 2-8-8-1, the server's own work, then a headless Chromium
    python benchmarks/playground.py --seconds 20

The server alone: an epoch of 250 points in batches of 10, the measures, the surfaces of all 17 units and their bytes,
as often as it goes. In the browser: the frames that the page has said are on the screen. Both want a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

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


def in_a_browser(seconds: float) -> dict[str, float]:
    """Frames a second that are drawn by a headless Chromium, and the server's share of a processor."""
    sys.path.insert(0, str(ROOT))
    from tests.playground._serving import browser, no_browser, processor_seconds, serving

    if no_browser():
        return {}
    with serving() as served, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(served.url)
        settled = "#training[data-settled=true]"
        page.wait_for_selector(settled)
        for layer, units in ((0, 4), (1, 6)):
            for _ in range(units):
                page.locator(f'[data-layer="{layer}"] [data-units="1"]').click()
                page.wait_for_selector(settled)
        found = {}
        for name in ("with_landscape", "without_landscape"):
            page.locator('[data-action="play"]').click()
            page.wait_for_timeout(2000)
            before, used = _frames(page), processor_seconds(served.process.pid)
            start = time.perf_counter()
            page.wait_for_timeout(1000 * seconds)
            whole = time.perf_counter() - start
            found[f"frames_per_second_{name}"] = (_frames(page) - before) / whole
            used = processor_seconds(served.process.pid) - used
            found[f"processor_share_of_server_{name}"] = used / whole
            page.locator('[data-action="play"]').click()
            page.wait_for_selector(settled)
            page.locator('[data-view="landscape"]').uncheck()
        page.close()
    return found


def _frames(page: Any) -> int:
    return int(page.locator("#training").get_attribute("data-frames"))


def main(arguments: list[str]) -> int:
    """Measure, print a table, and exit with 1 where the goal of 30 frames a second is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    options = parser.parse_args(arguments)
    results = {
        "load": os.getloadavg()[0],
        "server_alone": server_alone(options.seconds),
        "browser": in_a_browser(options.seconds),
    }
    print(json.dumps(results, indent=2))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    reached = [results["server_alone"]["frames_per_second"]]
    reached += [v for k, v in results["browser"].items() if k.startswith("frames_per_second")]
    return int(min(reached) < GOAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
