"""grad, value_and_grad, vjp, stop_gradient, check_grads: what goes in, what comes out, what is refused."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, namedtuple
from functools import partial

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Box:
    w: object
    name: str = pb.tree.static(default="box")


def total(tree):
    """Σ k · sum(leaf²) over the leaves k = 1, 2, …"""
    return sum(k * xp.sum(leaf * leaf) for k, leaf in enumerate(pb.tree.leaves(tree), 1))


# ── structure ─────────────────────────────────────────────────────────────────────────────────

A, B = np.array([1.0, -2.0]), np.array([[3.0]])
TREES = {
    "array": A,
    "dict": {"b": A, "a": B},
    "ordered dict": OrderedDict(b=A, a=B),
    "list": [A, B],
    "tuple": (A, B),
    "namedtuple": Pair(A, B),
    "dataclass": Box(A),
    "None inside": {"a": A, "b": None},
    "nested": {"x": [A, (B, {"y": 2.0})], "z": Pair(Box(B), None)},
    "empty": {},
    "float": 1.5,
    "NumPy scalar": np.float64(1.5),
    "complex": 1 - 2j,
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_gradients_have_the_argument_s_structure(tree):
    is_complex = isinstance(tree, complex)
    g = pb.grad(lambda t: xp.sum(xp.abs(t) ** 2) if is_complex else total(t))(tree)
    assert pb.tree.flatten(g)[1] == pb.tree.flatten(tree)[1]
    for k, (leaf, slope) in enumerate(zip(pb.tree.leaves(tree), pb.tree.leaves(g), strict=True), 1):
        np.testing.assert_allclose(slope, 2 * k * np.asarray(leaf), rtol=1e-14)
        assert type(slope) is type(leaf)


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


def test_has_aux():
    def f(x):
        y = x * x
        return xp.sum(y), {"y": y, "n": 3, "name": "aux", "none": None}

    g, aux = pb.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    (value, same), h = pb.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(g, h)
    assert float(value) == 5.0
    for a in (aux, same):
        assert (a["n"], a["name"], a["none"]) == (3, "aux", None)
        assert not a["y"].traced
        np.testing.assert_array_equal(pb.to_numpy(a["y"]), [1.0, 4.0])
    out, pull, aux = pb.vjp(f, np.array([1.0, 2.0]), has_aux=True)
    assert float(out) == 5.0
    assert aux["n"] == 3
    np.testing.assert_array_equal(pull(1.0)[0], [2.0, 4.0])


def test_wrappers_keep_the_function_s_name_and_docstring():
    def energy(x):
        """Of a spring."""
        return 0.5 * x * x

    for g in (pb.grad(energy), pb.value_and_grad(energy)):
        assert g.__name__ == "energy"
        assert "spring" in g.__doc__
    assert pb.grad(partial(lambda x, y: x * y, y=3.0))(2.0) == 3.0  # has no name to keep


def test_a_wrapper_takes_arguments_of_other_structure_each_time():
    """It remembers the last structure, and must not insist on it."""
    g = pb.grad(total)
    for tree in (
        A,
        {"a": A},
        [A, B],
        {"a": A, "b": None},
        A,
        {"a": {"c": A}},
        {"a": A},
        Box(A),
        2.0,
    ):
        assert pb.tree.flatten(g(tree))[1] == pb.tree.flatten(tree)[1]


def test_a_wrapper_called_recursively():
    """One wrapper, two structures, one inside the other."""
    g = pb.grad(
        lambda t: total(t) if not isinstance(t, list) else xp.sum(g({"a": t[0]})["a"] * t[0])
    )
    assert g([2.0]) == [8.0]  # d/dx 2x·x


# ── what is refused ───────────────────────────────────────────────────────────────────────────

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


# ── on every library ──────────────────────────────────────────────────────────────────────────


def test_every_library_gets_back_its_own_arrays(lib):
    x = {"w": lib.asarray([1.0, 2.0]), "b": lib.asarray(3.0, np.float32)}
    value, g = pb.value_and_grad(lambda p: xp.sum(p["w"] * p["w"]) * xp.astype(p["b"], xp.float64))(
        x
    )
    assert lib.is_raw(value)
    for leaf in g.values():
        assert lib.is_raw(leaf)
    assert lib.to_numpy(g["b"]).dtype == np.float32
    np.testing.assert_allclose(lib.to_numpy(g["w"]), [6.0, 12.0])
    out, pull = pb.vjp(lambda w: w * w, x["w"])
    assert lib.is_raw(out)
    (h,) = pull(lib.asarray([1.0, 1.0]))
    assert lib.is_raw(h)
    second = pb.grad(lambda w: xp.sum(pb.grad(lambda w: xp.sum(w**3))(w)))(x["w"])
    assert lib.is_raw(second)
    np.testing.assert_allclose(lib.to_numpy(second), [6.0, 12.0])


def test_every_library_in_check_grads(lib):
    pb.check_grads(
        lambda x, y: xp.sin(x) * y, (lib.asarray([0.3, 0.4]), lib.asarray([1.0, 2.0])), order=3
    )


def test_floats_follow_the_active_backend(backend):
    """A Python number is put on it, and comes back as a Python number."""
    seen = []

    def f(x):
        seen.append(x.device)
        return x * xp.sum(xp.ones(3))

    assert pb.grad(f)(2.0) == 3.0
    assert seen == [backend.xp.asarray(0.0, device=backend.device).device]
