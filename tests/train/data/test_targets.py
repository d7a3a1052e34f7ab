"""Labels are exact: integers of 64 bits, signed or not, in every kind of file, in predictions and in estimators."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

import pullback as pb

from ..cli import _cli
from ..cli._cli import QUICK
from ._targets import (
    BASES,
    INTO_64_BITS,
    X,
    _quiet,  # noqa: F401 - a fixture
    array,
    labels,
)

folder, pullback = _cli.folder, _cli.pullback  # fixtures


def as_csv(values):
    lines = [f"{a},{b},{v}" for (a, b), v in zip(X.tolist(), values, strict=True)]
    return "\n".join(["a,b,id", *lines]) + "\n"


def load(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", X=X, **arrays)
    return pb.train.load_dataset(tmp_path / "a.npz")


def expect(data, base):
    assert data.classes == tuple(str(base + i) for i in range(4))
    assert data.y.tolist() == [3, 0, 2, 1] * 10
    assert data.y.dtype == np.int64


@pytest.mark.parametrize("name", BASES)
def test_every_file_keeps_every_digit(tmp_path, name):
    base = BASES[name]
    values = labels(base)
    path = tmp_path / "a.csv"
    for form in (str, "{}.0".format, "{:+d}".format, "{}.000e0".format, '"{}"'.format):
        path.write_text(as_csv([form(v) for v in values]))
        expect(pb.train.load_dataset(path), base)
    expect(load(tmp_path, y=np.asarray([str(v) for v in values])), base)
    expect(load(tmp_path, y=np.asarray([str(v).encode() for v in values])), base)
    if name in INTO_64_BITS:
        expect(load(tmp_path, y=array(values)), base)
        expect(load(tmp_path, y=array(values)[:, None]), base)
        expect(load(tmp_path, y=array(values).astype(array(values).dtype.newbyteorder(">"))), base)


def test_long_doubles_keep_theirs(tmp_path):
    values = np.asarray([3, 0, 2, 1] * 10, np.longdouble) + np.longdouble(2) ** 60
    if len(set(values.tolist())) < 4:
        pytest.skip("long doubles are float64 here")
    expect(load(tmp_path, y=values), 2**60)


def test_labels_beyond_64_bits_in_texts(tmp_path):
    (tmp_path / "a.csv").write_text(as_csv(labels(10**40)))
    expect(pb.train.load_dataset(tmp_path / "a.csv"), 10**40)


def test_the_same_number_is_the_same_class(tmp_path):
    (tmp_path / "a.csv").write_text(
        as_csv(["1", "1.0", "+1", "01", "1e0", "2", "2.", "20e-1", "0", "-0"] * 4)
    )
    assert pb.train.load_dataset(tmp_path / "a.csv").classes == ("0", "1", "2")


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_predictions_name_them(tmp_path, pullback, kind):
    values = labels(2**53)
    if kind == "csv":
        (tmp_path / "a.csv").write_text(as_csv(values))
    else:
        np.savez(tmp_path / "a.npz", X=X, y=array(values))
    assert pullback("train", f"a.{kind}", *QUICK, "--name", "r")[0] == 0
    code, out, _ = pullback("predict", "runs/r", f"a.{kind}")
    rows = list(csv.reader(io.StringIO("\n".join(out))))
    names = {str(2**53 + i) for i in range(4)}
    assert code == 0
    assert set(rows[0][1:]) == {f"p({name})" for name in names}
    assert {row[0] for row in rows[1:]} <= names


# ── estimators ────────────────────────────────────────────────────────────────────────────────


def test_digits_with_an_underscore_between_are_names(tmp_path):
    path, found = tmp_path / "a.csv", ["1_12", "11_2", "2_1"]
    path.write_text(as_csv((found * 14)[: len(X)]))
    data = pb.train.load_dataset(path)
    assert data.classes == ("11_2", "1_12", "2_1")
    assert data.y[:3].tolist() == [1, 0, 2]


def test_numbers_with_a_unit_are_no_classes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,price\n" + "".join(f'{i},"${i % 12},000"\n' for i in range(48)))
    for task in ("auto", "regression"):
        with pytest.raises(pb.train.InputError, match="write the numbers"):
            pb.train.load_dataset(path, task=task)
    assert len(pb.train.load_dataset(path, task="classification").classes) == 12
