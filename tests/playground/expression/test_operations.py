"""Tests of `playground/expression/operations.py`: the derivatives in words are the derivatives that are taken."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pullback as pb
from pullback.playground.expression.operations import FUNCTIONS, OPERATORS

from ._expressions import NUMPY

_ALL = {**OPERATORS, **FUNCTIONS}


def _python(words):
    """A derivative as it is written, as Python."""
    words = re.sub(r"\b(cos|sin|cosh|sinh|log|sign|softmax) (\w+)", r"\1(\2)", words)
    signs = {"²": "**2", "·": "*", "−": "-", "^": "**", "σ": "sigmoid", "½": "0.5", " = ": " == "}
    for a, b in signs.items():
        words = words.replace(a, b)
    return words


@pytest.mark.parametrize(
    "name", [n for n, op in _ALL.items() if not op.derivatives[0].startswith("→")]
)
@pytest.mark.parametrize("b", [1.6, 0.7])  # equal, where a maximum has a kink
def test_the_words_are_the_derivative(name, b):
    operation = _ALL[name]
    a, b = np.asarray(0.7), np.asarray(b)
    operands = [a, b][: operation.arity]
    if name == "logsumexp":
        operands = [np.asarray([0.7, -0.2])]
    out, pull = pb.vjp(operation.run, *operands)
    scope = {**NUMPY, "sign": np.sign, "a": operands[0], "b": b, "out": pb.to_numpy(out)}
    for words, gradient in zip(operation.derivatives, pull(pb.xp.ones_like(out)), strict=True):
        code = _python(words.format("a", "b", out="out"))
        wanted = eval(code, {"__builtins__": {}}, scope)
        np.testing.assert_allclose(pb.to_numpy(gradient), wanted, rtol=1e-12)


def test_the_others_say_what_is_done_instead():
    for operation in _ALL.values():
        for words in operation.derivatives:
            words.format("a", "b", out="v")
        assert operation.text.format("a", "b")
    x, e = np.asarray([0.3, 1.2, -0.5]), np.asarray([1.0, -2.0, 0.5])
    out, pull = pb.vjp(FUNCTIONS["softmax"].run, x)
    out = pb.to_numpy(out)
    np.testing.assert_allclose(pb.to_numpy(pull(e)[0]), out * (e - e @ out), rtol=1e-12)
    assert "out" not in FUNCTIONS["softmax"].derivatives[0].format("a", out="v1")
