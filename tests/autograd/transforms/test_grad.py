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


def test_floats_follow_the_active_backend(backend):
    """A Python number is put on it, and comes back as a Python number."""
    seen = []

    def f(x):
        seen.append(x.device)
        return x * xp.sum(xp.ones(3))

    assert pb.grad(f)(2.0) == 3.0
    assert seen == [backend.xp.asarray(0.0, device=backend.device).device]
