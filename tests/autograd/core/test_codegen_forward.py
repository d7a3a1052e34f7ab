"""What is generated from the registry: names, signatures, source that can be read."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core import codegen_forward as codegen
from pullback.autograd.core import signatures
from pullback.autograd.core import views as links
from pullback.autograd.core.codegen_backward import make_entry_builder, make_pull
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import REGISTRY, Primitive, find, names

from ..._host import numpy_is_active  # noqa: F401 - a fixture

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


def _listed() -> set[str]:
    return set(signatures.DIFFERENTIABLE)


def test_fronts_of_constants_have_signatures_too():
    assert str(inspect.signature(xp.argmax)) == "(x, /, *, axis=None, keepdims=False)"
    assert xp.argmax.__name__ == "argmax"
    assert "no derivative" in xp.argmax.__doc__


def test_generated_source_can_be_read():
    source = inspect.getsource(xp.multiply)
    assert source.startswith("def multiply(x1, x2, /):")
    assert len(source.splitlines()) < 100
    pull = make_pull(find("multiply"), ("x1", "x2"), checked=True)
    text = inspect.getsource(pull)
    assert "def multiply_pull_x1_x2(slot, cts, entry):" in text
    assert "x1_rule(ct, x2)" in text
    recorder = make_entry_builder(find("multiply"), ("x1",))
    assert "return (pull, slots[0], x1.shape, x1.dtype, x2)" in inspect.getsource(recorder)


def test_every_signature_of_the_table_makes_a_primitive():
    for name in _listed():
        p = find(name)
        assert p.arrays or p.variadic
        assert repr(p) == f"<Primitive {name}{p.text}>"
        assert set(p.rules) <= {*p.arrays, p.variadic}


def test_every_rule_s_pull_can_be_generated():
    """One by one and all together, with what they name found."""
    for p in REGISTRY.values():
        if p.variadic or not p.rules:
            continue
        for traced in [(a,) for a in p.rules] + [tuple(p.rules)]:
            for checked in (True, False):
                assert callable(make_pull(p, traced, checked=checked))
            assert callable(make_entry_builder(p, traced))


def test_unknown_names_of_the_namespace():
    for name in ("no_such_function", "getitem", "setitem"):
        with pytest.raises(AttributeError, match=name):
            getattr(xp, name)
    with pytest.raises(AttributeError):
        _ = xp.linalg.no_such_function
    assert "exp" in dir(xp)
    assert "solve" in dir(xp.linalg)
    assert "linalg.solve" not in dir(xp)


def test_positional_only_parameters_are_positional_only():
    for call in (
        lambda: xp.exp(x=1.0),
        lambda: xp.add(x1=1.0, x2=2.0),
        lambda: xp.sum(np.ones(2), 0),
    ):
        with pytest.raises(TypeError, match="positional"):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: xp.exp(1.0),
        lambda: xp.add(1.0, 2.0),
        lambda: xp.exp("a"),
        lambda: xp.sum([1.0, 2.0]),
    ],
)
def test_functions_of_no_array_say_what_to_do(call):
    with pytest.raises(TypeError, match=r"pb\.xp\.asarray"):
        call()


def test_a_function_made_before_its_rule_is_told_of_the_first_write():
    """Whether its module or its rule was imported first decides nothing."""
    primitive = Primitive("getitem(x, key)")
    before = function_of(primitive)
    rule = find("getitem").rules["x"]
    primitive.rules, primitive.trusted = {"x": rule}, True
    codegen.refresh_function(primitive)
    assert "enlist" in before.__globals__
    assert any(scope is before.__globals__ for scope in links._scopes)
