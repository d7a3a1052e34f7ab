"""Labels are exact: integers of 64 bits, signed or not, in every kind of file, in predictions and in estimators."""

from __future__ import annotations

import csv
import io
import warnings

import numpy as np
import pytest

import pullback as pb

from .._cli import QUICK, folder, pullback  # noqa: F401 - fixtures

X = np.random.default_rng(0).normal(size=(40, 2))
BASES = {
    "2^53": 2**53, "-2^53": -(2**53) - 3, "2^60": 2**60, "2^63": 2**63, "2^64": 2**64 - 4,
    "-2^63": -(2**63), "about 2^63": 2**63 - 2, "0": 0,
}  # fmt: skip
INTO_64_BITS = [name for name in BASES if name != "about 2^63"]


def labels(base):
    return [base + i for i in (3, 0, 2, 1)] * 10


def array(values):
    return np.asarray(values, np.uint64 if max(values) >= 2**63 else np.int64)


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
def test_predictions_name_them(tmp_path, pullback, kind):  # noqa: F811 - a fixture
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

KINDS = {
    "MLPClassifier": lambda: pb.train.MLPClassifier((4,), max_iter=2, random_state=0),
    "LogisticRegression": lambda: pb.train.LogisticRegression(),
    "SoftmaxRegression": lambda: pb.train.SoftmaxRegression(),
    "TreeReductionClassifier": lambda: pb.train.TreeReductionClassifier(
        pb.train.LogisticRegression()
    ),
}


@pytest.fixture(autouse=True)
def _quiet():
    pytest.importorskip("sklearn")
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*aximum iterations|.*unique classes|.*not converged"
        )
        yield


@pytest.mark.parametrize("name", INTO_64_BITS)
@pytest.mark.parametrize("form", [list, array, tuple], ids=["list", "array", "tuple"])
@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_those_that_were_given(kind, form, name):
    values = labels(BASES[name])
    model = KINDS[kind]().fit(X, form(values))
    assert model.classes_.tolist() == sorted(set(values))
    assert set(model.predict(X).tolist()) <= set(values)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_would_be_rounded_are_refused(kind):
    for values in ([2**63, -(2**63) + 1] * 20, [2**53 + 1, 0.5] * 20, [2**70, 2**70 + 1] * 20):
        with pytest.raises(ValueError, match="give them as strings"):
            KINDS[kind]().fit(X, values)
    texts = [str(v) for v in [2**63, -1] * 20]
    assert set(KINDS[kind]().fit(X, texts).classes_.tolist()) == set(texts)


def test_labels_of_another_dtype_are_compared_exactly():
    """NumPy compares int64 with uint64 and with float64 as float64, where 2^53 + 1 is 2^53."""
    classes = [2**53, 2**53 + 1, 2**53 + 2]
    model = pb.train.MLPClassifier((4,), random_state=0)
    model.partial_fit(X[:3], np.asarray(classes, np.uint64), classes=np.asarray(classes, np.int64))
    model.partial_fit(X[:2], np.asarray([2.0**53, 2.0**53 + 2]))
    for wrong in (np.asarray([2**53 + 3], np.uint64), np.asarray([2.0**53 + 4]), [2**53 - 1]):
        with pytest.raises(ValueError, match="not among the classes"):
            model.partial_fit(X[:1], wrong)
    with pytest.raises(ValueError, match="not those of the first call"):
        model.partial_fit(
            X[:3], classes, classes=np.asarray([c + (c % 2) for c in classes] + [0], np.uint64)
        )
    warm = pb.train.MLPClassifier((4,), max_iter=1, warm_start=True).fit(X, [2**53, 2**53 + 2] * 20)
    with pytest.raises(ValueError, match="same classes"):
        warm.fit(X, np.asarray([2**53 + 1, 2**53 + 2] * 20, np.uint64))
