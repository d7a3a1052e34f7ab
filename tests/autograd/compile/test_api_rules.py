"""Every row of the table of functions, compiled: forward and gradient equal eager's, or a clear refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError

from ..._each import each
from ...cases._table import Case, collect, inexact_leaves, loss, weights_for

CASES = collect()


def _close(ours: Any, eager: Any) -> None:
    mine, spec = pb.tree.flatten(ours)
    theirs, other = pb.tree.flatten(eager)
    assert spec == other
    for a, b in zip(mine, theirs, strict=True):
        assert type(a) is type(b)
        a, b = pb.to_numpy(a), pb.to_numpy(b)
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def _moved(case: Case) -> list[Any]:
    """The row's arrays, those that are differentiated a little further on."""
    places = case.places()
    return [
        np.asarray(x * (1 + 1e-3)) if i in places and x.dtype.kind in "fc" else x
        for i, x in enumerate(case.arrays())
    ]


def _check(f: Any, inputs: list[list[Any]], fast: bool) -> None:
    compiled = pb.compile(f, fast=fast)
    for given in inputs:
        eager = f(*given)
        try:
            ours = compiled(*given)
        except TraceError as error:
            refusal = str(error)
            break
        _close(ours, eager)
    else:
        assert len(compiled._executables) == 1
        return
    assert "/tests/" in refusal  # the line
    pytest.skip(f"refused: {refusal}")


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@each(CASES)
def test_forward(case):
    inputs = [case.arrays(), _moved(case), case.arrays()]
    _check(lambda *arrays: case.pullback(list(arrays)), inputs, fast=False)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@each(CASES)
def test_gradient(case):
    arrays = case.arrays()
    weights = weights_for(inexact_leaves(case.pullback([pb.xp.asarray(x) for x in arrays])))
    places = tuple(case.places())

    def gradient(*every: Any) -> Any:
        return pb.grad(lambda *x: loss(case.pullback(list(x)), weights), argnums=places)(*every)

    _check(gradient, [arrays, _moved(case), case.arrays()], fast=False)
