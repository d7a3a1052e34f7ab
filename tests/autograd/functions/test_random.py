"""Random arrays from keys: published test vectors, distributions, the same numbers wherever they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp, random = pb.xp, pb.random


def host(x):
    return pb.to_numpy(x)


@pytest.fixture
def key():
    return random.key(42)


@pytest.mark.parametrize("n", [1, 5, 32770])
def test_every_backend_draws_the_same(n, lib, key):
    array = lib.asarray
    there = random.bits(array(host(key)), n)
    np.testing.assert_array_equal(host(there), host(random.bits(key, n)))
    # the same bits; a GPU's logarithm and root may round another way
    np.testing.assert_allclose(
        host(random.normal(array(host(key)), (n,))),
        host(random.normal(key, (n,))),
        rtol=1e-14 if lib.name == "cupy" else 0,
    )
    np.testing.assert_array_equal(
        host(random.bernoulli(array(host(key)), 0.3, (n,))), host(random.bernoulli(key, 0.3, (n,)))
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions(dtype, key):
    n = 20000
    first, second = random.split(key)
    u = host(random.uniform(first, n, dtype=dtype))
    z = host(random.normal(second, n, dtype=dtype))
    assert u.dtype == z.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(z[: n // 2], z[n // 2 :])[0, 1]) < 0.03


def test_split_and_folded_keys_draw_apart(key):
    keys = [key, *random.split(key, 3), *(random.fold_in(key, i) for i in range(4))]
    draws = [host(random.uniform(k, 500)) for k in keys]
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert abs(np.corrcoef(a, b)[0, 1]) < 0.2
    np.testing.assert_array_equal(
        host(random.fold_in(key, 3)), host(random.fold_in(key, np.asarray(3)))
    )


def test_integers_orders_classes(key):
    drawn = host(random.randint(key, -2, 3, 10000))
    assert drawn.dtype == np.int64
    assert stats.chisquare(np.bincount(drawn + 2, minlength=5)).pvalue > 0.01
    order = host(random.permutation(key, 1000))
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1
    logits = np.log(np.asarray([0.1, 0.2, 0.7]))
    classes = host(random.categorical(key, np.broadcast_to(logits, (10000, 3))))
    assert stats.chisquare(np.bincount(classes), [1000, 2000, 7000]).pvalue > 0.01
    down = host(random.categorical(key, np.broadcast_to(logits[:, None], (3, 5)), axis=0))
    assert down.shape == (5,)


def test_a_class_of_no_probability_is_never_drawn():
    logits = np.zeros((1 << 21, 2), np.float32)
    logits[:, 0] = -1e9
    assert np.all(host(random.categorical(random.key(3), logits)) == 1)


def test_derivatives_pass_through_location_and_scale(key):
    def f(loc, scale):
        return random.normal(key, (4,), loc=loc, scale=scale) + random.uniform(
            key, (4,), low=loc, high=scale
        )

    pb.check_grads(f, (np.asarray(0.3), np.asarray(1.7)), order=2)


def test_the_same_draw_under_checkpoint_and_at_every_order(key):
    x = np.linspace(0.1, 1, 6)

    def f(x):
        return xp.sum(xp.where(random.bernoulli(key, 0.5, x.shape), xp.exp(x), x**3))

    np.testing.assert_array_equal(pb.grad(pb.checkpoint(f))(x), pb.grad(f)(x))
    pb.check_grads(f, (x,), order=2)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda k: random.key(-1), ValueError, "seed=-1"),
        (lambda k: random.key(2**64), ValueError, "2\\*\\*64"),
        (lambda k: random.key(0.5), ValueError, "seed=0.5"),
        (lambda k: random.uniform(7, 3), TypeError, "is no key"),
        (lambda k: random.bits(np.zeros(2), 3), TypeError, "is no key"),
        (lambda k: random.bits(k, (2, -1)), ValueError, "shape="),
        (lambda k: random.uniform(k, 3, dtype="int32"), ValueError, "dtype='int32'"),
        (lambda k: random.bernoulli(k, 1.5, 3), ValueError, "p=1.5"),
        (lambda k: random.randint(k, 3, 3), ValueError, "low < high"),
        (lambda k: random.randint(k, 0, 2**40), ValueError, "2\\*\\*31"),
        (lambda k: random.categorical(k, np.asarray([1, 2])), TypeError, "float32 or float64"),
        (lambda k: random.categorical(k, np.asarray([1j, 2])), TypeError, "float32 or float64"),
        (lambda k: random.fold_in(k, -1), ValueError, "number=-1"),
        (lambda k: random.fold_in(k, 2**40), ValueError, "2\\*\\*32"),
        (lambda k: random.fold_in(k, np.int64(-1)), ValueError, "number=-1"),
        (lambda k: random.fold_in(k, np.asarray([1, 2])), TypeError, "shape \\(2,\\)"),
        (lambda k: random.fold_in(k, xp.asarray(2.5)), TypeError, "float64; one integer"),
        (lambda k: random.uniform(k, None), ValueError, "shape="),
        (lambda k: random.uniform(k, 2.5), ValueError, "shape="),
        (lambda k: random.permutation(k, (2, 3)), TypeError, "integer"),
    ],
)
def test_refused_with_a_message(call, kind, message, key):
    with pytest.raises(kind, match=message):
        call(key)


def test_a_stream_never_repeats():
    keys = random.stream(3)
    drawn = {tuple(host(keys()).tolist()) for _ in range(100)}
    assert len(drawn) == 100


@pytest.mark.parametrize(
    "p", [0, 0.0, 1e-30, 2.0**-24, 0.1, 0.3, 0.5, 0.7, 1 - 2.0**-24, 1 - 1e-9, 1, 1.0]
)
def test_bernoulli_compares_uniform_numbers(p):
    key = random.key(3)
    drawn = host(random.bernoulli(key, p, (4001,)))
    expected = host(random.uniform(key, (4001,), dtype="float32")) < np.float32(p)
    assert drawn.dtype == bool
    np.testing.assert_array_equal(drawn, expected)
