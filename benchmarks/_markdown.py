"""Markdown tables of saved results, for docs/guide/speed.md: functions of what is in the files, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _report import microseconds
from _saved import Saved, saved


def newest(folder: Path) -> list[Saved]:
    """The newest files of each processor, of the parts that have tables here."""
    return [file for name in TABLES for file in saved(folder, name)]


def markdown(files: Sequence[Saved]) -> str:
    """Every part's tables, each with its machine and date."""
    sections = []
    for file in files:
        e = file.environment
        where = f"{e.get('date', '')}, {e.get('cores', '')} cores of {e.get('cpu', '')}, "
        where += f"Python {e.get('python', '')}, NumPy {e.get('numpy', '')}"
        sections.append(f"{TABLES[file.part](file.found)}\n\n{where}")
    return "\n\n".join(sections)


def rows_of(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One Markdown table under its title, the first column to the left."""
    cells = [list(head), ["---", *["---:"] * (len(head) - 1)], *(list(row) for row in rows)]
    cells = [[str(c).replace("|", "\\|") for c in row] for row in cells]
    return f"**{title}**\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _left_out(found: dict[str, Any]) -> str:
    reasons = [f"left out: {r.strip().splitlines()[-1]}" for r in found.get("skipped", {}).values()]
    return "".join(f"\n\n{reason}" for reason in reasons)


def _ratio(row: dict[str, Any], key: str) -> str:
    return f"{row[key]['median']:.2f}" if key in row else ""


def _steps(found: dict[str, Any]) -> str:
    """Microseconds a step, and the time over those of hand-written NumPy and torch, by size."""
    sizes = found["sizes"]
    peers = list(dict.fromkeys(p for rows in sizes.values() for p in rows))
    rows = []
    for peer in peers:
        cells = [peer]
        for row in (s.get(peer) for s in sizes.values()):
            if row is None:
                cells.append("")
                continue
            over = [r for r in (_ratio(row, "over_hand"), _ratio(row, "over_torch")) if r]
            told = f" ({' / '.join(over)})" if over else ""
            seconds = row["seconds"]
            # a file whose note says so has the least times alone
            cells.append(f"{microseconds(seconds.get('median', seconds.get('least')))}{told}")
        rows.append(cells)
    name = {"adam": "Adam"}.get(found.get("optimizer", "sgd"), "SGD")
    title = f"A training step with {name}, float32: µs (over hand-written NumPy / over torch)"
    return rows_of(title, ["", *sizes], rows) + _left_out(found)


def _peak_memory(found: dict[str, Any]) -> str:
    rows = [
        [peer, size, f"{row['building and training']:.0f}", f"{row['training']:.0f}"]
        for size, peers in found["sizes"].items()
        for peer, row in peers.items()
    ]
    title = "Peak memory of training, MiB beyond imports and data"
    head = ["", "size", "building and training", "training"]
    return rows_of(title, head, rows) + _left_out(found)


def _scaling(found: dict[str, Any]) -> str:
    sweeps = found["sweeps"]
    peers = list(dict.fromkeys(p for rows in sweeps.values() for p in rows))
    number = lambda x: "" if x is None else f"{x:.2f}"
    rows = []
    for peer in peers:
        fits = [sweeps[s].get(peer, {}) for s in sweeps]
        rows.append(
            [peer, *(f"{number(f.get('slope'))} / {number(f.get('last slope'))}" for f in fits)]
        )
    title = "Slopes of the time of a step, log-log: all points / the last three"
    return rows_of(title, ["", *sweeps], rows) + _left_out(found)


def _adjoint(found: dict[str, Any]) -> str:
    rows = [
        [task, f"{row['forward s'] * 1e3:.3g}", by, f"{q['median']:.2f}"]
        for task, row in found.items()
        if task != "mkl"
        for by, q in row.items()
        if by != "forward s"
    ]
    title = f"Value and gradient of a solve over the solve (MKL: {found['mkl']})"
    return rows_of(title, ["task", "forward ms", "by", "over forward"], rows)


def _estimators(found: list[dict[str, Any]]) -> str:
    rows = [
        [
            row["data"],
            f"{row['score']:.3f} ± {row['score_error']:.3f}",
            f"{row['sklearn_score']:.3f} ± {row['sklearn_error']:.3f}",
            f"{row['seconds'] * 1e3:.0f}",
            f"{row['sklearn_seconds'] * 1e3:.0f}",
            f"{row['ratio']:.2f}",
        ]
        for row in found
    ]
    head = ["", "score", "scikit-learn's", "ms a fit", "scikit-learn's", "ratio"]
    return rows_of("A whole `fit` beside scikit-learn", head, rows)


def _overhead(found: dict[str, Any]) -> str:
    rows = [
        [name, *(f"{row[k]['median']:.0f}" for k in ("bare", "forward", "both"))]
        for name, row in found["rows"].items()
    ]
    rows.append(["median", "", *(f"{found['median'][k]:.0f}" for k in ("forward", "both"))])
    head = ["", "bare call", "forward", "and backward"]
    return rows_of("What the tape adds to an operation on a tiny array, ns", head, rows)


TABLES: dict[str, Callable[[Any], str]] = {
    "mlp": _steps,
    "adam": _steps,
    "peak_memory": _peak_memory,
    "scaling": _scaling,
    "adjoint": _adjoint,
    "estimators": _estimators,
    "overhead": _overhead,
}
