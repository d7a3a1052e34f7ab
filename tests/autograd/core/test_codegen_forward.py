"""What is generated from the registry: names, signatures, source that can be read."""

from __future__ import annotations

import inspect

import pytest

import pullback as pb
from pullback.autograd.core import codegen_forward as codegen
from pullback.autograd.core import views as links
from pullback.autograd.core.codegen_backward import make_entry_builder, make_pull
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import Primitive, find

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


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
