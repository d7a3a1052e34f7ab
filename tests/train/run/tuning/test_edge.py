"""Remarks on best settings at the edge."""

from __future__ import annotations

import pytest

from pullback.train import Settings
from pullback.train.run.tuning.edge import edges
from pullback.train.run.tuning.values import LogUniform, Uniform


@pytest.mark.parametrize(
    ("key", "value", "values", "remark"),
    [
        ("learning_rate", 0.1, (1e-3, 0.1), "learning_rate 0.1 is the largest value given: try 0.3, 1"),
        ("learning_rate", 2e-4, (2e-4, 6e-4), "learning_rate 0.0002 is the smallest value given: try 7e-05, 2e-05"),
        ("l2", 0.01, (0.01, 0.1), "l2 0.01 is the smallest value given: try 0.003, 0"),
        # nothing is below 0
        ("l2", 0.0, (0.0, 0.1), ""),
        ("batch_size", 64, (16, 64), "batch_size 64 is the largest value given: try 128, 256"),
        ("batch_size", 2, (2, 64), "batch_size 2 is the smallest value given: try 1"),
        ("batch_size", 1, (1, 64), ""),
        ("hidden", (64,), ((32,), (64,)), "hidden 64 is the largest value given: try 128, 256"),
        # deeper networks are on no scale with others; nor is a single value
        ("hidden", (64,), ((32, 32), (64,)), ""),
        ("learning_rate", 0.1, (0.1,), ""),
        ("learning_rate", 0.01, (1e-3, 0.01, 0.1), ""),
        ("activation", "relu", ("relu", "tanh"), ""),
        ("l2", 0.9, LogUniform(1e-4, 1.0), "l2 0.9 is at the upper end of the range 0.0001:1: try 0.0001:10"),
        ("l2", 1.1e-4, LogUniform(1e-4, 1.0), "l2 0.00011 is at the lower end of the range 0.0001:1: try 1e-05:1"),
        ("l2", 0.01, LogUniform(1e-4, 1.0), ""),
        ("dropout", 0.5, (0.0, 0.5), "dropout 0.5 is the largest value given: try 0.75, 0.875"),
        ("dropout", 0.2, (0.2, 0.5), "dropout 0.2 is the smallest value given: try 0.1, 0"),
        ("dropout", 0.48, Uniform(0.0, 0.5), "dropout 0.48 is at the upper end of the range 0:0.5: try 0:0.75"),
        ("dropout", 0.01, Uniform(0.0, 0.5), ""),
        ("warmup", 100, (0, 100), "warmup 100 is the largest value given: try 200, 400"),
        ("warmup", 0.1, (0.1, 0.2), "warmup 0.1 is the smallest value given: try 0.05, 0"),
        ("batch_norm", True, (False, True), ""),
    ],
)  # fmt: skip
def test_a_remark_says_what_to_try(key, value, values, remark):
    assert edges(Settings(**{key: value}), {key: values}).get(key, "") == remark


def test_a_distribution_of_somebody_else_has_no_known_ends():
    loguniform = pytest.importorskip("scipy.stats").loguniform
    assert edges(Settings(l2=0.5), {"l2": loguniform(0.1, 0.5)}) == {}
