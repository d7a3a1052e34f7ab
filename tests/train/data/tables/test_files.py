"""The tables of tests/data, as people have them: they train and predict at the first try, or are refused in a line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ...cli import _cli

pytest.importorskip("pandas", reason="tables are read by pandas, of the extra `train`")

folder, pullback = _cli.folder, _cli.pullback
DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Pictures take most of the time of a short run, and have tests of their own."""
    monkeypatch.setattr("pullback.train.run.run.curves_png", lambda *a, **k: b"")
    monkeypatch.setattr("pullback.train.run.tables.weights_png", lambda *a, **k: b"")
    monkeypatch.setattr("pullback.train.run.evaluate.Evaluated.picture", lambda self: None)


# the file, options, what is told of it, and what it predicts
TRAINED = {
    "wohnungen_excel.csv": ([], "decimal comma", "predicted Kaufpreis (€)"),
    "survey.csv": ([], "remarks         category", "class"),
    "bank_customers.csv": ([], "customer_id     dropped   nothing: numbers the rows", "class"),
    "house_prices.csv": ([], "PoolQC           category", "predicted SalePrice [$]"),
    "unicode_text.txt": (["--model", "mlp"], "UTF-16", "class"),
    "messung_latin1.csv": ([], "Windows-1252", "class"),
    "genes.tsv": ([], "separated by tabs", "class"),
    "sensor.csv.gz": ([], "timestamp    date", "predicted load"),
    "visitors.parquet": ([], "newsletter  boolean", "class"),
    "sales_report.csv": ([], "Shop              dropped", "predicted Sales [EUR]"),
    "to_csv_index.csv": ([], "number the rows and are left out", "class"),
    "posts.csv": ([], "post_id  dropped", "class"),
    "countries.csv": (["--missing", "drop"], "1 row without a target left out", "class"),
    "building_loads.csv": ([], "separated by pipes", "predicted load, cooling"),
    "transactions.csv": ([], "channel  category", "class"),
    "spectra.dat": ([], "separated by spaces; no header", "class"),
    "umsatz_mehrdeutig.csv": (["--decimal", ","], "decimal comma", "class"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAINED)
def test_a_table_trains_and_predicts(pullback, name):
    options, said, first = TRAINED[name]
    code, out, err = pullback(
        "train", DATA / name, *options, "--epochs", 1, "--hidden", 4, "--name", "r"
    )
    assert (code, err) == (0, [])
    assert said in "\n".join(out)
    code, out, err = pullback("predict", "runs/r", DATA / name)
    assert code == 0
    assert len(err) <= 1
    rows = list(csv.reader(out))
    assert rows[0][0] == first
    assert len(rows) >= 61

    code, out, err = pullback("evaluate", "runs/r", DATA / name)
    assert (code, bool(out)) == (0, True), err


# the file, and what its one line says
REFUSED = {
    "countries.csv": ["row 11", "'region'", "the target is empty", "--missing drop"],
    "umsatz_mehrdeutig.csv": ["--decimal ,"],
    "broken_off.csv": ["row 31", "3 columns, where row 1 has 4"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_is_refused_with_advice(pullback, name):
    code, out, err = pullback("train", DATA / name)
    assert (code, out, len(err)) == (2, [], 1)
    for part in REFUSED[name]:
        assert part in err[0]
    assert not Path("runs").exists()


def test_every_table_has_a_row_here():
    found = {path.name for path in DATA.iterdir()} - {"README.md", "make.py"}
    assert found == {*TRAINED, *REFUSED}
