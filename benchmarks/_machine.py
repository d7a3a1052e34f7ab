"""Which processor this is, how busy it is, and the wait until threads run together."""

from __future__ import annotations

import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# x86 processors by the maker's number of the family and the models, as far as results here come from them.
_NAMES = (
    ("AuthenticAMD", 25, range(0x10, 0x20), "Zen 4"),
    ("AuthenticAMD", 25, range(0xA0, 0xB0), "Zen 4"),
    ("AuthenticAMD", 25, range(0x10), "Zen 3"),
    ("AuthenticAMD", 26, range(256), "Zen 5"),
    ("GenuineIntel", 6, range(85, 86), "Skylake"),
    ("GenuineIntel", 6, range(106, 109), "Ice Lake"),
    ("GenuineIntel", 6, range(143, 144), "Sapphire Rapids"),
    ("GenuineIntel", 6, range(173, 175), "Granite Rapids"),
    ("GenuineIntel", 6, range(207, 208), "Emerald Rapids"),
)
_PACKAGES = (
    "scipy",
    "numba",
    "mkl",
    "scikit-learn",
    "torch",
    "torch_geometric",
    "jax",
    "autograd",
    "mygrad",
)
# The scheduler's period: where two threads take turns on one core, a threaded product takes multiples of it.
_PERIOD = 4e-3


def processor() -> dict[str, str]:
    """The model as the system calls it, and the generation where it is known."""
    model = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {"cpu": model}
    told = dict(re.findall(r"^([\w ]+?)\s*:\s*(.+)$", text.split("\n\n")[0], re.MULTILINE))
    found = {"cpu": told.get("model name", model).strip()}
    generation = generation_of(told)
    return found | ({"generation": generation} if generation else {})


def generation_of(told: Mapping[str, str]) -> str:
    """By /proc/cpuinfo's words; empty where it is none of the list."""
    try:
        family, model = int(told["cpu family"]), int(told["model"])
    except (KeyError, ValueError):
        return ""
    known = (
        name
        for vendor, number, models, name in _NAMES
        if told.get("vendor_id") == vendor and number == family and model in models
    )
    return next(known, f"family {family}, model {model}")


def slug(environment: Mapping[str, Any]) -> str:
    """The processor as a part of a file's name: ``amd-epyc-zen-4``."""
    name = re.sub(r"\((R|TM|tm)\)|\bCPU\b|\bProcessor\b|@.*|\d+-Core", " ", str(environment["cpu"]))
    words = re.findall(r"[a-z0-9]+", f"{name} {environment.get('generation', '')}".lower())
    return "-".join(words) or "unknown"


def name_of(environment: Mapping[str, Any]) -> str:
    """The processor for people: ``AMD EPYC (Zen 4)``."""
    name = re.sub(r"\((R|TM|tm)\)|\bProcessor\b", "", str(environment["cpu"]))
    generation = environment.get("generation")
    return " ".join(name.split()) + (f" ({generation})" if generation else "")


def versions() -> dict[str, str]:
    """Of the packages that take part."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def probe(seconds: float = 0.2) -> list[float]:
    """Seconds of each of many threaded products, which take less than a millisecond on an idle machine."""
    import numpy as np

    a, b = np.ones((128, 784), np.float32), np.ones((784, 512), np.float32)
    out = np.empty((128, 512), np.float32)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 9:
        started = time.perf_counter()
        np.matmul(a, b, out=out)
        taken.append(time.perf_counter() - started)
    return taken


def disturbed(taken: list[float]) -> bool:
    """Whether the median is far above the least, or at a multiple of the scheduler's period of 4 ms."""
    median = statistics.median(taken)
    turns = median / _PERIOD
    return median > 3 * min(taken) or (turns > 0.9 and abs(turns - round(turns)) < 0.1)


def cliffs(found: Any, where: str = "") -> list[str]:
    """The medians at a multiple of the scheduler's period that are ten times the least beside them, by their places.

    A step of a tenth of a millisecond takes 24 then, for minutes, in one library and not in the others.
    """
    if not isinstance(found, dict):
        return []
    medians = {
        name: row["seconds"]["median"]
        for name, row in found.items()
        if isinstance(row, dict)
        and isinstance(row.get("seconds"), dict)
        and "median" in row["seconds"]
    }
    least = min(medians.values(), default=0.0)
    here = [
        f"{where}{name}: {1e3 * median:.1f} ms"
        for name, median in medians.items()
        if median > 10 * least and abs(median / _PERIOD - round(median / _PERIOD)) < 0.1
    ]
    return here + [line for name, row in found.items() for line in cliffs(row, f"{where}{name}, ")]


def settle(
    limit: float,
    probed: Callable[[], list[float]] = probe,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until threads run together, `limit` seconds at most.

    Returns
    -------
    dict
        The load of the last minute before, seconds that were waited, the probe's median and least, and whether they
        are still far apart.
    """
    load = [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else []
    started = clock()
    while True:
        taken = probed()
        waited = clock() - started
        if not disturbed(taken) or waited >= limit:
            break
        sleep(2.0)
    return {
        "load": load,
        "waited s": round(waited, 1),
        "probe us": {
            "median": round(1e6 * statistics.median(taken), 1),
            "least": round(1e6 * min(taken), 1),
        },
        "disturbed": disturbed(taken),
    }
