"""The README is short, its figures are those of the saved results, and its picture shows what its program does."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from .._tools import load as load_tool
from ._pages import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = {"CPU": "mlp", "GPU": "float32"}
# The rows of the table, as the files name them on a CPU and on a GPU.
ROWS = {
    "matrix products alone": ("products", "products"),
    "by hand, NumPy": ("hand", None),
    "pullback, eager": ("pullback", "pullback"),
    "pullback, compiled": ("pullback compiled fast", "pullback compiled"),
    "JAX, jit": ("jax", "jax"),
    "torch, eager": ("torch", "torch"),
    "HIPS autograd": ("autograd", None),
}


def test_it_is_half_as_long_as_it_was_and_begins_with_the_picture():
    lines = TEXT.splitlines()
    assert len(lines) <= 200
    assert any("docs/_static/readme.png" in line for line in lines[:6])
    assert (ROOT / "docs" / "_static" / "readme.png").stat().st_size < 150_000


def test_the_figures_of_its_table_are_those_of_the_files(load):
    pages = load("_pages")
    folder = ROOT / "benchmarks" / "results"
    names = {"CPU": pages._newest(folder, "mlp").path.name, "GPU": pages.GPU[0]}
    sizes = {
        where: json.loads((folder / names[where]).read_text())[part]["sizes"]
        for where, part in FILES.items()
    }
    head, _, *rows = re.search(r"(\| step \| CPU small.*?)\n\n", TEXT, re.DOTALL)[1].splitlines()
    columns = [column.split() for column in head.strip("| ").split(" | ")[1:]]
    assert len(columns) == 6
    found = {}
    for row in rows:
        name, *cells = (cell.strip(" *") for cell in row.strip().strip("|").split("|"))
        found[name] = cells
    assert set(found) == set(ROWS)
    for name, ways in ROWS.items():
        for (where, size), cell in zip(columns, found[name], strict=True):
            way = ways[where == "GPU"]
            if way is None or way not in sizes[where][size]:
                assert cell == "–"
            else:
                seconds = sizes[where][size][way]["seconds"]["median"]
                assert cell == f"{seconds * 1e6:.0f}", (name, where, size)


def test_the_picture_s_program_descends_by_a_right_gradient():
    pytest.importorskip("matplotlib", reason="the tool draws")
    tool = load_tool("readme_picture")
    names = tool.run_program()
    valley, slope, start = names["valley"], names["slope"], names["path"][0]
    numeric = [(valley(start + h) - valley(start - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(slope(start), numeric, rtol=1e-6)
    np.testing.assert_allclose(names["p"], [1, 1], atol=0.05)
    words = " ".join(text for _, _, text, _ in tool.pieces("y = np.exp(1)"))
    assert words == "y = np . exp ( 1 )"


def test_the_picture_s_bars_are_those_of_the_files_and_its_words_say_them():
    pytest.importorskip("matplotlib", reason="the tool draws")
    tool = load_tool("readme_picture")
    alt = re.search(r"!\[(.*?)\]\(docs/_static/readme.png\)", TEXT)[1]
    for file, part, size, _, ways in tool.STEPS:
        for way, shown in ways.items():
            rows = json.loads((tool.RESULTS / file).read_text())[part]["sizes"][size]
            time = tool.microseconds(file, part, size, {way: shown})[shown]
            assert time == rows[way]["seconds"]["median"] * 1e6
            assert f"{time:.0f}" in alt
