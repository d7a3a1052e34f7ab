"""Tests of `optim/proximal/penalties.py`: values, operators on pytrees, what users may write for them."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.optim import proximal as P
from pullback.optim.proximal.penalties import l1_of, penalty_of

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
V = np.asarray([1.3, -0.2, 0.6, -2.1, 0.05])

PENALTIES = [
    P.L1(0.4), P.L1(np.asarray([0.1, 0.2, 0.3, 0.4, 0.5])), P.SquaredL2(0.7), P.ElasticNet(0.5, 0.3), P.L2Norm(0.6),
    P.GroupLasso(0.5, groups=[0, 1, 0, 1, 2]), P.Box(-0.5, 0.5), P.NonNegative(), P.Simplex(2.0), P.L2Ball(0.8),
]  # fmt: skip


@pytest.mark.parametrize("g", PENALTIES, ids=repr)
@pytest.mark.parametrize("step", [0.3, 2.0])
def test_an_operator_belongs_to_its_value(g, step):
    """½ ‖x − v‖² + step · g(x) is smallest there."""
    rng = np.random.default_rng(0)
    cost = lambda x: 0.5 * np.sum((x - V) ** 2) + step * float(g(x))
    x = pb.to_numpy(g.prox(V, step))
    best = cost(x)
    assert np.isfinite(best)
    for size in (1e-5, 1e-2, 1.0):
        for _ in range(60):
            assert cost(x + size * rng.normal(size=5)) >= best - 1e-12
            assert cost(pb.to_numpy(g.prox(x + size * rng.normal(size=5), 1e-9))) >= best - 1e-7


@pytest.mark.parametrize("g", PENALTIES, ids=repr)
def test_penalties_are_pytrees_with_derivatives_in_their_parameters(g):
    pb.check_grads(lambda g, v, s: g.prox(v, s), (g, V, np.asarray(0.8)), order=2)
    if np.isfinite(float(g(V))):
        pb.check_grads(lambda g, v: g(v), (g, V), order=2)


def test_matrices():
    A = np.outer([1.0, 2.0], [1.0, -1.0, 2.0]) + 0.1 * np.arange(6.0).reshape(2, 3)
    nuclear = P.NuclearNorm(0.5)
    np.testing.assert_allclose(float(nuclear(A)), 0.5 * np.linalg.svd(A)[1].sum())
    assert np.linalg.matrix_rank(pb.to_numpy(nuclear.prox(A, 2.0)), tol=1e-9) == 1
    rows = P.GroupLasso(1.0)
    np.testing.assert_allclose(float(rows(A)), np.linalg.norm(A, axis=1).sum())
    columns = P.GroupLasso(1.0, axis=0)
    np.testing.assert_allclose(float(columns(A)), np.linalg.norm(A, axis=0).sum())
    pb.check_grads(lambda A: rows.prox(A, 0.7), (A,), order=2)
    np.testing.assert_array_equal(pb.to_numpy(rows.prox(np.zeros((2, 3)))), np.zeros((2, 3)))
    assert np.all(np.isfinite(pb.grad(rows)(np.zeros((2, 3)))))


def test_groups_weigh_as_their_size():
    g = P.GroupLasso(1.0, groups=[0, 0, 0, 0, 1])
    np.testing.assert_allclose(float(g(V)), 2 * np.linalg.norm(V[:4]) + abs(V[4]))
    with pytest.raises(ValueError, match="an array of shape"):
        g(np.ones(3))


def test_pytrees_leaf_by_leaf_and_in_parts():
    x = {"w": V, "b": np.asarray(3.0)}
    out = P.L1(1.0).prox(x)
    np.testing.assert_allclose(pb.to_numpy(out["b"]), 2.0)
    np.testing.assert_allclose(float(P.L1(1.0)(x)), np.abs(V).sum() + 3)
    parts = P.Separable({"w": P.L1(1.0)})
    np.testing.assert_allclose(float(parts(x)), np.abs(V).sum())
    out = parts.prox(x, 0.5)
    np.testing.assert_allclose(pb.to_numpy(out["b"]), 3.0)
    np.testing.assert_allclose(pb.to_numpy(out["w"]), pb.to_numpy(P.soft_threshold(V, 0.5)))
    for given in ((V, V), [V, V]):
        out = P.Separable((None, P.NonNegative())).prox(given)
        assert type(out) is type(given)
        np.testing.assert_array_equal(pb.to_numpy(out[1]), np.maximum(V, 0))
    for wrong in (x["w"], {"v": V}, (V,)):
        with pytest.raises(ValueError, match="of another structure"):
            P.Separable({"w": P.L1(1.0)}).prox(wrong)


def test_what_may_stand_for_a_penalty():
    assert penalty_of(None) is None
    assert isinstance(penalty_of({"w": P.L1()}), P.Separable)
    f = penalty_of(lambda v, step: 0.5 * v)
    np.testing.assert_array_equal(f.prox(V, 1.0), 0.5 * V)
    assert f(V) == 0.0
    with pytest.raises(TypeError, match="give a penalty"):
        penalty_of(3.0)
    assert l1_of(None) is None
    assert l1_of(0.5) == P.L1(0.5)
    assert l1_of({"w": 0.5, "b": None}) == P.Separable({"w": P.L1(0.5), "b": None})


@pytest.mark.parametrize(
    "make",
    [
        lambda: P.L1(-1.0), lambda: P.L1(np.inf), lambda: P.SquaredL2(-1.0), lambda: P.ElasticNet(-1.0),
        lambda: P.ElasticNet(1.0, 1.5), lambda: P.L2Norm(-1.0), lambda: P.NuclearNorm(float("nan")),
        lambda: P.Simplex(0.0), lambda: P.L2Ball(-1.0), lambda: P.GroupLasso(1.0, groups=[0.5]),
        lambda: P.GroupLasso(1.0, groups=[-1]), lambda: P.GroupLasso(1.0, groups=[0, 1], weights=[1.0]),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(make):
    with pytest.raises(ValueError, match=r"(has|have) to be|is needed"):
        make()


def test_a_penalty_of_ones_own_says_what_is_missing():
    class Half(P.Penalty):
        def operator(self, v, step):
            return 0.5 * v

    np.testing.assert_array_equal(pb.to_numpy(Half().prox(V)), 0.5 * V)
    with pytest.raises(NotImplementedError, match="no value"):
        Half()(V)


def test_every_library(lib):
    v = lib.asarray(V, "float32")
    for g in PENALTIES:
        if isinstance(g, P.L1) and hasattr(g.alpha, "shape"):
            continue
        out, value = g.prox(v, 0.5), g(v)
        assert lib.is_raw(out.value)
        assert out.dtype == "float32"
        assert value.dtype == "float32"
