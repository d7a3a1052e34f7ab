"""Activations and initialisation against formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb
from pullback.models import activations
from pullback.models.activations import activation

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
TAILS = np.array([-1e4, -750.0, -40.0, -1.5, -1e-9, 0.0, 1e-9, 0.7, 40.0, 750.0, 1e4])


def _gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _normal_density(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _sigmoid_slope(x):
    return sps.expit(x) * sps.expit(-x)


def _elu(alpha, inner=1.0):
    return (
        lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / inner)),
        lambda x: np.where(x > 0, 1.0, alpha / inner * np.exp(np.minimum(x, 0) / inner)),
    )


SELU = 1.0507009873554805
# name: (formula, slope); None where the difference quotients below are the test of the slope
FORMULAS = {
    "identity": (lambda x: x, np.ones_like),
    "threshold": (lambda x: (x > 0) * 1.0, np.zeros_like),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: ((x >= 0) & (x <= 6)) * 1.0),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),
    "elu": _elu(1.0),
    "celu": _elu(1.0),
    "selu": tuple(lambda x, f=f: SELU * f(x) for f in _elu(1.6732632423543772)),
    "tanh": (np.tanh, lambda x: 4 * np.exp(-2 * abs(x)) / (1 + np.exp(-2 * abs(x))) ** 2),
    "hardtanh": (lambda x: np.clip(x, -1, 1), lambda x: (abs(x) <= 1) * 1.0),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "sigmoid": (sps.expit, _sigmoid_slope),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: (abs(x) <= 3) / 6),
    "log_sigmoid": (sps.log_expit, lambda x: sps.expit(-x)),
    "softplus": (lambda x: np.logaddexp(0, x), sps.expit),
    "silu": (lambda x: x * sps.expit(x), lambda x: sps.expit(x) + x * _sigmoid_slope(x)),
    "hard_swish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), None),
    "gelu": (lambda x: x * sps.ndtr(x), lambda x: sps.ndtr(x) + x * _normal_density(x)),
    "gelu_tanh": (_gelu_tanh, None),
    "mish": (lambda x: x * np.tanh(np.logaddexp(0, x)), None),
}

# ── activations ────────────────────────────────────────────────────────────────────────────────────


def test_the_table_of_activations_is_complete():
    assert set(FORMULAS) == set(M.ACTIVATIONS)
    for name, f in M.ACTIVATIONS.items():
        assert getattr(M, name) is f is activation(name)


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_and_their_slopes_in_the_tails(name):
    """To full precision, without an overflow on the way."""
    formula, slope = FORMULAS[name]
    f = M.ACTIVATIONS[name]
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(
            pb.to_numpy(xp.asarray(f(xp.asarray(TAILS)))), formula(TAILS), rtol=1e-14, atol=0
        )
        got = pb.grad(lambda x: xp.sum(f(x) * 1.0))(TAILS)
        assert np.isfinite(got).all()
        if slope is not None:
            np.testing.assert_allclose(got, slope(TAILS), rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_keep_dtype_and_second_derivatives(name, dtype):
    f = M.ACTIVATIONS[name]
    x = np.array([-2.0, -0.3, 0.4, 1.7], dtype)
    assert xp.asarray(f(x)).dtype == dtype
    g = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(f(y) * y))(x)))(x)
    assert g.dtype == dtype
    if dtype == np.float64:
        pb.check_grads(lambda x: f(x) * 1.0, (x,), order=3, rtol=1e-5)


def test_unknown_activation():
    with pytest.raises(ValueError, match=r"'swish'.*relu.*softplus"):
        M.MLP([2, 3], activation="swish")


def torch_names(F):
    return {
        **{
            name: getattr(F, name)
            for name in ("relu", "relu6", "leaky_relu", "elu", "celu", "selu")
        },
        **{
            name: getattr(F, name)
            for name in ("tanh", "hardtanh", "softsign", "sigmoid", "softplus")
        },
        **{name: getattr(F, name) for name in ("silu", "gelu", "mish")},
        "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # the slope of torch's own is 1/6 in float32
        "log_sigmoid": F.logsigmoid,
        "hard_swish": F.hardswish,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    }


def test_activations_against_torch():
    torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
    names = torch_names(torch.nn.functional)
    assert set(names) == set(M.ACTIVATIONS) - {"identity", "threshold"}
    x = np.random.default_rng(3).standard_normal(200) * 4
    for name, theirs in names.items():
        leaf = torch.tensor(x, requires_grad=True)
        y = theirs(leaf)
        (y * y).sum().backward()
        np.testing.assert_allclose(
            pb.to_numpy(M.ACTIVATIONS[name](x)),
            y.detach().numpy(),
            rtol=1e-10,
            atol=1e-12,
            err_msg=name,
        )
        got = pb.grad(lambda x, f=M.ACTIVATIONS[name]: xp.sum(f(x) * f(x)))(x)
        np.testing.assert_allclose(got, leaf.grad.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("name", "setting"), [("leaky_relu", "slope"), ("elu", "alpha"), ("celu", "alpha")]
)
def test_settings_of_activations(name, setting):
    f = lambda x: getattr(M, name)(x, **{setting: 0.7})
    x = np.array([-2.0, -0.3, 0.4])
    expected = {"leaky_relu": 0.7 * x, "elu": 0.7 * np.expm1(x), "celu": 0.7 * np.expm1(x / 0.7)}
    np.testing.assert_allclose(pb.to_numpy(f(x)), np.where(x > 0, x, expected[name]), rtol=1e-14)
    pb.check_grads(f, (x,), order=2)


def test_activations_on_every_library(lib):
    x = lib.asarray(np.array([-2.0, 0.5, 7.0], np.float32))
    for name, f in M.ACTIVATIONS.items():
        if lib.name == "array_api_strict" and name == "gelu":
            with pytest.raises(NotImplementedError, match="erfc"):  # the standard has none
                f(x)
            continue
        g = pb.grad(lambda x, f=f: xp.sum(f(x) * x))(x)
        assert lib.is_raw(g)
        assert lib.to_numpy(g).dtype == np.float32
        expected = FORMULAS[name][0](np.array([-2.0, 0.5, 7.0]))
        np.testing.assert_allclose(lib.to_numpy(xp.asarray(f(x)).value), expected, rtol=2e-6)


# ── initialisation ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gelu_of_a_large_array_is_that_of_a_small_one(dtype, monkeypatch):
    x = np.array([0.0, -0.0, 1e-8, 0.3, -0.7, 2.0, -6.0, 30.0, -30.0, np.nan], dtype)
    slope = pb.grad(lambda x: xp.sum(M.gelu(x)))
    third = pb.grad(lambda x: xp.sum(pb.grad(lambda x: xp.sum(slope(x)))(x)))
    small = [np.asarray(f(x)) for f in (M.gelu, slope, third)]
    monkeypatch.setattr(activations, "_LARGE", 0)
    large = [np.asarray(f(x)) for f in (M.gelu, slope, third)]
    rtol, atol = (1e-5, 1e-6) if dtype == np.float32 else (1e-13, 1e-15)
    for ours, theirs in zip(large, small, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
    np.testing.assert_array_equal(
        pb.vmap(slope)(x[:, None])[:, 0], slope(x)
    )  # under vmap each row is large, too
