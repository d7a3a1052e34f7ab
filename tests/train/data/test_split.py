"""Tests of `train/data/split.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train import folds, load_dataset, split

InputError = pb.train.InputError


def made(y, classes=()):
    """A data set with these targets."""
    y = np.asarray(y)
    task = "classification" if classes else "regression"
    return pb.train.Dataset("made", np.zeros((len(y), 1)), y, task, tuple(classes))


@pytest.mark.parametrize("sizes", [(3, 7, 40), (5, 5), (3, 3, 3, 3), (100, 4), (33, 66, 99)])
def test_every_class_is_in_every_part_in_proportion(sizes):
    y = np.repeat(np.arange(len(sizes)), sizes)
    np.random.default_rng(0).shuffle(y)
    parts = pb.train.split(made(y, map(str, range(len(sizes)))), seed=1)
    for part, fraction in ((parts.train, 0.6), (parts.validation, 0.2), (parts.test, 0.2)):
        counts = np.bincount(y[part], minlength=len(sizes))
        assert counts.min() >= 1
        assert np.abs(counts - fraction * np.asarray(sizes)).max() < 2
    together = np.concatenate([parts.train, parts.validation, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(y)))


def test_the_split_follows_its_seed():
    data = made(np.repeat([0, 1], 50), "ab")
    first, again, other = (pb.train.split(data, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_a_split_of_too_little_is_refused():
    with pytest.raises(InputError, match=r"at least 3.*'rare' \(2\)"):
        pb.train.split(made([0] * 20 + [1] * 2, ("often", "rare")))
    with pytest.raises(InputError, match="9 rows"):
        pb.train.split(made(np.zeros((9, 1))))


def test_standardised_columns_have_mean_0_and_variance_1():
    random = np.random.default_rng(0)
    x = random.normal(size=(5000, 3)) * [1.0, 1e-9, 1e6] + [0.0, 5.0, -3e6]
    z = pb.train.Standardizer.fit(x).transform(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-6)
    assert pb.train.Standardizer.fit(x).transform(x, "float32").dtype == np.float32


@pytest.mark.parametrize("one_scale", [False, True])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e300, -7.0])
def test_columns_that_never_vary_become_zero(constant, one_scale):
    """0.1 summed up and divided is not 0.1: only an exact mean gives exact zeros."""
    x = np.column_stack([np.full(1001, constant), np.arange(1001.0)])
    with np.errstate(all="raise"):
        found = pb.train.Standardizer.fit(x, one_scale=one_scale)
        assert not found.transform(x)[:, 0].any()
        blank = pb.train.Standardizer.fit(x[:, :1], one_scale=one_scale)
        assert blank.transform(x[:, :1]).tolist() == [[0.0]] * 1001


def test_columns_of_extreme_sizes_do_not_overflow():
    x = np.asarray([[1e308, 1e-308], [-1e308, 2e-308], [1e307, 5e-308]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        z = pb.train.Standardizer.fit(x).transform(x)
    np.testing.assert_allclose(z.std(axis=0), 1)


def test_pixels_share_one_scale():
    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 2)) * [1.0, 7.0]
    found = pb.train.Standardizer.fit(x, one_scale=True)
    np.testing.assert_allclose(found.scale, 5.0, rtol=0.05)
    np.testing.assert_allclose(found.transform(x).mean(axis=0), 0, atol=1e-12)


def test_standardising_bytes_needs_no_float_copy_and_has_an_inverse():
    x = np.random.default_rng(0).integers(0, 256, size=(9000, 4), dtype=np.uint8)
    found = pb.train.Standardizer.fit(x)
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale, x.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.inverse(found.transform(x)), x, atol=1e-10)


pytest.importorskip("typer")


pytest.importorskip("safetensors")


pytest.importorskip("matplotlib")


pytest.importorskip("sklearn", reason="needs scikit-learn")


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "diabetes"])
@pytest.mark.parametrize("k", [2, 5])
def test_folds_cover_all_rows_but_the_test_part_once(name, k):
    data = load_dataset(name)
    held = split(data, seed=3).test
    parts = folds(data, k=k, seed=3)
    everything = np.sort(np.concatenate([held, *(part.validation for part in parts)]))
    np.testing.assert_array_equal(everything, np.arange(len(data.y)))
    sizes = [len(part.validation) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    for part in parts:
        np.testing.assert_array_equal(part.test, held)
        assert not np.intersect1d(part.train, part.validation).size
        assert len(part.train) + len(part.validation) + len(held) == len(data.y)
        if data.task == "classification":
            counts = np.bincount(data.y[part.validation])
            wanted = np.bincount(data.y[np.setdiff1d(np.arange(len(data.y)), held)]) / k
            assert np.all(np.abs(counts - wanted) <= 1)


def test_folds_are_refused_where_there_are_too_few_rows():
    data = load_dataset("iris")
    with pytest.raises(InputError, match="at least 2"):
        folds(data, k=1)
    with pytest.raises(InputError, match="too few for 41 folds"):
        folds(data, k=41)
