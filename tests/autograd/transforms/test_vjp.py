"""vjp and stop_gradient: trees, cotangents of another shape or dtype, complex adjoints, buffers."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


# ── vjp ───────────────────────────────────────────────────────────────────────────────────────


def test_vjp_of_trees_in_and_out():
    x = {"a": np.array([1.0, 2.0]), "b": 3.0}
    out, pull = pb.vjp(lambda x, y: {"p": x["a"] * y, "q": (x["b"] * x["b"], None)}, x, 10.0)
    assert pb.tree.flatten(out)[1] == pb.tree.flatten({"p": 0, "q": (0, None)})[1]
    by_x, by_y = pull({"p": np.array([1.0, -1.0]), "q": (2.0, None)})
    np.testing.assert_array_equal(by_x["a"], [10.0, -10.0])
    assert by_x["b"] == pytest.approx(12.0)
    assert by_y == pytest.approx(1 - 2.0)


def test_vjp_of_an_output_that_is_an_input_or_a_constant():
    x, y = np.ones(2), np.full(2, 2.0)
    out, pull = pb.vjp(lambda x, y: (x, x, y * 0 + 1, xp.ones(2), 5.0), x, y)
    by_x, by_y = pull((np.array([1.0, 0.0]), np.array([10.0, 1.0]), np.ones(2), np.ones(2), 1.0))
    np.testing.assert_array_equal(by_x, [11.0, 1.0])
    np.testing.assert_array_equal(by_y, [0.0, 0.0])
    assert out[4] == 5.0


def test_vjp_s_output_is_not_the_caller_s_buffer():
    x = np.ones(2)
    out, pull = pb.vjp(lambda x: x, x)
    pb.to_numpy(out)[:] = 7.0
    np.testing.assert_array_equal(x, [1.0, 1.0])
    x[:] = 9.0
    np.testing.assert_array_equal(pull(np.ones(2))[0], [1.0, 1.0])


def test_vjp_s_output_may_be_changed_without_changing_the_pull():
    """exp keeps its output for the pull, and the caller gets it too."""
    out, pull = pb.vjp(xp.exp, np.zeros(2))
    with contextlib.suppress(ValueError):  # read-only is as good
        pb.to_numpy(out)[:] = 50.0
    np.testing.assert_array_equal(pull(np.ones(2))[0], [1.0, 1.0])


@pytest.mark.parametrize(
    ("ct", "message"),
    [
        (np.ones(3), r"shape \(3,\), the output \(2,\)"),
        (np.ones(()), r"shape \(\), the output \(2,\)"),
        (1.0, r"the output \(2,\)"),
        ((np.ones(2),), "structure"),
        (None, "structure"),
    ],
)
def test_pull_refuses_cotangents_of_another_shape(ct, message):
    _, pull = pb.vjp(xp.sin, np.ones(2))
    with pytest.raises(ValueError, match=message):
        pull(ct)


@pytest.mark.parametrize(
    "ct", [np.ones(2, np.float32), np.ones(2, np.int64), np.ones(2), xp.asarray(np.ones(2))]
)
def test_pull_casts_cotangents_to_the_output_s_dtype(ct):
    _, pull = pb.vjp(xp.sin, np.zeros(2))
    (g,) = pull(ct)
    assert g.dtype == np.float64
    np.testing.assert_array_equal(g, [1.0, 1.0])


def test_vjp_in_complex_numbers_is_the_hermitian_adjoint():
    """⟨ct, J v⟩ = ⟨pull(ct), v⟩ in Re⟨a, b⟩ = Re Σ conj(a) b."""
    rng = np.random.default_rng(0)
    draw = lambda *s: rng.standard_normal(s) + 1j * rng.standard_normal(s)
    M, z, v, ct = draw(3, 2), draw(2), draw(2), draw(3)
    _, pull = pb.vjp(lambda z: M @ z, z)
    np.testing.assert_allclose(pull(ct)[0], M.conj().T @ ct, rtol=1e-13)
    f = lambda z: xp.abs(z) * z
    _, pull = pb.vjp(f, z)
    jv = (pb.to_numpy(f(z + 1e-6 * v)) - pb.to_numpy(f(z - 1e-6 * v))) / 2e-6
    ct = draw(2)
    assert np.vdot(ct, jv).real == pytest.approx(np.vdot(pull(ct)[0], v).real, rel=1e-8)


# ── stop_gradient ─────────────────────────────────────────────────────────────────────────────


def test_stop_gradient():
    assert pb.grad(lambda x: x * pb.stop_gradient(x))(3.0) == 3.0
    assert pb.grad(lambda x: x * float(pb.stop_gradient(x * 2)))(3.0) == 6.0
    assert pb.grad(pb.grad(lambda x: pb.stop_gradient(x) * x**2))(3.0) == 6.0
    stopped = []
    pb.grad(lambda x: stopped.append(pb.stop_gradient(x)) or x)(1.0)
    assert not stopped[0].traced
    np.testing.assert_array_equal(pb.to_numpy(pb.stop_gradient(np.ones(2))), [1.0, 1.0])


def test_stop_gradient_of_a_tree_is_a_tree():
    """As JAX's: the state (h, c) of an LSTM stays a pair."""

    def f(x):
        h, c = pb.stop_gradient((x * 2, x * 3))
        return x * h * pb.stop_gradient({"c": c})["c"]

    assert pb.grad(f)(2.0) == 24.0
    h, c = pb.stop_gradient((np.ones((1, 2)), np.zeros((1, 2))))
    assert h.shape == c.shape == (1, 2)
