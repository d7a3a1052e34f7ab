"""Tests of `autograd/transforms/arguments.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 6.0),
        (1, 4.0),
        (-1, 4.0),
        (-2, 6.0),
        ((0, 1), (6.0, 4.0)),
        ((1, 0), (4.0, 6.0)),
        ((1,), (4.0,)),
        ((), ()),
    ],
)
def test_argnums(argnums, expected):
    assert pb.grad(lambda x, y: x * x * y, argnums=argnums)(2.0, 1.5) == expected
    value, g = pb.value_and_grad(lambda x, y: x * x * y, argnums)(2.0, 1.5)
    assert (value, g) == (6.0, expected)


def test_other_arguments_may_be_anything():
    def f(name, x, k, *, power, flag=False):
        assert (name, k, flag) == ("abc", {"n": 3}, True)
        return xp.sum(x**power)

    assert pb.grad(f, argnums=1)("abc", 3.0, {"n": 3}, power=2, flag=True) == 6.0


def test_keyword_arguments_are_constants():
    assert pb.grad(lambda x, y: x * y)(2.0, y=5.0) == 5.0


def test_value_comes_in_the_kind_of_the_argument():
    f = lambda x: xp.sum(x * x)
    value, _ = pb.value_and_grad(f)(np.array([1.0, 2.0]))
    assert type(value) is np.ndarray
    assert value.shape == ()
    value, g = pb.value_and_grad(f)(3.0)
    assert type(value) is float
    assert type(g) is float
    value, g = pb.value_and_grad(f)(xp.asarray([1.0, 2.0]))
    assert type(value) is pb.Array
    assert type(g) is pb.Array
    assert not value.traced


REFUSED = {
    "integers": (lambda: pb.grad(xp.sum)(np.arange(3)), "int64.*astype"),
    "booleans": (lambda: pb.grad(xp.sum)(np.ones(3, bool)), "bool.*astype"),
    "a Python int": (lambda: pb.grad(lambda x: x * 1.0)(3), "3, of type int.*pass a float"),
    "objects": (lambda: pb.grad(xp.sum)(np.array([1.0, None])), "object"),
    "a string leaf": (lambda: pb.grad(lambda t: t["x"])({"x": 1.0, "kind": "a"}), "kind"),
    "named leaf": (lambda: pb.grad(lambda t: t["x"])({"x": 1.0, "n": {"m": 3}}), r"'n\.m'"),
    "several axes": (
        lambda: pb.grad(lambda x: x)(np.ones((2, 3))),
        r"\(2, 3\).*pb\.vjp.*pb\.jacobian",
    ),
    "one element": (lambda: pb.grad(lambda x: x)(np.ones(1)), r"\(1,\)"),
    "complex output": (lambda: pb.grad(xp.sum)(np.ones(2) * 1j), "complex128.*abs, real or imag"),
    "Python complex output": (lambda: pb.grad(lambda x: 1j)(1.0), "complex"),
    "None": (lambda: pb.grad(lambda x: None)(1.0), "NoneType"),
    "a tuple": (lambda: pb.grad(lambda x: (x, x))(1.0), "tuple.*has_aux"),
    "aux missing": (lambda: pb.grad(lambda x: x, has_aux=True)(1.0), r"\(value, aux\)"),
    "aux of three": (lambda: pb.grad(lambda x: (x, 1, 2), has_aux=True)(1.0), r"\(value, aux\)"),
    "argnums out of range": (lambda: pb.grad(lambda x: x, argnums=1)(1.0), "argnums=1"),
    "no arguments": (lambda: pb.grad(lambda: 1.0)(), "argnums=0"),
    "an argument twice": (lambda: pb.grad(lambda x, y: x * y, argnums=(0, 0))(1.0, 2.0), "argnums"),
    "an argument twice, from the end": (
        lambda: pb.grad(lambda x, y: x * y, argnums=(0, -2))(1.0, 2.0),
        "argnums",
    ),
    "argnums by name": (lambda: pb.grad(lambda x: x, argnums="x")(1.0), "argnums"),
    "argnums of float": (lambda: pb.grad(lambda x: x, argnums=0.0)(1.0), "argnums"),
    "check_grads of integers": (lambda: pb.check_grads(xp.sum, (np.arange(3),)), "int64"),
    "check_grads without a tuple": (lambda: pb.check_grads(xp.sum, np.ones(3)), "tuple"),
    "masked arrays": (lambda: pb.grad(xp.sum)(np.ma.ones(3)), "MaskedArray"),
    "vjp of integers": (lambda: pb.vjp(xp.sum, np.arange(3)), "int64"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_a_message(call, message):
    with pytest.raises(TypeError, match=message):
        call()
