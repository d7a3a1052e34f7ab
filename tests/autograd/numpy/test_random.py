"""Tests of `autograd/numpy/random.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy.random import _SMOOTH

random = pullback.numpy.random

# what NumPy's functions are called with, where they need something
ARGUMENTS = {
    "beta": (2.0, 3.0), "binomial": (5, 0.4), "bytes": (4,), "chisquare": (3.0,), "choice": (5, 3),
    "dirichlet": ([1.0, 2.0],), "f": (3.0, 4.0), "gamma": (2.0,), "geometric": (0.3,), "hypergeometric": (5, 4, 3),
    "integers": (9,), "logseries": (0.4,),
    "multinomial": (4, [0.2, 0.8]),
    "multivariate_hypergeometric": ([3, 4], 2), "multivariate_normal": ([0.0, 1.0], [[1.0, 0.0], [0.0, 2.0]]),
    "negative_binomial": (4, 0.5), "noncentral_chisquare": (3.0, 1.0), "noncentral_f": (3.0, 4.0, 1.0),
    "pareto": (3.0,),
    "permutation": (5,), "permuted": ([3, 1, 2],), "power": (2.0,), "randint": (9,), "random_integers": (9,),
    "shuffle": ([3, 1, 2],), "standard_gamma": (2.0,), "standard_t": (4.0,), "triangular": (0.0, 1.0, 2.0),
    "vonmises": (0.0, 1.0), "wald": (1.0, 2.0), "weibull": (2.0,), "zipf": (2.5,),
}  # fmt: skip
UNSIZED = {"bytes", "choice", "permutation", "permuted", "rand", "randn", "shuffle"}


def _same(got, wanted):
    if isinstance(wanted, np.ndarray):
        assert type(got) is pb.Array
        np.testing.assert_array_equal(pb.to_numpy(got), wanted)
    else:
        assert got == wanted


@pytest.mark.parametrize("name", random.FUNCTIONS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_numpys_global_stream(name):
    args = ARGUMENTS.get(name, ())
    for settings in ({},) if name in UNSIZED else ({}, {"size": (2, 3)}):
        random.seed(3)
        got = getattr(random, name)(*args, **settings)
        np.random.seed(3)
        _same(got, getattr(np.random, name)(*args, **settings))


METHODS = [n for n in dir(np.random.Generator) if not n.startswith("_")]


@pytest.mark.parametrize("name", [n for n in METHODS if n not in ("bit_generator", "spawn")])
def test_numpys_generators(name):
    args = ARGUMENTS.get(name, ())
    got = getattr(random.default_rng(7), name)(*args)
    _same(got, getattr(np.random.default_rng(7), name)(*args))


def test_states_of_their_own():
    ours, theirs = random.RandomState(5), np.random.RandomState(5)
    _same(ours.normal(size=3), theirs.normal(size=3))
    _same(ours.rand(2, 2), theirs.rand(2, 2))
    state = ours.get_state()
    first = ours.normal()
    ours.set_state(state)
    assert ours.normal() == first
    rng = random.default_rng(0)
    assert random.default_rng(rng) is rng
    assert len(rng.spawn(2)) == 2
    assert rng.bit_generator is rng.source.bit_generator
    assert "PCG64" in repr(rng)
    assert "MT19937" in repr(ours)


def test_on_every_library(backend, lib):
    x = random.default_rng(0).normal(size=(2, 2))
    assert lib.is_raw(x.value)
    np.testing.assert_array_equal(pb.to_numpy(x), np.random.default_rng(0).normal(size=(2, 2)))
    loc = pb.xp.asarray(lib.asarray([1.0, 2.0]))
    y = random.default_rng(0).normal(loc, 2.0)
    np.testing.assert_allclose(pb.to_numpy(y), np.random.default_rng(0).normal([1.0, 2.0], 2.0))
    g = pb.grad(lambda loc: pb.xp.sum(random.default_rng(0).normal(loc, loc) ** 2))(
        lib.asarray([1.0, 2.0])
    )
    assert lib.is_raw(g)


@pytest.mark.parametrize("name", _SMOOTH)
def test_by_reparametrisation(name):
    """The value is NumPy's draw, and the derivative that of the draw by its parameters."""
    values = [np.asarray([0.5, 1.5]), np.asarray(2.0)][: len(_SMOOTH[name][0])]
    if name == "rayleigh" or name == "exponential":
        values = [np.asarray([0.5, 1.5])]

    def ours(*parameters):
        return getattr(random.default_rng(1), name)(*parameters)

    out, _ = pb.vjp(ours, *values)
    np.testing.assert_allclose(
        pb.to_numpy(out), getattr(np.random.default_rng(1), name)(*values), rtol=1e-14
    )
    pb.check_grads(ours, tuple(values))
    low = [v.astype(np.float32) for v in values]
    assert pb.vjp(ours, *low)[0].dtype == np.float32
    sized = pb.vjp(
        lambda s: getattr(random.default_rng(1), name)(
            **{next(iter(_SMOOTH[name][0])): s}, size=(3, 1)
        ),
        np.asarray(0.5),
    )[0]
    assert sized.shape == (3, 1)


def test_elements_keep_their_derivatives():
    x = np.asarray([1.0, 2.0, 4.0, 8.0])
    M = x.reshape(2, 2)

    def shuffled(x):
        y = x * 1.0
        random.default_rng(2).shuffle(y)
        return y

    cases = [
        (
            lambda x: random.default_rng(2).choice(x, 3),
            lambda x: np.random.default_rng(2).choice(x, 3),
            x,
        ),
        (
            lambda x: random.default_rng(2).choice(x, (2, 2), axis=1),
            lambda x: np.random.default_rng(2).choice(x, (2, 2), axis=1),
            M,
        ),
        (
            lambda x: random.default_rng(2).choice(x),
            lambda x: np.random.default_rng(2).choice(x),
            x,
        ),
        (
            lambda x: random.default_rng(2).permutation(x),
            lambda x: np.random.default_rng(2).permutation(x),
            x,
        ),
        (
            lambda x: random.default_rng(2).permutation(x, axis=1),
            lambda x: np.random.default_rng(2).permutation(x, axis=1),
            M,
        ),
        (
            lambda x: random.default_rng(2).permuted(x, axis=0),
            lambda x: np.random.default_rng(2).permuted(x, axis=0),
            M,
        ),
        (
            lambda x: random.RandomState(2).permutation(x),
            lambda x: np.random.RandomState(2).permutation(x),
            M,
        ),
    ]
    for ours, theirs, given in cases:
        got = ours(pb.xp.asarray(given))
        np.testing.assert_array_equal(pb.to_numpy(got), theirs(given))
        pb.check_grads(ours, (given,))
    wanted = x.copy()
    np.random.default_rng(2).shuffle(wanted)
    np.testing.assert_array_equal(pb.to_numpy(shuffled(pb.xp.asarray(x))), wanted)
    g = pb.grad(lambda x: pb.xp.sum(shuffled(x) * x))(x)
    assert np.isfinite(g).all()


def test_traced_numbers_in_lists():
    g = pb.grad(lambda x: pb.xp.sum(random.default_rng(0).normal([x, 2.0 * x], 1.0)))(1.0)
    assert g == 3.0
    h = pb.grad(lambda x: pb.xp.sum(random.default_rng(0).permutation([x, 2.0 * x])))(1.0)
    assert h == 3.0


def test_what_cannot_be():
    with pytest.raises(TypeError, match=r"loc \+ scale"):
        pb.grad(lambda k: random.gamma(k))(2.0)
    with pytest.raises(TypeError, match=r"loc \+ scale"):
        pb.grad(lambda k: pb.xp.sum(random.gamma([k, 1.0])))(2.0)
    with pytest.raises(TypeError, match="smooth function of p"):
        pb.grad(lambda p: random.choice(2, p=p))(np.asarray([0.5, 0.5]))
    with pytest.raises(TypeError, match="draw outside"):
        pb.compile(lambda x: x * random.normal())(np.ones(2))
    with pytest.raises(TypeError, match="draw outside"):
        pb.grad(pb.checkpoint(lambda x: x * random.normal()))(1.0)
    with pytest.raises(TypeError, match="existing arrays"):
        random.default_rng(0).random(out=np.ones(2))
    with pytest.raises(ValueError, match="1-dimensional"):
        random.choice(pb.xp.ones((2, 2)))


def test_names():
    assert set(np.random.__all__) - set(random.__all__) == {"BitGenerator"} - set(random.__all__)
    assert dir(random) == sorted(random.__all__)
