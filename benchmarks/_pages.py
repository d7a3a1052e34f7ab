"""The tables of README.md and docs/guide/speed.md, written from the files of results and from nothing else.

A page holds ``<!-- benchmarks: NAME -->`` and ``<!-- /benchmarks -->``; what is between them is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from _saved import Saved, saved

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "guide" / "speed.md")
GPU = ("2026-11-28-h100-float32.json", "float32")
SIZES = {
    "small": "64-100-10, batch 32", "digits": "64-128-64-10, batch 128",
    "mnist": "784-512-512-10, batch 128", "big": "784-1024-1024-10, batch 1024",
}  # fmt: skip
OURS, ALONE = "pullback compiled fast", "pullback compiled"
# the rows of the tables, and how files call them
STEPS = {
    "matrix products alone": "products", "by hand, NumPy": "hand", "pullback, eager": "pullback",
    "**pullback, compiled**, NumPy alone": ALONE, "**pullback, compiled**, extra `fast`": OURS,
    "torch, eager": "torch", "JAX, jit": "jax", "HIPS autograd": "autograd", "MyGrad": "mygrad",
}  # fmt: skip
ON_BOTH = {
    "matrix products alone": ("products", "products"), "by hand, NumPy": ("hand", None),
    "pullback, eager": ("pullback", "pullback"), "**pullback, compiled**": (OURS, ALONE),
    "JAX, jit": ("jax", "jax"), "torch, eager": ("torch", "torch"), "HIPS autograd": ("autograd", None),
}  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(
        "| " + " | ".join(row) + " |" if row else "|" + "---|" * len(head)
        for row in (head, (), *rows)
    )


def _time(row: Any, scale: float = 1e6, form: str = ".0f") -> str:
    """A median, or where there is none the least, which is named in the table's caption; a dash without a row."""
    if row is None:
        return "–"
    seconds = row["seconds"]
    return f"{seconds.get('median', seconds.get('least')) * scale:{form}}"


class NotMeasured(FileNotFoundError):
    """There is no file of a part yet."""


def _newest(folder: Path, part: str) -> Saved:
    """The newest file of a part that has medians."""
    files = [file for file in saved(folder, part) if "note" not in file.environment]
    if not files:
        raise NotMeasured(
            f"no file of {part} in {folder}: `python benchmarks --only {part}` writes one"
        )
    return files[0]


def readme_steps(folder: Path) -> str:
    """A step of three networks on a CPU and on a GPU."""
    file = _newest(folder, "mlp")
    cpu = file.found["sizes"]
    gpu = json.loads((folder / GPU[0]).read_text(encoding="utf-8"))[GPU[1]]["sizes"]
    sizes = ("small", "digits", "big")
    rows = []
    for name, (way, other) in ON_BOTH.items():
        cells = [_time(cpu[size].get(way)) for size in sizes]
        cells += [_time(gpu[size].get(other)) for size in sizes]
        rows.append([name, *(f"**{cell}**" if name.startswith("**") else cell for cell in cells)])
    networks = [f"*{size}* ({SIZES[size]})" for size in sizes]
    alone = [_time(cpu[size].get(ALONE)) for size in sizes]
    head = ["step", *(f"CPU {size}" for size in sizes), *(f"GPU {size}" for size in sizes)]
    return (
        "The table has the median time in µs of one training step of a multilayer perceptron: SGD, float32. "
        f"CPU: {file.where}. GPU: one H100, 2026-11-28. The networks are "
        f"{networks[0]}, {networks[1]} and {networks[2]}."
        f"\n\n{table(head, rows)}\n\n"
        "On a CPU, the compiled step uses numba (extra `fast`); with NumPy alone it takes "
        f"{alone[0]}, {alone[1]} and {alone[2]} µs."
    )


def processors(folder: Path) -> str:
    """The compiled step on every processor that there are files of."""
    rows = []
    for file in saved(folder, "mlp"):
        sizes = file.found["sizes"]
        for way, words in ((OURS, ""), (f"{OURS}, mkl", ", with MKL")):
            if not any(way in sizes[size] for size in SIZES):
                continue
            cells = [
                f"{_time(sizes[size].get(way))} ({_time(sizes[size].get('jax'))}, {_time(sizes[size].get('torch'))})"
                for size in SIZES
            ]
            rows.append([f"{file.where}{words}", *cells])
    words = (
        "The compiled step of each processor in µs, in brackets the times of JAX and torch there:"
    )
    return f"{words}\n\n{table(['processor', *SIZES], rows)}"


def _steps(file: Saved, names: dict[str, str], first: str, columns: Sequence[str]) -> str:
    rows = []
    for name, way in names.items():
        if not any(way in file.found["sizes"][size] for size in SIZES):
            continue
        cells = []
        for size in SIZES:
            row = file.found["sizes"][size].get(way)
            ratio = (
                ""
                if row is None or "over_hand" not in row
                else f" ({row['over_hand']['median']:.2f})"
            )
            cells.append(
                f"**{_time(row)}{ratio}**" if name.startswith("**") else _time(row) + ratio
            )
        rows.append([name, *cells])
    return table([first, *columns], rows)


def _file(file: Saved) -> str:
    return f"[file](../../benchmarks/results/{file.path.name})"


def sgd(folder: Path) -> str:
    """Steps with SGD."""
    file = _newest(folder, "mlp")
    columns = [f"{size} {network}" for size, network in SIZES.items()]
    return f"{file.where} ({_file(file)}):\n\n{_steps(file, STEPS, 'SGD', columns)}"


def adam(folder: Path) -> str:
    """Steps with Adam."""
    file = _newest(folder, "adam")
    return f"With Adam, torch's fused, {file.where} ({_file(file)}):\n\n{_steps(file, STEPS, 'Adam', list(SIZES))}"


_CONVOLUTIONS = (
    "128×32×13×13 → 64, 3×3", "32×64×32×32 → 64, 3×3", "64×16×32×32 → 32, 5×5",
)  # fmt: skip
_GRAPH = "20,000 nodes, 200,000 edges, 128-64-10"
# words, part, the way to the peers, and which of `_PEERS` they are
_LAYERS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("CNN on 128 images of 28×28, 32 and 64 channels", "convolution", ("cases", "network, training step"), 0),
    *((f"convolution {c}", "convolution", ("cases", f"{c}, forward and gradients"), 0) for c in _CONVOLUTIONS),
    ("LSTM, batch 64, 50 times, 32 → 64", "recurrence", ("LSTM",), 1),
    ("GRU, the same", "recurrence", ("GRU",), 1),
    ("transformer block, 16×128×128, 4 heads, causal", "attention", ("block", "16×128×128×4"), 0),
    ("transformer block, 4×512×128, 4 heads, causal", "attention", ("block", "4×512×128×4"), 0),
    ("attention, 4×4 heads, length 512, width 32, causal", "attention", ("alone", "4×4×512×32, causal"), 0),
    ("GCN by edges, 20,000 nodes, 200,000 edges", "graph_network", ("cases", f"GCN by edges, {_GRAPH}"), 2),
    ("GAT, the same graph", "graph_network", ("cases", f"GAT, {_GRAPH}"), 2),
)  # fmt: skip
# ours, torch, JAX
_PEERS = (
    ("pullback compiled", "torch", "jax"),
    ("pullback, compiled", "torch", "JAX, jit"),
    ("pullback compiled", "torch_geometric", "jax"),
)


def layers(folder: Path) -> str:
    """Steps of layers."""
    rows, files = [], {}
    for words, part, way, names in _LAYERS:
        if not saved(folder, part):
            continue
        file = files.setdefault(part, _newest(folder, part))
        found = file.found
        for key in way:
            found = found[key]
        found = found.get("peers", found)
        ms = [1e3 * row["seconds"]["median"] if "seconds" in row else row["median"]
              if row else None for row in (found.get(peer, {}) for peer in _PEERS[names])]  # fmt: skip
        cells = ["–" if x is None else f"{x:.1f}" for x in ms]
        rows.append([words, *cells, f"**{ms[0] / ms[1]:.2f}**"])
    named = "; ".join(
        f"[{part.replace('_', ' ')}](../../benchmarks/results/{f.path.name}): {f.where}"
        for part, f in files.items()
    )
    head = ["layers", "pullback, compiled", "torch, eager", "JAX, jit", "pullback / torch"]
    return (
        "Training steps of layers: loss and all gradients, compiled with `fast`, float32, medians in ms; graph "
        f"networks beside PyTorch Geometric.\n\n{table(head, rows)}\n\nFiles: {named}."
    )


def solvers(folder: Path) -> str:
    """Solves with their gradients."""
    file = _newest(folder, "adjoint")
    sizes = [n for n in (100, 500, 1000, 2000) if f"solve {n}" in file.found]
    names = {
        "pullback, eager": "pullback", "pullback, compiled": "pullback, compiled", "torch": "torch", "JAX": "JAX",
        "HIPS autograd": "HIPS autograd",
    }  # fmt: skip
    rows = []
    for name, way in names.items():
        cells = [file.found[f"solve {n}"].get(way) for n in sizes]
        if any(cells):
            rows.append([name, *(f"{cell['median']:.2f}" if cell else "–" for cell in cells)])
    return (
        "Time of value and gradient of c·A⁻¹b together, divided by that of one `np.linalg.solve`; float64, "
        f"{file.where} ({_file(file)}):\n\n{table(['unknowns', *map(str, sizes)], rows)}"
    )


def fit(folder: Path) -> str:
    """An epoch of `fit`."""
    file = _newest(folder, "fit_large")
    cases = file.found["cases"]
    peers = list(dict.fromkeys(peer for case in cases.values() for peer in case))
    rows = []
    for peer in peers:
        cells = []
        for case in cases.values():
            row = case.get(peer)
            ratios = [] if row is None else [
                f"{row[key]['median']:.2f}" for key in ("over scikit-learn", "over torch") if key in row
            ]  # fmt: skip
            cells.append(_time(row, 1.0, ".2f") + (f" ({', '.join(ratios)})" if ratios else ""))
        rows.append([peer, *cells])
    return (
        f"Seconds of an epoch on {file.found['rows']:,} × 784 numbers, 784-512-512-10, batch 128, in brackets over "
        f"scikit-learn's and over a torch loop's; {file.where} ({_file(file)}):\n\n"
        f"{table(['', *cases], rows)}"
    )


def picture(folder: Path) -> str:
    """The README's picture, whose words say what its bars do; `tools/readme_picture.py` draws it."""
    cpu = _newest(folder, "mlp").found["sizes"]["digits"]
    gpu = json.loads((folder / GPU[0]).read_text(encoding="utf-8"))[GPU[1]]["sizes"]["digits"]
    on_cpu = {"JAX": "jax", "by hand": "hand", "PyTorch": "torch", "HIPS autograd": "autograd"}
    others = ", ".join(f"{name} {_time(cpu[way])}" for name, way in on_cpu.items() if way in cpu)
    return (
        "![Left: a function written in NumPy, differentiated by pb.grad and minimised by its gradient. Middle: the "
        "gradient as arrows on the function's contours, and the path to the minimum. Right: a training step takes "
        f"{_time(cpu[OURS])} µs on two CPU cores ({others}) and {_time(gpu[ALONE])} µs on an H100 "
        f"(JAX {_time(gpu['jax'])}, PyTorch {_time(gpu['torch'])}).](docs/_static/readme.png)"
    )


def new_shapes(folder: Path) -> str:
    """Batch sizes that a compiled step has not met."""
    file = _newest(folder, "new_shapes")
    ways = file.found["ways"]
    cells = [f"{row['seconds']['median']:.2f}" for row in ways.values()]
    return (
        f"Seconds of three calls each with {len(file.found['sizes'])} batch sizes that a compiled step (20-64-3, Adam) "
        "has not met: with an empty folder of kernels (*cold*: by default another process compiles them), and with a "
        f"full one; {file.where} ({_file(file)}):\n\n{table(['', *ways], [['seconds', *cells]])}"
    )


def krylov(folder: Path) -> str:
    """Solvers inside compiled functions."""
    file = _newest(folder, "solvers")
    names = {"pullback, eager": "eager", "pullback, compiled": "compiled, kernels"}
    columns = {
        f"{p}, {kind}": ways
        for p, kinds in file.found.items()
        for kind, ways in kinds.items()
        if "," in p
    }
    rows = [["by hand, ms", *(f"{ways['by hand']['median']:.1f}" for ways in columns.values())]]
    for name, way in names.items():
        ratios = (ways[way]["median"] / ways["by hand"]["median"] for ways in columns.values())
        rows.append([name, *(f"{ratio:.2f}" for ratio in ratios)])
    return (
        "Conjugate gradients and GMRES of 10,000 unknowns, float64: milliseconds of SciPy's solvers called by hand, "
        f"and time over that, forward and with gradients; {file.where} ({_file(file)}):\n\n"
        f"{table(['', *columns], rows)}"
    )


BLOCKS: dict[str, Callable[[Path], str]] = {
    "picture": picture,
    "readme_steps": readme_steps, "processors": processors, "sgd": sgd, "adam": adam, "layers": layers,
    "solvers": solvers, "fit": fit, "new_shapes": new_shapes, "krylov": krylov,
}  # fmt: skip
_BLOCK = re.compile(r"<!-- benchmarks: (\w+) -->\n.*?<!-- /benchmarks -->", re.DOTALL)


def written(text: str, folder: Path) -> str:
    """A page's text with its blocks as the files have it."""

    def block(match: re.Match[str]) -> str:
        try:
            content = BLOCKS[match[1]](folder)
        except NotMeasured:
            content = "Not measured yet."
        return f"<!-- benchmarks: {match[1]} -->\n{content}\n\n<!-- /benchmarks -->"

    return _BLOCK.sub(block, text)


def write_pages(folder: Path) -> list[Path]:
    """Write the pages anew; those that changed."""
    changed = []
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = written(before, folder)
        if after != before:
            page.write_text(after, encoding="utf-8")
            changed.append(page)
    return changed
