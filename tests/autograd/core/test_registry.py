"""Tests of `autograd/core/registry.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core import registry
from pullback.autograd.core.registry import WrappedNamespace, attach_check, find

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._codegen_forward import _listed
from .test_defvjp import rules  # noqa: F401 - a fixture

xp = pb.xp


def test_every_signature_of_the_table_makes_a_primitive():
    for name in _listed():
        p = find(name)
        assert p.arrays or p.variadic
        assert repr(p) == f"<Primitive {name}{p.text}>"
        assert set(p.rules) <= {*p.arrays, p.variadic}


def test_unknown_names_of_the_namespace():
    for name in ("no_such_function", "getitem", "setitem"):
        with pytest.raises(AttributeError, match=name):
            getattr(xp, name)
    with pytest.raises(AttributeError):
        _ = xp.linalg.no_such_function
    assert "exp" in dir(xp)
    assert "solve" in dir(xp.linalg)
    assert "linalg.solve" not in dir(xp)


def test_a_rule_given_later_is_used_at_once(rules):  # noqa: F811 - a fixture
    """Also by fronts and recorders that were generated before."""
    f = pb.grad(lambda x: xp.sum(xp.exp(x)))
    assert f(0.0) == 1.0
    pb.defvjp("exp", x=lambda ct, out: 2 * (ct * out))
    try:
        assert f(0.0) == 2.0
        assert pb.grad(lambda x: xp.sum(xp.exp(x) * x))(np.zeros(2)).tolist() == [1.0, 1.0]
    finally:
        pb.defvjp("exp", x=lambda ct, out: ct * out)
    assert f(0.0) == 1.0


def test_a_wrapped_namespace_replaces_functions_by_their_full_names():
    def wrap(name, function):
        return lambda *args: (name, function(*args))

    wrapped = WrappedNamespace(pb.backend.backend_of(np.ones(1)).xp, wrap)
    assert wrapped.sin(0.0) == ("sin", 0.0)
    name, determinant = wrapped.linalg.det(np.eye(2))
    assert name == "linalg.det"
    assert determinant == 1.0
    assert wrapped.float64 is np.dtype("float64") or wrapped.float64 is np.float64
    assert wrapped.sin is wrapped.sin  # made once
    with pytest.raises(AttributeError):
        wrapped.__wrapped__  # noqa: B018 - asking for it raises


def test_a_check_given_later_is_asked_at_once():
    """By functions that have computed before, of raw arrays and of traced ones, and once each."""
    asked = []
    assert float(xp.linalg.trace(np.eye(2))) == 2.0
    primitive = find("linalg.trace")

    @attach_check("linalg.trace")
    def check(x, /, *, offset=0, dtype=None):
        asked.append(x.shape)
        if offset:
            raise ValueError("no offset")

    try:
        assert float(xp.linalg.trace(np.eye(3))) == 3.0
        assert pb.grad(xp.linalg.trace)(np.eye(2)).tolist() == [[1.0, 0.0], [0.0, 1.0]]
        assert asked == [(3, 3), (2, 2)]
        with pytest.raises(ValueError, match="no offset"):
            xp.linalg.trace(np.eye(3), offset=1)
    finally:
        primitive.check = None
        primitive.kernels.refresh()
    assert float(xp.linalg.trace(np.eye(3), offset=1)) == 0.0


def test_a_kernel_that_another_thread_adds_meanwhile(monkeypatch):
    """The usual kernel is looked for among those that are there."""
    kernels = registry.Kernels(find("add"))
    for array_type in (float, int):
        dict.__setitem__(kernels, array_type, abs)

    class Meanwhile:
        def __contains__(self, array_type: object) -> bool:
            dict.__setitem__(kernels, complex, abs)
            return array_type is float

    monkeypatch.setattr(registry, "TRACERS", Meanwhile())
    scope: dict[str, object] = {}
    kernels.sync_fast_path(scope)
    assert scope == {"usual": int, "usual_kernel": abs}
