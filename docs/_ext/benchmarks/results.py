"""The newest file of each part of the benchmarks."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results"


@dataclass(frozen=True)
class Found:
    path: Path
    data: dict[str, Any]

    @property
    def words(self) -> str:
        """When and on what machine it was measured, as the file says; else that it does not say."""
        machine = self.data.get("environment")
        date = self.path.name[:10]
        if not machine:
            return f"Measured on {date}; the file does not say on which machine."
        where = f"{machine['cores']} cores of an {machine['cpu']}"
        if "gpu" in machine:
            where = f"an {machine['gpu']} (CUDA {machine['cuda runtime']}), beside {where}"
        return f"Measured on {machine['date']} on {where}, NumPy {machine['numpy']}."


@functools.cache
def find(part: str) -> Found:
    """The newest file whose name ends with the part: ``2026-11-21-adam.json`` for "adam"."""
    files = sorted(path for path in RESULTS.glob("*.json") if path.stem[11:] == part)
    if not files:
        raise FileNotFoundError(f"no file *-{part}.json in {RESULTS}")
    return Found(files[-1], json.loads(files[-1].read_text(encoding="utf-8")))
