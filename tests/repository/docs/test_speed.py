"""The figures of the pages on speed are those of the saved results."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from ._pages import ROOT

RESULTS = ROOT / "benchmarks" / "results"
GUIDE = ROOT / "docs" / "guide"
SPEED, GPUS = ((GUIDE / f"{name}.md").read_text(encoding="utf-8") for name in ("speed", "gpus"))
# The rows of the tables, as the files name them.
ON_A_CPU = {
    "matrix products alone": "products", "by hand, NumPy": "hand", "pullback, eager": "pullback",
    "pullback, compiled, NumPy alone": "pullback compiled",
    "pullback, compiled, extra `fast`": "pullback compiled fast", "torch, eager": "torch",
    "torch, eager, fused Adam": "torch", "JAX, jit": "jax", "HIPS autograd": "autograd", "MyGrad": "mygrad",
}  # fmt: skip
ON_A_GPU = {
    "matrix products alone": "products", "JAX, jit": "jax", "torch, eager": "torch", "pullback, eager": "pullback",
    "pullback, compiled": "pullback compiled", "pullback, compiled with `fast=False`": "pullback compiled",
    "the same, launch by launch": "pullback launches",
}  # fmt: skip
RUNS = {
    "11-27": ("2026-11-27-h100-first-contact", "sgd"),
    "11-28": ("2026-11-28-h100-before", "float32"),
    "11-28, later": ("2026-11-28-h100-float32", "float32"),
}


def _results(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def _table(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first line begins so, without emphasis."""
    lines = text[text.index(f"\n{head}") + 1 :].split("\n\n")[0].splitlines()
    rows = [line.replace("**", "").strip("| ").split("|") for line in (lines[0], *lines[2:])]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.mark.parametrize(("head", "name", "part"), [
    ("| SGD |", "2026-11-21-mlp", "mlp"), ("| Adam (5 rounds) |", "2026-11-21-adam", "adam"),
])  # fmt: skip
def test_steps_on_a_cpu(head, name, part):
    columns, *rows = _table(SPEED, head)
    sizes = [column.split()[0] for column in columns[1:]]
    assert sizes == ["small", "digits", "mnist", "big"]
    found = _results(name)[part]["sizes"]
    for row, *cells in rows:
        for size, cell in zip(sizes, cells, strict=True):
            measured = found[size][ON_A_CPU[row]]
            time, ratio = re.fullmatch(r"(\d+) \(([\d.]+)\)", cell).groups()
            assert time == f"{measured['seconds']['median'] * 1e6:.0f}", (row, size)
            digits = len(ratio.partition(".")[2])
            assert ratio == f"{measured['over_hand']['median']:.{digits}f}", (row, size)


def test_steps_on_a_gpu():
    sizes = ["small", "digits", "mnist", "big", "wide"]
    (_, _, *columns), *rows = _table(SPEED, "| run |")
    assert columns == sizes
    # the guide's table has the rows of the last run
    last = [["11-28, later", *row] for row in _table(GPUS, "| step | small")[1:]]
    assert (len(rows), len(last)) == (17, 5)
    for run, row, *cells in rows + last:
        name, part = RUNS[run]
        found = _results(name)[part]["sizes"]
        for size, cell in zip(sizes, cells, strict=True):
            median = found[size][ON_A_GPU[row]]["seconds"]["median"]
            assert cell == f"{median * 1e6:.0f}", (run, row, size)


def test_solvers():
    columns, *rows = _table(SPEED, "| unknowns |")
    found = _results("2026-11-21-adjoint")["adjoint"]
    names = {"pullback, eager": "pullback"}
    for row, *cells in rows:
        for n, cell in zip(columns[1:], cells, strict=True):
            digits = len(cell.partition(".")[2])
            assert cell == f"{found[f'solve {n}'][names.get(row, row)]['median']:.{digits}f}", row


def test_what_an_operation_and_a_loop_cost():
    rows = _results("2026-11-21-cpu")["overhead"]
    gradients = (GUIDE / "gradients.md").read_text(encoding="utf-8")
    loops = _results("2026-11-28-loops")["loops"]["microseconds"]["forward, size 4"]
    kernel, by_hand = (
        loops[peer]["median"] for peer in ("pullback, scan compiled, kernels", "NumPy by hand")
    )
    assert f"takes {kernel:.2f} µs, where the same in NumPy takes {by_hand:.1f} µs" in gradients
    for text in (SPEED, gradients):
        words = " ".join(text.split())
        for way in ("forward", "both"):
            assert f"{round(rows['median'][way])} ns" in words
        dear = [rows["rows"][name]["both"]["median"] for name in ("x[::-1]", "where", "maximum")]
        low, high = (int(round(f(dear), -2)) for f in (min, max))
        assert f"reversed slices cost {low} to {high} ns both ways" in words


def test_the_ratio_to_hips_autograd():
    rows = _results("2026-11-28-hips")["hips"]["median seconds"].values()
    ratio = np.exp(np.mean([np.log(row["ours"] / row["autograd"]) for row in rows]))
    page = (ROOT / "docs" / "from_autograd.md").read_text(encoding="utf-8")
    assert f"takes {ratio:.2f} of its time (geometric mean of {len(rows)}" in page
