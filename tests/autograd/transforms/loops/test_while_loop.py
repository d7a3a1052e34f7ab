"""Tests of `autograd/transforms/loops/while_loop.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._loops import X

xp = pb.xp


def newton(a):
    return pb.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), 1.0)


def test_square_root_by_newtons_method():
    np.testing.assert_allclose(pb.to_numpy(newton(xp.asarray(2.0))), np.sqrt(2.0))
    np.testing.assert_allclose(pb.grad(newton)(2.0), 0.5 / np.sqrt(2.0), rtol=1e-6)
    _, slope = pb.jvp(newton, (2.0,), (1.0,))
    np.testing.assert_allclose(slope, 0.5 / np.sqrt(2.0), rtol=1e-6)
    np.testing.assert_allclose(pb.grad(pb.grad(newton))(2.0), -0.25 * 2.0**-1.5, rtol=1e-4)


def test_derivatives_are_those_of_the_steps_that_were_taken():
    def f(x):
        last = pb.while_loop(
            lambda s: (s["i"] < 3) & (xp.sum(s["x"]) < 100),
            lambda s: {"i": s["i"] + 1, "x": xp.sin(s["x"]) * x},
            {"i": 0, "x": x},
        )
        return xp.sum(last["x"])

    def three(x):
        y = x
        for _ in range(3):
            y = xp.sin(y) * x
        return xp.sum(y)

    np.testing.assert_allclose(pb.grad(f)(X), pb.grad(three)(X))
    pb.check_grads(f, (X,))


def test_kinds_of_results_and_libraries(lib):
    x = lib.asarray(X, "float32")
    out = pb.while_loop(lambda c: xp.all(c < 10), lambda c: c * 2, x)
    assert lib.is_raw(out)
    np.testing.assert_allclose(lib.to_numpy(out), X.astype("float32") * 16)
    counted = pb.while_loop(lambda c: c[1] < 3, lambda c: (c[0] + 1.5, c[1] + 1), (x, 0))
    assert all(lib.is_raw(c) for c in counted)
    np.testing.assert_allclose(lib.to_numpy(counted[0]), X.astype("float32") + 4.5)
    assert type(pb.while_loop(lambda c: c < 3, lambda c: c + 1, 0)) is pb.Array


def test_max_steps_and_no_step():
    count = lambda most: int(pb.while_loop(lambda c: c < 5, lambda c: c + 1, 0, max_steps=most))
    assert [count(0), count(3), count(9), count(None)] == [0, 3, 5, 5]
    assert float(pb.grad(lambda x: pb.while_loop(lambda c: c < 0, lambda c: c * c, x))(2.0)) == 1.0


def test_fori_loop():
    f = lambda x: pb.fori_loop(1, 4, lambda i, c: c * x + i, 0.0)
    assert float(pb.grad(f)(2.0)) == 6.0
    np.testing.assert_allclose(pb.fori_loop(0, 3, lambda i, c: c + i, X), X + 3)
    np.testing.assert_allclose(pb.fori_loop(3, 1, lambda i, c: c + i, X), X)


def test_fori_loop_counts_where_the_arrays_are(lib):
    x = lib.asarray(X, "float32")
    out = pb.fori_loop(2, 4, lambda i, c: c + xp.astype(i, xp.float32), x)
    assert lib.is_raw(out)
    np.testing.assert_allclose(lib.to_numpy(out), X.astype("float32") + 5)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: pb.while_loop(lambda c: c < 1, lambda c: (c,), 0.0), TypeError, "structure"),
        (
            lambda: pb.while_loop(lambda c: xp.sum(c) < 1, lambda c: c[:2], X * 0),
            TypeError,
            r"float64\[4\], and a step returns float64\[2\]",
        ),
        (lambda: pb.while_loop(lambda c: c < 1, lambda c: c, X), TypeError, r"not bool\[4\]"),
        (lambda: pb.while_loop(lambda c: c, lambda c: c, 0.0), TypeError, r"not float64\[\]"),
        (lambda: pb.while_loop(lambda c: "", lambda c: c, 0.0), TypeError, "not str"),
        (
            lambda: pb.while_loop(lambda c: c < 1, lambda c: c, 0.0, max_steps=-1),
            ValueError,
            "at least 0",
        ),
    ],
)
def test_refusals(call, error, said):
    with pytest.raises(error, match=said):
        call()
