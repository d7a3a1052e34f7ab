"""Helpers of `test_updates.py` and the test files split from it."""

from __future__ import annotations

from pullback.optim.first_order.formulas import log

B1, B2, ALPHA = 0.9, 0.95, 0.8


SCALARS = {
    "t": 3, "lr": 0.1, "b1": B1, "b2": B2, "d1": 1 - B1, "d2": 1 - B2, "log_b1": log(B1), "log_b2": log(B2),
    "eps": 1e-6, "l2": 0.3, "decay": 0.2, "momentum": 0.7, "dampening": 0.4, "lr_decay": 0.1, "sg": 0.3, "sm": 0.6,
    "share": 0.8,
}  # fmt: skip
