"""What machine this is, tables for the terminal, JSON and a plot."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from _kernels import openblas_kernels
from _machine import processor, slug, versions

RESULTS = Path(__file__).resolve().parent / "results"


def wait_for_kernels() -> None:
    """Let compiled functions have their kernels before they are timed: by default another process compiles them."""
    os.environ.setdefault("PULLBACK_FAST", "1")


def environment() -> dict[str, Any]:
    """The machine and the interpreter; no host name, no user, no paths."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "kernels": openblas_kernels(),
        "versions": versions(),
    }


def gpu_environment() -> dict[str, str]:
    """Name, driver, CUDA and CuPy of the GPU in use; a RuntimeError of one line without one."""
    try:
        import cupy as cp

        ordinal = int(os.environ.get("PULLBACK_DEVICE", "0") or 0)
        properties = cp.cuda.runtime.getDeviceProperties(ordinal)
    except ImportError:
        raise RuntimeError(
            "no GPU benchmark without CuPy: pip install 'pullback[cuda13]' or 'pullback[cuda12]'"
        ) from None
    except Exception as error:  # CuPy raises classes of its own for a missing driver or device
        raise RuntimeError(f"no CUDA device answers: {error}") from None
    cuda = cp.cuda.runtime.runtimeGetVersion()
    record = {
        "gpu": properties["name"].decode(),
        "memory GiB": f"{properties['totalGlobalMem'] / 2**30:.1f}",
        "cuda runtime": f"{cuda // 1000}.{cuda % 1000 // 10}",
        "cupy": cp.__version__,
    }
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, check=True, timeout=20).stdout
        record["driver"] = lines.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        version = cp.cuda.runtime.driverGetVersion()
        record["driver"] = f"for CUDA {version // 1000}.{version % 1000 // 10}"
    return record


def quartiles(values: Sequence[float]) -> dict[str, float]:
    """Median and the two quartiles."""
    low, median, high = (float(v) for v in np.percentile(np.asarray(values), [25, 50, 75]))
    return {"median": median, "low": low, "high": high}


def without_paths(text: str) -> str:
    """The text with every absolute path cut to its last part: results name no places of the machine."""
    return re.sub(r"(?<![\w:/.])(?:/[^\s/'\"():,]+)+/(?=[^\s/'\"():,])", "", text)


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A plain text table: first column to the left, the others to the right."""
    cells = [list(map(str, head)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = []
    for first, *others in cells:
        right = (c.rjust(w) for c, w in zip(others, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *right]))
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(["", title, *lines])


def microseconds(seconds: float) -> str:
    """Microseconds, with one digit after the point where they are few."""
    return f"{seconds * 1e6:.1f}" if seconds < 1e-4 else f"{seconds * 1e6:.0f}"


def save(name: str, results: dict[str, Any], path: Path | None = None) -> Path:
    """Write results as JSON, by default to ``results/<date>-<name>-<processor>.json``, in one move."""
    if path is None:
        path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{name}-{slug(results['environment'])}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path


def plot_ratios(mlp: dict[str, Any], path: Path) -> Path | None:
    """Bars of each peer's time over the hand-written one; None without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = list(mlp["sizes"])
    peers = [p for p in mlp["peers"] if any(p in mlp["sizes"][s] for s in sizes)]
    fig, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
    width = 0.85 / len(peers)
    for k, peer in enumerate(peers):
        rows = [(i, mlp["sizes"][s].get(peer, {})) for i, s in enumerate(sizes)]
        found = [(i, row["over_hand"]) for i, row in rows if "over_hand" in row]
        at = [i + (k - (len(peers) - 1) / 2) * width for i, _ in found]
        mid = np.array([r["median"] for _, r in found])
        spread = [mid - [r["low"] for _, r in found], [r["high"] for _, r in found] - mid]
        color = "black" if peer == "pullback" else f"C{k}"
        ax.bar(at, mid, width, yerr=spread, label=peer, color=color, error_kw={"lw": 0.8})
    ax.axhline(1, color="gray", lw=0.8)
    ax.set_yscale("log")
    ticks = [0.25, 0.5, 1, 2, 4, 8, 16]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_xticks(range(len(sizes)), sizes)
    ax.set_ylabel("time of a training step over the hand-written one")
    ax.set_title(f"MLP training step, float32, {mlp['machine']}", fontsize="medium")
    fig.legend(loc="outside upper center", ncols=len(peers), fontsize="small")
    fig.savefig(path, dpi=120)
    plt.close(fig)
    return path
