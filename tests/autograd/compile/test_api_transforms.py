"""Compiled Jacobians, Hessians, and products with them, of every row of the table of functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError

from ..._each import each
from ...cases._table import Case, collect, inexact_leaves, loss, weights_for
from ._compiled import arrays

xp = pb.xp
CASES = collect()


def _given(case: Case) -> list[list[Any]]:
    """The row's differentiated arrays, and those a little further on."""
    arrays = case.arrays()
    chosen = [arrays[i] for i in case.places()]
    return [[np.asarray(x * (1 + far)) for x in chosen] for far in (0.0, 1e-3, -1e-3)]


def _compare(f: Any, inputs: list[list[Any]], fast: bool) -> None:
    compiled = pb.compile(f, fast=fast)
    for given in inputs:
        wanted = f(*given)
        try:
            found = compiled(*given)
        except TraceError as error:
            pytest.skip(f"refused: {error}")
        mine, spec = pb.tree.flatten(found)
        theirs, other = pb.tree.flatten(wanted)
        assert spec == other
        for a, b in zip(mine, theirs, strict=True):
            a, b = pb.to_numpy(a), pb.to_numpy(b)
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-11)
    assert len(compiled._executables) == 1


def _places(case: Case) -> tuple[int, ...]:
    return tuple(range(len(case.places())))


def _function(case: Case) -> Any:
    f = case.of_inputs(case.arrays())
    return lambda *x: inexact_leaves(f(*x))


def _scalar(case: Case) -> Any:
    f = case.of_inputs(case.arrays())
    weights = weights_for(inexact_leaves(case.pullback([xp.asarray(x) for x in case.arrays()])))
    return lambda *x: loss(f(*x), weights)


def _jacobian(case: Case) -> Any:
    return pb.jacobian(_function(case), argnums=_places(case))


def _hessian(case: Case) -> Any:
    return pb.hessian(_scalar(case), argnums=_places(case))


def _jvp(case: Case) -> Any:
    f = _function(case)
    return lambda *x: pb.jvp(f, x, tuple(0.5 * v for v in x))


def _vjp(case: Case) -> Any:
    f = _function(case)

    def pulled(*x: Any) -> Any:
        outs, pull = pb.vjp(f, *x)
        return pull([0.5 * y for y in outs])

    return pulled


def _hvp(case: Case) -> Any:
    f = _scalar(case)
    return lambda *x: pb.hvp(lambda y: f(*y), x, tuple(0.5 * v for v in x))


HOW = {"jacobian": _jacobian, "hessian": _hessian, "jvp": _jvp, "vjp": _vjp, "hvp": _hvp}


# The first row of each function, and a third of the others for whole Jacobians, where rules meet many cotangents.
FIRST = list({case.name: case for case in reversed(CASES)}.values())
MORE = [case for case in CASES[::3] if case not in FIRST]
ROWS = [(case, how) for how in HOW for case in FIRST]
ROWS += [(case, how) for how in ("jacobian", "hessian") for case in MORE]


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@each(ROWS)
def test_compiled_equals_eager(case, how):
    _compare(HOW[how](case), _given(case), fast=False)


FUNCTIONS = {
    "logsumexp": lambda x: xp.logsumexp(x, axis=1),
    "softmax": lambda x: xp.softmax(x, axis=0),
    "prod": lambda x: xp.prod(x, axis=0),
    "outer": lambda x: xp.linalg.outer(x[0], x[1]),
    "fft": lambda x: xp.real(xp.fft.fft(x)),
    "solve": lambda x: xp.linalg.solve(x, x[0]),
    "inv": lambda x: xp.linalg.inv(x),
    "det": lambda x: xp.linalg.det(x) * x[0],
    "cholesky": lambda x: xp.linalg.cholesky(x @ x.T if not isinstance(x, pb.Array) else x @ x.mT),
    "diagonal": lambda x: xp.linalg.diagonal(x @ x),
    "einsum": lambda x: xp.einsum("ii->i", x @ x),
    "norm": lambda x: x / xp.linalg.vector_norm(x),
}


# A Hessian of each kind: a reduction, a product along an axis, a factorisation.
HESSIANS = ("softmax", "prod", "solve", "norm")


@pytest.mark.parametrize(
    ("name", "how"),
    [*((name, "jacobian") for name in FUNCTIONS), *((name, "hessian") for name in HESSIANS)],
)
def test_with_kernels(name, how, fast):
    f = FUNCTIONS[name]
    chosen = pb.jacobian(f) if how == "jacobian" else pb.hessian(lambda x: xp.sum(f(x) ** 2))
    inputs = [
        [scale * arrays((3, 3), seed=seed)[0] + 3 * np.eye(3)]
        for seed, scale in ((0, 1.0), (1, 0.5), (2, 2.0))
    ]
    _compare(chosen, inputs, fast)


def test_under_vmap_there_is_one_program_of_all_rows():
    calls = []

    def f(x, w, *, flip):
        calls.append(1)
        return {"y": pb.xp.sin(x * w) if flip else x, "w": w * 2, "n": 3}

    compiled = pb.compile(f, fast=False)
    flipped = lambda x, w: compiled(x, w, flip=True)
    mapped = pb.vmap(flipped, in_axes=(0, None), out_axes={"y": 0, "w": None, "n": None})
    w = np.asarray([2.0, 3.0])
    for scale in (1.0, 2.0, 3.0):
        x = scale * np.arange(6.0).reshape(3, 2)
        got = mapped(x, w)
        np.testing.assert_allclose(got["y"], np.sin(x * w))
        np.testing.assert_allclose(got["w"], w * 2)
        assert got["n"] == 3
    assert len(calls) == 1
    mapped(np.ones((4, 2)), w)  # another number of rows is another program
    assert len(calls) == 2
    both = pb.vmap(lambda x, w: compiled(x, w, flip=True)["y"])(np.ones((3, 2)), np.ones((3, 2)))
    np.testing.assert_allclose(both, np.sin(np.ones((3, 2))))
    assert len(calls) == 3
    unflipped = lambda x, w: compiled(x, w, flip=False)["y"]
    nested = pb.vmap(pb.vmap(unflipped))(np.ones((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(nested, np.ones((2, 3)))
