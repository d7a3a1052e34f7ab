"""Tests of `autograd/core/signatures.py`."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.registry import find, names

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._codegen_forward import _listed

xp = pb.xp


def test_fronts_have_the_standard_s_names_and_signatures():
    for name in names():
        if name in ("getitem", "setitem") or name not in _listed():
            continue
        front = pb.autograd.namespace.function(name)
        assert front.__name__ == name.rpartition(".")[2]
        assert front.__qualname__ == name
        assert inspect.signature(front) == find(name).signature
        assert name in front.__doc__


def test_fronts_of_constants_have_signatures_too():
    assert str(inspect.signature(xp.argmax)) == "(x, /, *, axis=None, keepdims=False)"
    assert xp.argmax.__name__ == "argmax"
    assert "no derivative" in xp.argmax.__doc__


def test_positional_only_parameters_are_positional_only():
    for call in (
        lambda: xp.exp(x=1.0),
        lambda: xp.add(x1=1.0, x2=2.0),
        lambda: xp.sum(np.ones(2), 0),
    ):
        with pytest.raises(TypeError, match="positional"):
            call()
