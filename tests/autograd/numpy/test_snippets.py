"""NumPy and SciPy code as people write it, against central differences of the very same code.

The tables are `_snippets.py` and `_snippets_of_one_line.py`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ._snippets import INPUTS, Snippet
from ._snippets_of_one_line import SNIPPETS


def _scipy() -> Any:
    import scipy
    import scipy.integrate
    import scipy.linalg
    import scipy.optimize
    import scipy.signal
    import scipy.special
    import scipy.stats

    return scipy


def _weights(shape: tuple[int, ...]) -> np.ndarray:
    return np.cos(1.0 + np.arange(float(np.prod(shape)))).reshape(shape)


def differences(snippet: Snippet) -> np.ndarray:
    """The gradient of the weighted sum of the results, by central differences of plain NumPy and SciPy."""
    x = INPUTS[snippet.x]

    def loss(values: np.ndarray) -> float:
        out = np.asarray(snippet.program(np, _scipy(), values))
        return float(np.sum(_weights(out.shape) * out))

    slopes = np.empty_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-5
        # a 0-d difference is a NumPy scalar
        slopes[index] = (loss(np.asarray(x + step)) - loss(np.asarray(x - step))) / 2e-5
    return slopes


def gradient(snippet: Snippet, xp: Any, sp: Any, x: Any) -> np.ndarray:
    """The gradient of the same by pullback."""

    def loss(x: Any) -> Any:
        out = pb.xp.asarray(snippet.program(xp, sp, x))
        weights = pb.asarray(_weights(out.shape))
        return pb.xp.sum(pb.xp.real(out * weights))

    return pb.to_numpy(pb.grad(loss)(x))


def _chain(error: BaseException | None) -> str:
    """The messages of an error and its causes: NumPy puts errors of its own in front of some of ours."""
    text = ""
    while error is not None:
        text += f"{error}\n"
        error = error.__cause__ or error.__context__
    return text


def check(snippet: Snippet, got: np.ndarray) -> None:
    expected = differences(snippet)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-7)


def test_there_are_enough_and_each_has_a_name():
    assert len({s.name for s in SNIPPETS}) == len(SNIPPETS) >= 160


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[s.name for s in SNIPPETS])
def test_numpy_itself(snippet):
    with pb.backend.use("numpy"):
        x = INPUTS[snippet.x].copy()
        if snippet.refused:
            with pytest.raises(Exception) as caught:
                gradient(snippet, np, _scipy(), x)
            assert re.search(snippet.refused, _chain(caught.value))
            return
        check(snippet, gradient(snippet, np, _scipy(), x))


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[s.name for s in SNIPPETS])
def test_the_namespaces_of_pullback(snippet, lib):
    if lib.name == "array_api_strict":
        pytest.skip("no backend that can be active: its arrays have NumPy's methods from nobody")
    with pb.backend.use(pb.backend.backend_of(lib.asarray(0.0))):
        import pullback.numpy
        import pullback.scipy

        x = lib.asarray(INPUTS[snippet.x])
        if snippet.on_device and lib.says == "cupy":
            with pytest.raises(NotImplementedError, match=snippet.on_device):
                gradient(snippet, pullback.numpy, pullback.scipy, x)
            return
        check(snippet, gradient(snippet, pullback.numpy, pullback.scipy, x))
