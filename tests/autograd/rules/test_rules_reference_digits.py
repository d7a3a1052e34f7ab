"""Derivatives of order 1 to 3, where rules could cancel, to 17 digits (`tools/reference_derivatives.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

from ...cases._table import look_up

TABLE = json.loads((Path(__file__).parent / "reference_derivatives.json").read_text())
DTYPES = (np.float64, np.float32)
# How many units in the last place of the result an error may have at order 1, 2, 3, besides what the rounding of the
# argument itself does (`condition`): a function whose formula subtracts loses some at every order.
ULPS = {
    "special.erfcx": (200, 100, 400), "special.log_ndtr": (50, 100, 2000), "special.rgamma": (50, 300, 300),
    "special.i0e": (50, 2500, 50000), "special.i1e": (50, 2500, 50000),
}  # fmt: skip
USUAL = (16, 64, 200)


def representable(x: float, dtype: type) -> bool:
    """Whether a point is one of the dtype's numbers, or near enough that the reference is right there."""
    if dtype is np.float64:
        return True
    if not (x == 0 or 1e-30 < abs(x) < 1e30):
        return False
    return (
        float(dtype(x)) == x or not 0.8 < abs(x) < 1.6
    )  # where there are branch points and a pole


def condition(name: str, x: float) -> float:
    """By how many units the rounding of `x`, and of its square in an exponent, may move a result."""
    square = name in (
        "special.erf",
        "special.erfc",
        "special.ndtr",
        "special.log_ndtr",
        "special.erfcx",
    )
    return 1 + (x * x if square and abs(x) < 40 else min(abs(x), 400))


def powers(f, orders: int):
    """f', f'', f''', elementwise."""
    found = []
    for _ in range(orders):
        f = pb.grad(lambda x, f=f: pb.xp.sum(f(x)))
        found.append(f)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TABLE["unary"])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_functions_of_one_number(name, dtype):
    limits = np.finfo(dtype)
    rows = [row for row in TABLE["unary"][name] if representable(row[0], dtype)]
    x = np.asarray([row[0] for row in rows]).astype(dtype)
    for order, f in enumerate(powers(look_up(pb.xp, name), 3), 1):
        got = f(x)
        assert got.dtype == dtype
        for value, row in zip(got.tolist(), rows, strict=True):
            expected = row[order]
            if abs(expected) > float(limits.max) / 1e3:
                continue
            units = ULPS.get(name, USUAL)[order - 1] * condition(name, row[0])
            error = abs(value - expected)
            assert error <= units * limits.eps * abs(expected) + float(limits.tiny), (
                f"{name}, order {order} at {row[0]}: {value}, right is {expected}"
            )


def holomorphic(f):
    """f' of a holomorphic function: the conjugate of the gradient of its real part."""
    return lambda z: pb.xp.conj(pb.grad(lambda z: pb.xp.real(pb.xp.sum(f(z))))(z))


@pytest.mark.parametrize("name", TABLE["complex"])
def test_holomorphic_functions(name):
    f = look_up(pb.xp, name)
    for order in (1, 2, 3):
        f = holomorphic(f)
        for z, *derivatives in TABLE["complex"][name]:
            expected = complex(*derivatives[order - 1])
            value = complex(pb.to_numpy(f(np.asarray([complex(*z)])))[0])
            assert abs(value - expected) <= 2e-14 * 8**order * abs(expected), (
                f"{name}, order {order} at {complex(*z)}: {value}, right is {expected}"
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TABLE["pairs"])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_functions_of_two_numbers(name, dtype):
    limits = np.finfo(dtype)
    f = look_up(pb.xp, name)
    of_both = lambda v: f(v[0], v[1])
    for x, y, *expected in TABLE["pairs"][name]:
        if not (representable(x, dtype) and representable(y, dtype)):
            continue
        if abs(float(f(np.asarray(x), np.asarray(y)))) < limits.tiny:
            continue  # derivatives are made of the value, which the dtype does not have
        v = np.asarray([x, y]).astype(dtype)
        first, matrix = pb.grad(of_both)(v), pb.hessian(of_both)(v)
        assert matrix.dtype == dtype
        got = [*first.tolist(), matrix[0, 0], matrix[0, 1], matrix[1, 1]]
        assert matrix[0, 1] == pytest.approx(
            matrix[1, 0], rel=float(1e3 * limits.eps), abs=float(limits.tiny)
        )
        scale = 1 + min(max(abs(x), abs(y)), 800)
        scale *= 10 if name == "special.beta" else 1  # a large value times a small difference
        for kind, value, wanted in zip(("x", "y", "xx", "xy", "yy"), got, expected, strict=True):
            if abs(wanted) > float(limits.max) / 1e3:
                continue
            assert abs(value - wanted) <= 100 * scale * limits.eps * abs(wanted) + limits.tiny, (
                f"{name}_{kind} at ({x}, {y}): {value}, right is {wanted}"
            )


# ── lines whose largest share is nearly all ───────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gap", [5.0, 30.0, 60.0])
@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_saturated_softmax(gap, axis, dtype):
    """p_1 (1 − p_1) is p_1 Σ of the others: what 1 − p_1 leaves is no number."""
    z = np.asarray([[gap, 0.0, 1.0]], dtype)
    z = z.T if axis == 0 else z
    e = np.exp(np.asarray([0.0, -gap, 1.0 - gap]))
    others = e[1] + e[2]
    p = e / (1 + others)
    jacobian = np.diag(p) - np.outer(p, p)
    jacobian[0, 0] = p[0] * others / (1 + others)
    got = pb.jacobian(
        lambda z: pb.xp.softmax(z, axis=axis) if axis != (0, 1) else pb.special.softmax(z)
    )(z)
    tolerance = 60 * np.finfo(dtype).eps * (1 + gap)
    tiny = np.finfo(dtype).tiny
    np.testing.assert_allclose(got.reshape(3, 3), jacobian, rtol=tolerance, atol=tiny)
    got = pb.hessian(lambda z: pb.xp.sum(pb.xp.logsumexp(z, axis=axis)))(z)
    np.testing.assert_allclose(got.reshape(3, 3), jacobian, rtol=tolerance, atol=tiny)
