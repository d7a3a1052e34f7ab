"""Steps in few bits: a parameter without a gradient stays, and squares neither vanish nor overflow in float16."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._leaves import ADAPTIVE, VANISHING, run

optim = pb.optim
OTHERS = {
    "sgd": optim.SGD(0.1), "momentum": optim.SGD(0.1, momentum=0.9), "nesterov": optim.SGD(0.1, 0.9, True),
    "dampening": optim.SGD(0.1, momentum=0.9, dampening=0.5), "nesterov's sequence": optim.Nesterov(0.1),
    "lion": optim.Lion(0.1, weight_decay=0.0), "clipped": optim.Clipped(optim.Adam(), norm=1.0),
    "accumulated": optim.Accumulated(optim.Adam(), 2), "averaged": optim.Averaged(optim.Adam()),
    "finite": optim.Finite(optim.Adam(), "skip"),
}  # fmt: skip
EVERY = ADAPTIVE | OTHERS | VANISHING
W = np.array([[0.5, -2.0, 3.0], [1.0, 0.25, -0.75]])
DTYPES = ["float16", "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("opt", EVERY.values(), ids=EVERY)
def test_a_parameter_whose_gradient_is_0_stays(opt, dtype):
    """Beside one that moves: in one array, and in arrays of no dimension, no elements and one."""
    params = {
        "W": W.astype(dtype),
        "s": np.asarray(0.5, dtype),
        "e": np.ones(0, dtype),
        "b": np.ones(1, dtype),
    }
    grads = pb.tree.map(np.zeros_like, params)
    grads["W"][0, 0] = 0.5
    for step in (opt.step, pb.compile(opt.step, fast=False)):
        new, state = run(opt, params, [grads] * 4, step)
        for name, w in params.items():
            assert (new[name].dtype, new[name].shape) == (w.dtype, w.shape)
            still = grads[name] == 0
            np.testing.assert_array_equal(new[name][still], w[still])
        assert new["W"][0, 0] != params["W"][0, 0] or isinstance(opt, optim.Adadelta)
        assert all(np.isfinite(x).all() for x in pb.tree.leaves((new, state)))


def test_on_every_library(lib):
    """Through array functions and kernels: zeros stay, and steps are float32's own."""
    for name, opt in (ADAPTIVE | OTHERS).items():
        w = lib.asarray(W, np.float32)
        g = lib.asarray(np.where(W > 0, 0.0, W), np.float32)
        new, _ = run(opt, w, [g] * 2)
        expected, _ = run(opt, W, [np.where(W > 0, 0.0, W)] * 2)
        got = lib.to_numpy(new)
        np.testing.assert_array_equal(got[W > 0], W[W > 0].astype(np.float32), err_msg=name)
        np.testing.assert_allclose(got, expected, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1.0, 300.0, 6e4])
@pytest.mark.parametrize("opt", (ADAPTIVE | OTHERS).values(), ids=ADAPTIVE | OTHERS)
def test_steps_in_float16_are_those_of_wider_numbers(opt, scale):
    """The squares of 1e-4 and of 300 are no float16 numbers; the parameters are rounded once a step, no more."""
    w = W.astype(np.float16)
    g = (np.array([[1.0, -0.5, 0.25], [0.5, -1.0, 0.0]]) * scale).astype(np.float16)
    for step in (opt.step, pb.compile(opt.step, fast=False)):
        new, state = w, opt.init(w)
        exact = opt.init(w.astype(float))
        for _ in range(3):
            with np.errstate(over="ignore"):  # 6e4 · 0.1 steps of SGD end outside float16
                wide, exact = opt.step(new.astype(float), g.astype(float), exact)
                new, state = step(new, g, state)
                np.testing.assert_allclose(new, wide.astype(np.float16), rtol=1e-3, atol=1e-7)
        assert new.dtype == np.float16
        for x in pb.tree.leaves(state):
            assert x.dtype in (np.float32, np.float64, np.int64)


def test_float32_gradients_of_float16_parameters_are_not_rounded():
    w = np.zeros(2, np.float16)
    g = np.array([1e-9, -1e5], np.float32)  # 0 and −∞ in float16
    new, _ = run(optim.Adam(0.5), w, [g])
    np.testing.assert_allclose(new, [-0.5 / 11, 0.5], rtol=1e-3)
    new, _ = run(optim.SGD(1e-5), w, [g])
    np.testing.assert_allclose(new, [0.0, 1.0], rtol=1e-3)


def test_a_rate_below_float16_s_numbers():
    for opt in (optim.SGD(1e-8), optim.SGD(1e-8, momentum=0.5)):
        new, _ = run(opt, np.zeros(1, np.float16), [np.full(1, 6e4, np.float16)])
        np.testing.assert_allclose(new, [-6e-4], rtol=1e-3)


def test_states_of_float16_go_on():
    """A state that an older version kept in float16."""
    w, g = np.ones(2, np.float16), np.array([0.5, 0.0], np.float16)
    old = pb.tree.map(
        lambda x: x.astype(np.float16) if x.dtype == np.float32 else x, optim.Adam().init(w)
    )
    new, state = optim.Adam().step(w, g, old)
    assert state.second.dtype == np.float32
    np.testing.assert_array_equal(new, run(optim.Adam(), w, [g])[0])


def test_the_average_of_float16_weights_moves():
    """In float16, 1 + 0.001 · 0.1 is 1."""
    opt = optim.Averaged(optim.SGD(1.0), decay=0.999)
    _, state = run(opt, np.ones(1, np.float16), [np.full(1, -0.1, np.float16)] * 1)
    np.testing.assert_allclose(state.average, 1 + 1e-4, rtol=1e-6)


def test_norms_of_float16_gradients():
    for scale in (1e-7, 1e-4, 1.0, 6e4):
        g = np.full(3, scale, np.float16)
        np.testing.assert_allclose(optim.global_norm([g]), np.sqrt(3) * float(g[0]), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_by_compiled_kernels(dtype):
    """What the loops of `pb.compile` make of a step, beside what eager steps give."""
    for opt in (ADAPTIVE["adam"], ADAPTIVE["rmsprop, all"]):
        w, g = W.astype(dtype), np.where(W > 0, 0.0, W).astype(dtype)
        new, state = run(opt, w, [g] * 3, pb.compile(opt.step))
        expected, after = run(opt, w, [g] * 3)
        np.testing.assert_array_equal(new[W > 0], w[W > 0])
        for x, y in zip(
            pb.tree.leaves((new, state)), pb.tree.leaves((expected, after)), strict=True
        ):
            assert x.dtype == y.dtype
            np.testing.assert_allclose(x, y, rtol=2e-3 if dtype == "float16" else 1e-5, atol=1e-7)
