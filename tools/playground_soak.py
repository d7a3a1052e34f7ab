"""Play for minutes, and measure what the server and the page hold.

    python tools/playground_soak.py --minutes 10

Every ten seconds: the server's resident memory, the page's JavaScript heap after a collection, its models and its
elements. Fails where, after the first fifth, either memory has grown by more than a twentieth and 4 MB, or the counts
have changed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

_COUNTS = """() => [
  Number(document.getElementById("training").getAttribute("data-frames")),
  Bokeh.documents[0]._all_models.size,
  document.querySelectorAll("*").length,
]"""
_EVERY = 10.0
_MB = 2**20


def resident(pid: int) -> float:
    """The resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/status has no VmRSS")


def measured(page: Any, session: Any, pid: int) -> dict[str, float]:
    """What is held now."""
    session.send("HeapProfiler.collectGarbage")
    frames, models, elements = page.evaluate(_COUNTS)
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / _MB
    counts = {"frames": frames, "models": models, "elements": elements}
    return {**counts, "server": resident(pid), "heap": heap}


def grown(rows: list[dict[str, float]]) -> list[str]:
    """What has grown between the end of the first fifth and the end."""
    first, last = rows[len(rows) // 5], rows[-1]
    found = [
        f"{name} grew from {first[name]:.1f} to {last[name]:.1f} MB"
        for name in ("server", "heap")
        if last[name] > 1.05 * first[name] + 4
    ]
    found += [
        f"{name} changed from {first[name]} to {last[name]}"
        for name in ("models", "elements")
        if last[name] != first[name]
    ]
    if last["frames"] <= first["frames"]:
        found.append("no frame was drawn")
    return found


def main(arguments: list[str]) -> int:
    """Play, print a row every ten seconds, and exit with 1 where something grew."""
    sys.path.insert(0, str(ROOT))
    from tests.playground._serving import browser, no_browser, serving

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args(arguments)
    if no_browser():
        print(no_browser())
        return 2
    rows: list[dict[str, float]] = []
    with serving() as served, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        session = page.context.new_cdp_session(page)
        page.goto(served.url)
        page.wait_for_selector("#training[data-settled=true]", timeout=60_000)
        page.locator('[data-action="play"]').click()
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end:
            page.wait_for_timeout(1000 * min(_EVERY, 6 * options.minutes))
            rows.append(measured(page, session, served.process.pid))
            print("  ".join(f"{k} {v:.1f}" for k, v in rows[-1].items()), flush=True)
        page.close()
    found = grown(rows)
    print("\n".join(found) or "nothing grew")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
