"""Each chart of the page of benchmarks is drawn from what its file holds."""

from __future__ import annotations

import json
import re

import pytest

from ._extensions import ROOT, load

pytest.importorskip("sphinx", reason="charts are a directive of Sphinx, of the extra docs")
charts = load("benchmarks.charts").CHARTS
results = load("benchmarks.results")


def numbers(value):
    """All numbers of a file, however deep they lie."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, (int, float)):
        yield value


@pytest.mark.parametrize("name", charts)
def test_a_chart_shows_numbers_of_its_file_or_ratios_of_two(name):
    chart = charts[name]
    files = chart.files()
    assert files
    for found in files:
        check(name, chart, found)


def check(name, chart, found):
    assert json.loads(found.path.read_text(encoding="utf-8")) == found.data
    values = [v for row in chart.values(found.data).values() for v in row.values()]
    assert len(values) >= 2
    known = sorted(numbers(found.data))
    for value in values:
        scaled = any(abs(value - k * s) <= 1e-9 * abs(value) for k in known for s in (1.0, 1e3))
        ratio = scaled or any(
            abs(value * b - a) <= 1e-9 * abs(a) for b in known if b for a in known if abs(a) > 0
        )
        assert ratio, (name, value)


def test_the_newest_file_is_taken():
    folder = ROOT / "benchmarks" / "results"
    dates = sorted(p.name[:10] for p in folder.glob("*-mlp*.json") if "haswell" not in p.name)
    assert results.find("mlp").path.name.startswith(dates[-1])
    processors = [found.processor for found in results.find_all("mlp")]
    assert {"amd-epyc", "intel-xeon-sapphire-rapids"} <= set(processors)
    assert len(set(processors)) == len(processors)
    with pytest.raises(FileNotFoundError, match=r"-nothing\.json"):
        results.find("nothing")


def test_every_chart_is_on_the_page():
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^```\{benchmark-chart\} (\w+)$", text, re.MULTILINE)) == set(charts)


def test_a_chart_says_where_it_was_measured():
    words = results.find("h100-float32").words
    assert "H100" in words
    assert "2026" in words
    assert "does not say" in results.find("checkpoint").words


def test_bars_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="charts are drawn by matplotlib, of the extra train")
    chart = charts["recurrence"]
    chart.save(chart.files()[0], tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert text.count("<path") > 10
    assert "LSTM" in text
    assert "PyTorch" in text
