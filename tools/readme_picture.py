"""Draw the README's picture: a few lines of NumPy, what their gradient does, and how long a training step takes.

    python tools/readme_picture.py [FILE]      # docs/_static/readme.png

The lines on the left are run, and the arrows and the path are what they give. The bars are from the files of
benchmarks/results.
"""

from __future__ import annotations

import io
import json
import keyword
import sys
import tokenize
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "_static" / "readme.png"
RESULTS = ROOT / "benchmarks" / "results"

PROGRAM = """\
import numpy as np
import pullback as pb

def valley(p):
    r = p.copy()
    r[0] = 1 - p[0]
    r[1] = 3 * (p[1] - p[0] ** 2)
    return np.linalg.norm(r) ** 2

slope = pb.grad(valley)

p = np.array([-1.4, 0.6])
path = [p]
for _ in range(2000):
    p = p - 0.004 * slope(p)
    path.append(p)
"""
INK, FAINT, BLUE, ORANGE, GREEN = "#1f2430", "#8a919e", "#0072B2", "#D55E00", "#009E73"
COLOURS = {"keyword": "#8250df", "number": "#0550ae", "name": INK, "ours": ORANGE}


def newest(part: str) -> str:
    """The newest file of a part, of any processor, that has medians of all that is drawn."""
    for path in sorted(RESULTS.glob(f"*-{part}*.json"), key=lambda p: p.name[:10], reverse=True):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "haswell" not in path.name and "note" not in content["environment"]:
            return path.name
    raise FileNotFoundError(f"no file of {part} in {RESULTS}")


# (file, part, size, its name, the ways with their names, ours last)
STEPS = [
    (
        newest("mlp"),
        "mlp",
        "digits",
        "2 CPU cores, 64-128-64-10, batch 128",
        {"autograd": "HIPS autograd", "torch": "PyTorch, eager", "hand": "by hand, NumPy", "jax": "JAX, jit",
         "pullback compiled fast": "pullback, compiled"},
    ),
    (
        "2026-11-28-h100-float32.json",
        "float32",
        "digits",
        "H100, the same network",
        {"torch": "PyTorch, eager", "jax": "JAX, jit", "pullback compiled": "pullback, compiled"},
    ),
]  # fmt: skip


def run_program() -> dict[str, Any]:
    """The names that the program leaves."""
    names: dict[str, Any] = {}
    exec(PROGRAM, names)
    return names


def microseconds(file: str, part: str, size: str, ways: dict[str, str]) -> dict[str, float]:
    """Medians of a file of results, by the name that is shown."""
    rows = json.loads((RESULTS / file).read_text(encoding="utf-8"))[part]["sizes"][size]
    return {
        shown: rows[way]["seconds"]["median"] * 1e6 for way, shown in ways.items() if way in rows
    }


def pieces(code: str) -> list[tuple[int, int, str, str]]:
    """Row, column, text and colour of each word of a program."""
    out = []
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if not token.string.strip():
            continue
        kind = "name"
        if token.type == tokenize.NAME and keyword.iskeyword(token.string):
            kind = "keyword"
        elif token.type == tokenize.NUMBER:
            kind = "number"
        elif token.string in ("pb", "grad", "pullback"):
            kind = "ours"
        out.append((token.start[0] - 1, token.start[1], token.string, COLOURS[kind]))
    return out


def draw_code(ax: Any) -> None:
    """The program in a box, each word at its place in a grid of characters."""
    ax.axis("off")
    ax.set(xlim=(-1.3, 34.6), ylim=(len(PROGRAM.splitlines()) + 0.6, -1.1))
    box = FancyBboxPatch(
        (-1, -0.9), 35.3, len(PROGRAM.splitlines()) + 1.3, boxstyle="round,pad=0,rounding_size=0.6",
        facecolor="#f6f8fa", edgecolor="#d0d7de",
    )  # fmt: skip
    ax.add_patch(box)
    for row, column, text, colour in pieces(PROGRAM):
        weight = "bold" if colour == COLOURS["ours"] else "normal"
        for k, letter in enumerate(text):
            ax.text(
                column + k, row + 0.5, letter, color=colour, weight=weight,
                family="monospace", fontsize=12.2, ha="left", va="center",
            )  # fmt: skip
    ax.set_title("NumPy, as it is written", loc="left")


def draw_descent(ax: Any, names: dict[str, Any]) -> None:
    """The valley, the program's gradient as arrows, and its path."""
    xs, ys = np.linspace(-2.0, 2.0, 161), np.linspace(-0.8, 2.4, 129)
    values = np.array([[names["valley"](np.array([x, y])) for x in xs] for y in ys])
    ax.contourf(xs, ys, np.log10(values + 0.05), levels=14, cmap="Blues_r", alpha=0.75)
    at = np.array([[x, y] for x in np.linspace(-1.8, 1.8, 9) for y in np.linspace(-0.6, 2.2, 7)])
    arrows = -np.array([names["slope"](p) for p in at])
    length = np.linalg.norm(arrows, axis=1, keepdims=True)
    ax.quiver(*at.T, *(arrows / np.sqrt(length)).T, color="white", width=0.005, alpha=0.95)
    path = np.array(names["path"])
    ax.plot(*path.T, color=ORANGE, lw=2.2)
    ax.plot(*path[0], "o", color=ORANGE, ms=6)
    ax.plot(1, 1, "*", color=INK, ms=13)
    ax.annotate("start", path[0], (-10, 9), textcoords="offset points", color=INK, fontsize=10.5)
    ax.annotate("minimum", (1, 1), (8, -13), textcoords="offset points", color=INK, fontsize=10.5)
    ax.set_title("its gradient, and where it leads", loc="left")
    ax.set(xlabel="p[0]", ylabel="p[1]")


def draw_bars(ax: Any, title: str, times: dict[str, float]) -> None:
    """Times as bars, ours in another colour."""
    ours = list(times)[-1]
    bars = ax.barh(list(times), list(times.values()), height=0.62)
    for bar, (name, time) in zip(bars, times.items(), strict=True):
        bar.set_color(ORANGE if name == ours else "#b9c2cf")
        ax.text(
            time, bar.get_y() + bar.get_height() / 2, f" {time:.0f}", va="center", fontsize=10.5
        )
    ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.set_xlim(0, 1.2 * max(times.values()))


def draw(file: Path) -> None:
    """Write the picture."""
    style = {
        "font.size": 10.5,
        "font.family": "DejaVu Sans",
        "text.color": INK,
        "axes.titlesize": 12.5,
    }
    with mpl.rc_context({**style, "axes.edgecolor": FAINT, "axes.labelcolor": INK}):
        figure = plt.figure(figsize=(14.2, 4.5), layout="constrained", facecolor="white")
        left, middle, right = figure.subfigures(1, 3, width_ratios=[0.86, 1.0, 1.08], wspace=0.02)
        draw_code(left.subplots())
        draw_descent(middle.subplots(), run_program())
        axes = right.subplots(2, 1, height_ratios=[5, 3.2])
        right.suptitle("a training step, in µs", x=0.02, ha="left", fontsize=12.5)
        for ax, (result, part, size, title, ways) in zip(axes, STEPS, strict=True):
            draw_bars(ax, title, microseconds(result, part, size, ways))
        file.parent.mkdir(exist_ok=True)
        whole = io.BytesIO()
        figure.savefig(whole, dpi=110)
        # 200 colours are enough, and a third of the bytes
        Image.open(whole).convert("RGB").quantize(200).save(file, optimize=True)
        plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if sys.argv[1:] else PICTURE)
