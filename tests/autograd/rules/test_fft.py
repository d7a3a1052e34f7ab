"""What the rows of `cases/fft.py` cannot say: inner products, inputs without influence, linearity, and torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...cases.fft import NORMS, ONE_AXIS, SEVERAL_AXES

xp = pb.xp
rng = np.random.default_rng(11)
TAKES_REAL = ("rfft", "ihfft", "rfftn")


def draw(shape: tuple[int, ...], real: bool) -> np.ndarray:
    return rng.normal(size=shape) if real else rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [1, 2, 5, 6, 9])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_the_pullback_is_the_adjoint(name, n, norm, lib):
    """Re⟨F x, y⟩ = Re⟨x, F* y⟩ for all x and y, to the last digits."""
    f = lambda x: getattr(xp.fft, name)(x, n=n, axis=0, norm=norm)
    x = draw((6, 2), name in TAKES_REAL)
    out, pull = pb.vjp(f, lib.asarray(x))
    out = lib.to_numpy(out)
    y = draw(out.shape, not np.iscomplexobj(out))
    (back,) = pull(lib.asarray(y))
    np.testing.assert_allclose(
        np.vdot(y, out).real, np.vdot(lib.to_numpy(back), x).real, rtol=1e-12
    )


def test_inputs_without_influence_get_zeros():
    """irfft and hfft ignore the imaginary parts at frequencies 0 and n/2, and what lies beyond n//2 + 1."""
    x = draw((6,), False)
    for name in ("irfft", "hfft"):
        g = pb.grad(lambda x: xp.sum(getattr(xp.fft, name)(x, n=6) ** 3))(x)  # noqa: B023 - called at once
        assert g[0].imag == 0
        assert abs(g[3].imag) < 1e-12
        np.testing.assert_array_equal(g[4:], 0)
        assert abs(pb.grad(lambda x: xp.sum(getattr(xp.fft, name)(x, n=5) ** 3))(x)[2].imag) > 1e-6  # noqa: B023 - called at once


@pytest.mark.parametrize("name", [*ONE_AXIS, *SEVERAL_AXES, "fftshift", "ifftshift"])
def test_a_linear_function_is_its_own_derivative(name):
    real = name in TAKES_REAL
    f = getattr(xp.fft, name)
    x, v = draw((3, 4), real), draw((3, 4), real)
    _, moved = pb.jvp(f, (x,), (v,))
    np.testing.assert_allclose(moved, pb.to_numpy(f(xp.asarray(v))), rtol=1e-12, atol=1e-14)
    second = pb.grad(
        lambda x: xp.sum(xp.abs(pb.grad(lambda x: xp.sum(xp.abs(f(x)) ** 2))(x)) ** 2)
    )(x)
    first = pb.grad(lambda x: xp.sum(xp.abs(f(x)) ** 2))
    np.testing.assert_allclose(second, 2 * pb.to_numpy(first(first(x))), rtol=1e-12, atol=1e-12)


def test_single_precision_stays(lib):
    for name in ONE_AXIS:
        real = name in TAKES_REAL
        x = lib.asarray(draw((5,), real), "float32" if real else "complex64")
        g = pb.grad(lambda x: xp.sum(xp.abs(getattr(xp.fft, name)(x, n=8)) ** 2))(x)  # noqa: B023 - called at once
        assert lib.is_raw(g)
        assert g.dtype == x.dtype


# ── against PyTorch ───────────────────────────────────────────────────────────────────────────


def against_torch(
    name: str, x: np.ndarray, settings: dict[str, Any], torch_settings: dict[str, Any]
) -> None:
    torch = pytest.importorskip("torch", reason="the comparison needs PyTorch")
    given = torch.tensor(x, requires_grad=True)
    y = getattr(torch.fft, name)(given, **torch_settings)
    w = draw(tuple(y.shape), not y.is_complex())
    (y * torch.as_tensor(w)).real.sum().backward()
    g = pb.grad(lambda x: xp.sum(xp.real(getattr(xp.fft, name)(x, **settings) * w)))(x)
    np.testing.assert_allclose(g, given.grad.resolve_conj().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 3, 4, 8, 9])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_one_axis_against_torch(name, n, norm):
    x = draw((2, 5), name in TAKES_REAL)
    against_torch(name, x, {"n": n, "norm": norm}, {"n": n, "norm": norm})


@pytest.mark.parametrize("s", [None, (3, 6), (5, 2)])
@pytest.mark.parametrize("axes", [(0, 1), (2, 0), (-1, -2)])
@pytest.mark.parametrize("name", SEVERAL_AXES)
def test_several_axes_against_torch(name, axes, s):
    x = draw((3, 4, 5), name in TAKES_REAL)
    against_torch(
        name, x, {"s": s, "axes": axes, "norm": "ortho"}, {"s": s, "dim": axes, "norm": "ortho"}
    )
