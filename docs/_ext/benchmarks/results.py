"""The newest files of each part of the benchmarks, one for each processor."""

from __future__ import annotations

import functools
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results"


def _load(name: str) -> Any:
    """A module of the benchmarks, which are no package."""
    spec = importlib.util.spec_from_file_location(name, RESULTS.parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# how files name processors
MACHINE = _load("_machine")


@dataclass(frozen=True)
class Found:
    path: Path
    data: dict[str, Any]

    @property
    def processor(self) -> str:
        """As a part of file names; empty where the file does not say."""
        machine = self.data.get("environment")
        return MACHINE.slug(machine) if machine else ""

    @property
    def name(self) -> str:
        """The processor for people, and the day."""
        machine = self.data.get("environment")
        return f"{MACHINE.name_of(machine)}, {self.path.name[:10]}" if machine else "not known"

    @property
    def words(self) -> str:
        """When and on what machine it was measured, as the file says; else that it does not say."""
        machine = self.data.get("environment")
        date = self.path.name[:10]
        if not machine:
            return f"Measured on {date}; the file does not say on which machine."
        where = f"{machine['cores']} cores of an {MACHINE.name_of(machine)}"
        if "gpu" in machine:
            where = f"an {machine['gpu']} (CUDA {machine['cuda runtime']}), beside {where}"
        return f"Measured on {machine['date']} on {where}, NumPy {machine['numpy']}."


@functools.cache
def find_all(part: str) -> tuple[Found, ...]:
    """The newest file of each processor, the newest of them first.

    They are called ``<date>-<part>-<processor>.json``; older ones have no processor in their name.
    """
    newest: dict[str, Found] = {}
    for path in sorted(RESULTS.glob(f"*-{part}*.json")):
        found = Found(path, json.loads(path.read_text(encoding="utf-8")))
        if path.stem[11:] in (part, f"{part}-{found.processor}"):
            newest[found.processor] = found
    if not newest:
        raise FileNotFoundError(f"no file *-{part}.json in {RESULTS}")
    return tuple(sorted(newest.values(), key=lambda f: f.path.name[:10], reverse=True))


def find(part: str) -> Found:
    """The newest file of a part."""
    return find_all(part)[0]
