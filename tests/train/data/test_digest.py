"""A digest tells data apart."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train.data import digest as module
from pullback.train.data.digest import digest

X = np.random.default_rng(0).normal(size=(600, 3))


def test_the_same_on_every_library(lib):
    data = (lib.asarray(X), {"y": lib.asarray(X[:, 0])})
    assert digest(data) == digest((X, {"y": X[:, 0]}))


@pytest.mark.parametrize("whole", [1 << 26, 1000])
def test_other_data_have_another(monkeypatch, whole):
    """Large arrays are looked at in some rows, the first and the last among them."""
    monkeypatch.setattr(module, "_WHOLE", whole)
    first, last = X.copy(), X.copy()
    first[0, 0] = last[-1, -1] = 0.0
    others = [
        (X,), (X.copy(), X), (first,), (last,), (X.astype("float32"),), (X.reshape(3, 600),), (X.T,),
        {"x": X}, (X[:-1],), (X[::-1],), (np.asfortranarray(first),),
    ]  # fmt: skip
    digests = [digest(data) for data in others]
    assert digests[0] == digest((np.asfortranarray(X),))
    assert digests[2] == digests[-1]
    assert len(set(digests)) == len(others) - 1
