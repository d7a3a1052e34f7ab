"""Tests of `autograd/rules/special.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...cases.special import UNARY
from ..functions.test_special import derivatives

S = pb.xp.special


xp = pb.xp


@pytest.mark.parametrize(("name", "low", "high"), UNARY, ids=[name for name, *_ in UNARY])
def test_third_derivatives(name, low, high):
    x = np.linspace(low, high, 5)[1:-1] + 0.01
    pb.check_grads(getattr(S, name), (x,), order=3, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: S.betaln(x, 1.5), lambda x: S.betaln(40.0, x), lambda x: S.xlogy(x, x), lambda x: S.xlog1py(x, x),
        lambda x: S.rel_entr(x, 0.5 + x * x), lambda x: S.kl_div(0.5 + x, x * x), lambda x: S.polygamma(1, x),
        lambda x: S.ive(2, x), lambda x: S.expit(x), lambda x: S.gammainc(2.5, x), xp.sinc,
    ],
)  # fmt: skip
def test_third_derivatives_of_more(f):
    pb.check_grads(f, (np.asarray([0.6, 1.3]),), order=3, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, *_ in UNARY] + ["expit", "sinc"])
def test_float32_stays_at_every_order(name):
    for g in derivatives(getattr(S, name), np.asarray([0.3, 0.6], np.float32), 3):
        assert g.dtype == np.float32


def test_shape_parameters_have_no_derivative():
    with pytest.raises(
        pb.MissingRuleError,
        match=r"special\.stdtr\(df, t, /\) has no derivative with respect to 'df'",
    ):
        pb.grad(lambda df: S.stdtr(df, 1.0))(2.0)
    with pytest.raises(pb.MissingRuleError, match=r"'v'"):
        pb.grad(lambda v: S.iv(v, 1.0))(2.0)
    with pytest.raises(pb.MissingRuleError, match=r"'x'"):
        pb.grad(lambda s: S.zeta(s, 1.0))(2.0)


# at −40 and 40 they are good to 8 digits or none, which is why the tails have tests of their own
JUDGED = [
    ("erf", [-6.0, 0.0, 0.5, 6.0]), ("erfc", [-6.0, 0.0, 6.0]), ("erfinv", [-0.999, 0.0, 0.5]),
    ("gammaln", [0.5, 1.0, 30.0]), ("digamma", [0.1, 2.0, 30.0]), ("expit", [-40.0, 0.0, 40.0]),
    ("logit", [0.01, 0.5]), ("log_ndtr", [-40.0, -1.0, 0.0, 3.0]), ("ndtr", [-6.0, 0.0, 6.0]), ("ndtri", [0.01, 0.5]),
    ("i0e", [0.5, 20.0]), ("i1e", [0.5, 20.0]), ("i0", [0.5, 20.0]), ("i1", [0.5, 20.0]), ("entr", [0.2, 3.0]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), JUDGED, ids=[name for name, _ in JUDGED])
def test_derivatives_are_pytorch_s(name, values):
    torch = pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    (wanted,) = torch.autograd.grad(getattr(torch.special, name)(x).sum(), x)
    got = derivatives(getattr(S, name), values, 1)[0]
    np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize(("name", "values"), JUDGED, ids=[name for name, _ in JUDGED])
def test_second_derivatives_are_jax_s(name, values):
    jax = pytest.importorskip("jax", reason="JAX is a peer, not a dependency")
    with jax.enable_x64(True):
        f = getattr(jax.scipy.special, name)
        wanted = [jax.vmap(jax.grad(g))(np.asarray(values)) for g in (f, jax.grad(f))]
    for got, w in zip(derivatives(getattr(S, name), values, 2), wanted, strict=True):
        np.testing.assert_allclose(got, w, rtol=1e-7, atol=1e-14)
