"""Rows for products."""

from __future__ import annotations

from ._table import R, Z, row

SHAPES = [
    ("matrices", (2, 3), (3, 4)),
    ("vectors", (3,), (3,)),
    ("matrix and vector", (2, 3), (3,)),
    ("vector and matrix", (3,), (3, 2)),
    ("batch", (4, 2, 3), (4, 3, 2)),
    ("batch by matrix", (4, 2, 3), (3, 2)),
    ("matrix by batch", (2, 3), (4, 3, 2)),
    ("batches stretched", (4, 1, 2, 3), (5, 3, 2)),
    ("batch by vector", (4, 2, 3), (3,)),
    ("vector by batch", (3,), (4, 3, 2)),
    ("size-1 axes", (1, 1), (1, 1)),
    ("size-1 batch", (1, 2, 3), (4, 3, 2)),
    ("empty inside", (2, 0), (0, 3)),
    ("empty outside", (0, 2), (2, 3)),
    ("empty batch", (0, 2, 3), (3, 2)),
    ("empty vectors", (0,), (0,)),
]

CASES = [
    *(row("matmul", label, R(*a), R(*b)) for label, a, b in SHAPES),
    *(row("matmul", f"complex {label}", Z(*a), Z(*b)) for label, a, b in SHAPES[:8]),
    row("matmul", "real by complex", R(2, 3), Z(3, 2)),
    row("matmul", "complex by real vector", Z(2, 3), R(3)),
    row("matrix_transpose", "complex", Z(2, 3)),
]
