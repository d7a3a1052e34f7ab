"""Sums, means, maxima and softmax over segments: values, gradients of both orders, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

M = pb.models
FUNCTIONS = {
    "sum": M.segment_sum,
    "mean": M.segment_mean,
    "max": lambda x, s, **n: M.segment_max(x, s, empty=0, **n),
    "softmax": M.segment_softmax,
}
NUMBERS = np.asarray([2, 0, 3, 0, 2, 2])  # of 5: segments 1 and 4 are empty
X = np.random.default_rng(1).standard_normal((6, 2))


def by_loop(name, x):
    out = np.zeros((6 if name == "softmax" else 5, *x.shape[1:]))
    for s in {0, 2, 3}:
        mine = x[s == NUMBERS]
        if name == "softmax":
            out[s == NUMBERS] = np.exp(mine) / np.exp(mine).sum(axis=0)
        else:
            out[s] = getattr(mine, name)(axis=0)
    return out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_they_are_loops(lib, name):
    for dtype, rtol in (("float64", 1e-14), ("float32", 1e-6)):
        x, numbers = lib.asarray(X.astype(dtype)), lib.asarray(NUMBERS)
        out = FUNCTIONS[name](x, numbers, num_segments=5)
        assert out.dtype == np.dtype(dtype)
        np.testing.assert_allclose(pb.to_numpy(out), by_loop(name, X), rtol=rtol, atol=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_both_orders(name):
    f = lambda x: pb.xp.sum(FUNCTIONS[name](x, NUMBERS, num_segments=5) ** 2)
    pb.check_grads(f, (X,))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_they_are_what_they_are(name):
    f = lambda x, s: pb.xp.sum(FUNCTIONS[name](x, s, num_segments=5) ** 3)
    step = pb.compile(pb.value_and_grad(f), fast=False)
    for numbers in (NUMBERS, NUMBERS[::-1].copy(), NUMBERS):
        value, slope = step(X, numbers)
        wanted, other = pb.value_and_grad(f)(X, numbers)
        np.testing.assert_allclose([value], [wanted], rtol=1e-13)
        np.testing.assert_allclose(slope, other, rtol=1e-12)


def test_a_compiled_program_looks_at_the_numbers_too():
    step = pb.compile(lambda x, s: M.segment_sum(x, s, num_segments=5), fast=False)
    step(X, NUMBERS), step(X, NUMBERS)
    with pytest.raises(IndexError, match="index -1 is not one of the segments 0 … 4"):
        step(X, NUMBERS - 1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vmap_over_rows_and_numbers(name):
    f = lambda x, s: FUNCTIONS[name](x, s, num_segments=5)
    xs, numbers = np.stack([X, 2 * X, -X]), np.stack([NUMBERS, NUMBERS[::-1], NUMBERS])
    rows = np.stack([pb.to_numpy(f(x, s)) for x, s in zip(xs, numbers, strict=True)])
    np.testing.assert_allclose(pb.to_numpy(pb.vmap(f)(xs, numbers)), rows, rtol=1e-13)
    one = pb.vmap(lambda s: f(X, s))(numbers)
    np.testing.assert_allclose(
        pb.to_numpy(one), np.stack([pb.to_numpy(f(X, s)) for s in numbers]), rtol=1e-13
    )


def test_numbers_that_differ_from_row_to_row_do_not_run_into_the_next_row():
    with pytest.raises(IndexError, match="is not one of the segments"):
        pb.vmap(lambda x, s: M.segment_sum(x, s, num_segments=3))(
            np.ones((2, 6)), np.stack([NUMBERS, NUMBERS * 0])
        )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vmap_over_no_rows(name):
    f = lambda x, s: FUNCTIONS[name](x, s, num_segments=5)
    none = pb.vmap(f)(np.zeros((0, *X.shape)), np.zeros((0, *NUMBERS.shape), int))
    assert none.shape == (0, *f(X, NUMBERS).shape)


def test_forward_and_reverse_agree():
    for f in FUNCTIONS.values():
        g = lambda x, f=f: f(x, NUMBERS, num_segments=5)
        v, ct = (
            np.cos(X),
            np.sin(np.arange(10 if f is not M.segment_softmax else 12)).reshape(-1, 2),
        )
        _, forward = pb.jvp(g, (X,), (v,))
        _, pull = pb.vjp(g, X)
        np.testing.assert_allclose(np.sum(pb.to_numpy(forward) * ct), np.sum(pull(ct)[0] * v))


def test_an_empty_segment_has_what_was_said():
    x = np.asarray([[1.0, -2.0]])
    assert M.segment_max(x, [1], num_segments=2).tolist() == [[-np.inf, -np.inf], [1.0, -2.0]]
    assert M.segment_max(x, [1], num_segments=2, empty=-9).tolist()[0] == [-9.0, -9.0]
    assert M.segment_mean(x, [1], num_segments=2).tolist()[0] == [0.0, 0.0]
    assert M.segment_max(np.asarray([3]), [1], num_segments=2, empty=0).tolist() == [0, 3]
    for f in FUNCTIONS.values():
        assert f(np.ones((0, 2)), np.zeros(0, int), num_segments=0).shape == (0, 2)


def test_pb_xp_s_leaves_out_what_this_one_refuses():
    out = pb.xp.segment_sum(np.ones(3), np.asarray([0, -1, 7]), 2)
    assert out.tolist() == [1.0, 0.0]
    with pytest.raises(IndexError, match=r"segment_sum: index -1 is not one of the segments 0 … 1"):
        M.segment_sum(np.ones(3), np.asarray([0, -1, 7]), num_segments=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: M.segment_sum(X, NUMBERS * 1.0, num_segments=5), TypeError, "integers, not float64"),
        (lambda: M.segment_mean(X, NUMBERS[:3], num_segments=5), ValueError, r"shape \(3,\) for rows"),
        (lambda: M.segment_sum(1.0, [0], num_segments=5), ValueError, "one for each row"),
        (lambda: M.segment_sum(X, NUMBERS, num_segments=-1), ValueError, "num_segments=-1"),
        (lambda: M.segment_sum(X, NUMBERS, num_segments=2.0), ValueError, r"num_segments=2\.0"),
        (lambda: M.segment_max(X + 1j, NUMBERS, num_segments=5), TypeError, "no order"),
        (lambda: M.segment_max(NUMBERS, NUMBERS, num_segments=5), TypeError, "give an integer"),
        (lambda: M.segment_softmax(NUMBERS, NUMBERS, num_segments=5), TypeError, "floating-point"),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_maxima_of_integers_are_integers():
    got = M.segment_max(np.asarray([1, 2], "int32"), [0, 0], num_segments=2, empty=0.0)
    assert got.dtype == np.int32
    assert got.tolist() == [2, 0]
