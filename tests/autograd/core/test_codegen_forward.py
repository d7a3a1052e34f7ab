"""What is generated from the registry: names, signatures, source that can be read."""

from __future__ import annotations

import inspect

import numpy as np
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


@pytest.mark.parametrize(
    ("left", "right"),
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((1,), (1,)), ((2, 3), (3, 2))],
)
def test_products_of_vectors_need_no_dispatcher(left, right, monkeypatch):
    """A loss such as c @ v is one, and the dispatcher takes as long as a small solve."""
    a, b = np.arange(1.0, 1 + np.prod(left)).reshape(left), np.ones(right)
    weights = np.arange(1.0, 1 + np.prod((a @ b).shape)).reshape((a @ b).shape)
    f = lambda a, b: xp.sum(weights * (a @ b))
    expected = [
        np.tensordot(weights, b, (list(range(a.ndim - 1, weights.ndim)), list(range(1, b.ndim)))),
        np.tensordot(a, weights, (list(range(a.ndim - 1)), list(range(a.ndim - 1)))),
    ]
    monkeypatch.setitem(xp.matmul.__globals__, "apply", None)
    for argnums, wanted in ((0, expected[:1]), (1, expected[1:]), ((0, 1), expected)):
        found = pb.grad(f, argnums=argnums)(a, b)
        for g, w, x in zip(
            found if isinstance(found, tuple) else (found,),
            wanted,
            [(a, b)[i] for i in (argnums if isinstance(argnums, tuple) else (argnums,))],
            strict=True,
        ):
            assert (g.shape, g.dtype) == (x.shape, x.dtype)
            np.testing.assert_allclose(g, w)
