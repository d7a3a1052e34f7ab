"""What is saved: the newest file of each part and processor."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _machine import name_of, slug


@dataclass(frozen=True)
class Saved:
    """A file of results.

    Attributes
    ----------
    path : Path
        ``<date>-<part>-<processor>.json``; without the processor before 29 November 2026.
    part : str
    content : dict
        With "environment", and what was found under the part's name.
    """

    path: Path
    part: str
    content: dict[str, Any]

    @property
    def found(self) -> Any:
        """The part's results."""
        return self.content[self.part]

    @property
    def environment(self) -> dict[str, Any]:
        """The machine; empty where the file does not say."""
        return self.content.get("environment", {})

    @property
    def where(self) -> str:
        """The machine and the day in words."""
        e = self.environment
        note = f", {e['note']}" if "note" in e else ""
        return f"{e['cores']} cores of {name_of(e)}, {e['date'][:10]}{note}"


def saved(folder: Path, part: str) -> list[Saved]:
    """The newest file of each processor, the newest of these first."""
    found: dict[str, Saved] = {}
    for path in sorted(folder.glob(f"*-{part}*.json")):  # dates sort as text
        content = json.loads(path.read_text(encoding="utf-8"))
        machine = content.get("environment")
        if not machine or part not in content:
            continue
        processor = slug(machine)
        if path.stem[11:] in (part, f"{part}-{processor}"):
            found[processor] = Saved(path, part, content)
    return sorted(found.values(), key=lambda s: s.path.name[:10], reverse=True)
