"""Helpers of `test_targets.py` and the test files split from it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

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


@pytest.fixture(autouse=True)
def _quiet():
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*aximum iterations|.*unique classes|.*not converged"
        )
        yield
