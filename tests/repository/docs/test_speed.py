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


def test_the_tables_are_those_of_the_newest_files(load):
    pages = load("_pages")
    for page in pages.PAGES:
        text = page.read_text(encoding="utf-8")
        assert pages.written(text, RESULTS) == text, f"python benchmarks --pages writes {page.name}"


def test_a_table_has_the_median_and_the_ratio_of_its_file(load):
    pages = load("_pages")
    file = pages._newest(RESULTS, "mlp")
    rows = {row: cells for row, *cells in _table(pages.sgd(RESULTS), "| SGD |")[1:]}
    for row, way in (("by hand, NumPy", "hand"), ("pullback, compiled, extra `fast`", pages.OURS)):
        for size, cell in zip(pages.SIZES, rows[row], strict=True):
            measured = file.found["sizes"][size][way]
            time, ratio = re.fullmatch(r"(\d+) \(([\d.]+)\)", cell).groups()
            assert time == f"{measured['seconds']['median'] * 1e6:.0f}"
            assert float(ratio) == pytest.approx(measured["over_hand"]["median"], abs=0.0051)


def test_every_block_is_on_a_page_and_every_processor_has_a_row(load):
    pages = load("_pages")
    text = "".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    assert set(re.findall(r"<!-- benchmarks: (\w+) -->", text)) == set(pages.BLOCKS)
    rows = _table(pages.processors(RESULTS), "| processor |")[1:]
    assert {"AMD", "Intel"} <= {word for row in rows for word in row[0].split()}
    least = _results("2026-11-28-mlp-intel-xeon-sapphire-rapids")["mlp"]["sizes"]["big"]
    shown = {row[0].endswith("MKL"): row[-1] for row in rows if "Intel" in row[0]}
    for mkl, way in ((False, pages.OURS), (True, f"{pages.OURS}, mkl")):
        assert shown[mkl].split()[0] == f"{least[way]['seconds']['least'] * 1e6:.0f}"


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
