"""Tests of opaque."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays, close


def test_functions_recorded_opaque(fast):
    from pullback.autograd.compile.tracing.opaque import opaque

    @opaque
    def halved(x: Any, *, times: dict[str, Any]) -> Any:
        count = 0
        while abs(x).max() > times["limit"]:
            x, count = x / 2, count + 1
        return x, {"count": count}  # which is no array

    @opaque
    def doubled(x: Any, info: Any) -> Any:
        return x * 2 ** info["count"]

    def f(x: Any, limit: Any) -> Any:
        small, info = halved(x * 2, times={"limit": limit})
        return small + 1, doubled(small, info)

    compiled = pb.compile(f, fast=fast)
    for scale in (1.0, 50.0, 3.0):
        x = scale * arrays((3,))[0]
        close(compiled(x, np.asarray(1.0)), f(x, np.asarray(1.0)))
    assert len(compiled._executables) == 1
