"""One part of `python benchmarks` in a process of its own: `python _part.py PART FILE ROUNDS WAIT [PEER=PATH ...]`.

It waits until the machine is quiet, measures, shows, checks the limits, and writes FILE.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from _limits import checked, missed
from _machine import cliffs, settle
from _parts import PARTS
from _report import environment, plot_ratios, save

# how often a part is measured whose threads waited for each other
TRIES = 2


def main() -> int:
    """Measure one part; 0 also where limits are missed."""
    name, file, rounds, wait, *pairs = sys.argv[1:]
    before = settle(float(wait))
    if before["waited s"] > 1:
        print(f"waited {before['waited s']:.0f} s until threads ran together", flush=True)
    if before["disturbed"]:
        print("the machine is busy: threads wait for each other", flush=True)
    pythons = dict(pair.split("=", 1) for pair in pairs)
    for tries in range(1, TRIES + 1):
        started = perf_counter()
        found, text = PARTS[name].measure(int(rounds) or None, pythons)
        took = perf_counter() - started
        fallen = cliffs(found)
        if not fallen or tries == TRIES:
            break
        print(f"threads waited for each other: {'; '.join(fallen)}; measured again", flush=True)
        settle(float(wait))
    print(text, flush=True)
    for line in fallen:
        print(f"threads waited for each other: {line}", flush=True)
    about = environment() | {
        "before": before, "after": settle(0.0), "took s": round(took), "tries": tries, "cliffs": fallen,
    }  # fmt: skip
    if about["after"]["disturbed"]:
        print("the machine was busy at the end: threads waited for each other", flush=True)
    limits = checked(name, found, about)
    for line in missed(limits):
        print(line, flush=True)
    if limits:
        print(f"{sum(r['held'] for r in limits)} of {len(limits)} limits held", flush=True)
    path = save(
        name, {"environment": about, name: found, "limits": limits}, Path(file) if file else None
    )
    module = sys.modules[PARTS[name].module]
    if name in ("mlp", "adam"):
        cores = f"{about['cores']} cores {about['cpu']}"
        plot_ratios(found | {"machine": cores}, path.with_suffix(".png"))
    elif name == "scaling":
        module.plot(found, path.with_suffix(".png"))
    print(f"{name}: {took:.0f} s, written: {path.name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
