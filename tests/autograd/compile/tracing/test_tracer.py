"""Python numbers among the arguments of compiled functions: they change from call to call, and rules take them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels as native

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays

xp = pb.xp

SMALL = [2, 3, 0, 1, 2]
FLOATS = [2.0, 0.5, 1.5, -1.0, 0.0]
MIXED = [2, 0.5, 3, 1.5, True, 2.0]
COMPLEX = [1 + 2j, 0.5j, -1.0 + 0j, 2.0]
AXES = [0, 1, -1, 0]

# (function of an array of shape (3, 3) and a number, the numbers)
OPERANDS: dict[str, tuple[Any, list[Any]]] = {
    "power": (lambda x, k: x**k, [*SMALL, *FLOATS, True]),
    "power of a number": (lambda x, k: k**x, [2, 3, 2.5, 0, 0.5, 1]),
    "pow": (lambda x, k: xp.pow(x, k), [*SMALL, *FLOATS]),
    "pow of a number": (lambda x, k: xp.pow(k, x), [2, 2.5]),
    "np.power": (lambda x, k: np.power(x, k), [2, 2.5, 3]),
    "complex power": (lambda x, k: xp.real(x**k), COMPLEX),
    "complex base": (lambda x, k: xp.real(k**x), COMPLEX),
    "add": (lambda x, k: k + x + k, [*MIXED, *COMPLEX]),
    "subtract": (lambda x, k: k - x - k, [*MIXED, *COMPLEX]),
    "multiply": (lambda x, k: k * x * k, [*MIXED, *COMPLEX]),
    "divide": (lambda x, k: x / (k + 1) + k / x, MIXED),
    "remainder": (lambda x, k: x % (k + 1) + k % x, MIXED),
    "floor divide": (lambda x, k: x // (k + 1) + k // x + x, MIXED),
    "maximum": (lambda x, k: xp.maximum(x, k) + xp.maximum(k, x), MIXED),
    "minimum": (lambda x, k: xp.minimum(x, k) + xp.minimum(k, x), MIXED),
    "clip": (lambda x, k: xp.clip(x, k - 1.0, k), [2, 0.5, 3, 1.5]),
    "clip by name": (lambda x, k: xp.clip(x, max=k), [2, 0.5, 3, 1.5]),
    "where": (lambda x, k: xp.where(x > k, x, k) + xp.where(x > 1, k, x), MIXED),
    "atan2": (lambda x, k: xp.atan2(x, k) + xp.atan2(k, x), [1.5, 2.0, 3]),
    "hypot": (lambda x, k: xp.hypot(x, k) + xp.hypot(k, x), [1.5, 2.0, 3]),
    "logaddexp": (lambda x, k: xp.logaddexp(x, k) + xp.logaddexp(k, x), [1.5, 2.0, -3]),
    "copysign": (lambda x, k: xp.copysign(x, k), [1.5, -2.0, -3]),
    "nextafter": (lambda x, k: xp.nextafter(x, k), [1.5, -2.0]),
    "full like": (lambda x, k: x * xp.full_like(x, k), MIXED),
    "full": (lambda x, k: x * xp.full((3, 3), k), MIXED),
    "asarray": (lambda x, k: x * xp.asarray(k), MIXED),
    "set": (lambda x, k: x.at[0].set(k) if type(x) is pb.Array else x, MIXED),
    "written": (lambda x, k: written(x, k), MIXED),
    "updates": (lambda x, k: pb.xp.asarray(x).at[1].multiply(k), MIXED),
    "of the number alone": (lambda x, k: x * (np.sum(k) * 2), MIXED),
    "NumPy's functions of it": (lambda x, k: x * np.sin(k) + np.exp(k) * np.abs(k), FLOATS),
    "its parts": (lambda x, k: x * abs(k) + (-k) + (+k) + k.real + k.imag + round(k), [1.5, -2.0, 3]),
    "its complex parts": (lambda x, k: x * k.real + k.imag * abs(k), COMPLEX),
    "an array of it": (lambda x, k: x[0] * xp.asarray([1.0, k, 2.0]), MIXED),
    "a stack of it": (lambda x, k: x * xp.stack([xp.asarray(k), xp.asarray(2.0), xp.asarray(k)]), FLOATS),
    "comparisons": (lambda x, k: x * (x > k) + x * (k >= x) + (x == k), MIXED),
    "gamma": (lambda x, k: xp.special.gammainc(k, x), [1.5, 2.0, 3]),
    "beta": (lambda x, k: xp.special.betaln(x, k), [1.5, 2.0, 3]),
    "xlogy": (lambda x, k: xp.special.xlogy(k, x) + xp.special.xlogy(x, k), [1.5, 2.0, 3]),
    "bessel": (lambda x, k: xp.special.iv(k, x) + xp.special.ive(k, x), [0, 1, 2, 1.5]),
    "scale of a gradient": (lambda x, k: pb.grad(lambda y: xp.sum(y**k))(x), [2, 3, 2.5]),
    "einsum": (lambda x, k: k * xp.einsum("ij,jk->ik", x, x), MIXED),
    "product": (lambda x, k: (k * x) @ (x + k), MIXED),
    "solve": (lambda x, k: xp.linalg.solve(x + (k + 9) * xp.eye(3), x), MIXED),
    "norm of a multiple": (lambda x, k: xp.linalg.vector_norm(k * x), [2, 2.5, 3]),
}  # fmt: skip

# Numbers that decide on shapes, axes and formulas: read, and the program is one for each.
SETTINGS: dict[str, tuple[Any, list[Any]]] = {
    "sum": (lambda x, k: xp.sum(x, axis=k), AXES),
    "sum of a tuple": (lambda x, k: xp.sum(x, axis=(k,)), AXES),
    "mean": (lambda x, k: xp.mean(x, axis=k), AXES),
    "prod": (lambda x, k: xp.prod(x, axis=k), AXES),
    "max": (lambda x, k: xp.max(x, axis=k), AXES),
    "min": (lambda x, k: xp.min(x, axis=k, keepdims=True), AXES),
    "std": (lambda x, k: xp.std(x, axis=k), AXES),
    "var": (lambda x, k: xp.var(x, axis=k, correction=1), AXES),
    "correction": (lambda x, k: xp.var(x, correction=k), [0, 1, 0.5]),
    "running sum": (lambda x, k: xp.cumulative_sum(x, axis=k), AXES),
    "running product": (lambda x, k: xp.cumulative_prod(x, axis=k), AXES),
    "logsumexp": (lambda x, k: xp.logsumexp(x, axis=k), AXES),
    "softmax": (lambda x, k: xp.softmax(x, axis=k), AXES),
    "log softmax": (lambda x, k: xp.log_softmax(x, axis=k), AXES),
    "sort": (lambda x, k: xp.sort(x, axis=k), AXES),
    "argsort": (lambda x, k: x * xp.argsort(x, axis=k), AXES),
    "argmax": (lambda x, k: x[0] * xp.argmax(x, axis=k), AXES),
    "flip": (lambda x, k: xp.flip(x, axis=k), AXES),
    "roll": (lambda x, k: xp.roll(x, k, axis=0), [1, 2, -1]),
    "roll along": (lambda x, k: xp.roll(x, 1, axis=k), AXES),
    "concat": (lambda x, k: xp.concat([x, x], axis=k), AXES),
    "stack": (lambda x, k: xp.stack([x, 2 * x], axis=k), AXES),
    "unstack": (lambda x, k: xp.unstack(x, axis=k)[1], AXES),
    "expand": (lambda x, k: xp.expand_dims(x, axis=k), AXES),
    "squeeze": (lambda x, k: xp.squeeze(x[None, :, None], axis=k), [0, 2]),
    "moveaxis": (lambda x, k: xp.moveaxis(x, k, 0), AXES),
    "permute": (lambda x, k: xp.permute_dims(x, (k, 1 - k)), [0, 1]),
    "swapaxes": (lambda x, k: xp.swapaxes(x, k, 1), [0, 1]),
    "reshape": (lambda x, k: xp.reshape(x, (k, -1)), [1, 3, 9]),
    "reshape to a number": (lambda x, k: xp.reshape(x, k), [9, -1]),
    "broadcast": (lambda x, k: xp.broadcast_to(x, (k, 3, 3)), [1, 3]),
    "repeat": (lambda x, k: xp.repeat(x, k), [1, 3]),
    "repeat along": (lambda x, k: xp.repeat(x, k, axis=0), [1, 3]),
    "tile": (lambda x, k: xp.tile(x, (k, 1)), [1, 3]),
    "take": (lambda x, k: xp.take(x, k, axis=0), [0, 2]),
    "take along": (lambda x, k: xp.take(x, xp.asarray([0, 1]), axis=k), AXES),
    "item": (lambda x, k: x[k], [0, 2, -1]),
    "items": (lambda x, k: x[:, k] * x[k, k], [0, 2, -1]),
    "slice": (lambda x, k: x[k:], [0, 2, -1]),
    "diagonal": (lambda x, k: xp.linalg.diagonal(x, offset=k), [0, 1, -1]),
    "trace": (lambda x, k: xp.linalg.trace(x, offset=k), [0, 1, -1]),
    "lower": (lambda x, k: xp.tril(x, k=k), [0, 1, -1]),
    "upper": (lambda x, k: xp.triu(x, k=k), [0, 1, -1]),
    "matrix power": (lambda x, k: xp.linalg.matrix_power(x, k), [0, 1, 2, 3, -1]),
    "vector norm": (lambda x, k: xp.linalg.vector_norm(x, ord=k), [1, 2, 3, 2.5, float("inf")]),
    "vector norm along": (lambda x, k: xp.linalg.vector_norm(x, axis=k), AXES),
    "matrix norm": (lambda x, k: xp.linalg.matrix_norm(x, ord=k), [1, 2, -1]),
    "tensordot": (lambda x, k: xp.tensordot(x, x, axes=k), [0, 1, 2]),
    "tensordot of pairs": (lambda x, k: xp.tensordot(x, x, axes=((k,), (0,))), [0, 1]),
    "vecdot": (lambda x, k: xp.vecdot(x, x, axis=-1) * k, [1, 2]),
    "cross": (lambda x, k: xp.linalg.cross(x, 2 * x + xp.flip(x), axis=k), [-1]),
    "diff": (lambda x, k: xp.diff(x, axis=k), AXES),
    "higher diff": (lambda x, k: xp.diff(x, n=k), [0, 1, 2]),
    "fft": (lambda x, k: xp.real(xp.fft.fft(x, n=k)), [2, 3, 5]),
    "fft along": (lambda x, k: xp.real(xp.fft.fft(x, axis=k)), AXES),
    "rfft": (lambda x, k: xp.real(xp.fft.rfft(x, n=k, axis=0)), [2, 3, 5]),
    "irfft": (lambda x, k: xp.fft.irfft(x + 0j, n=k), [2, 3, 5]),
    "fft of several": (lambda x, k: xp.real(xp.fft.fftn(x, s=(k, 3), axes=(0, 1))), [2, 3]),
    "shifted": (lambda x, k: xp.fft.fftshift(x, axes=k), [0, 1]),
    "rounded": (lambda x, k: x * k, [1]),
    "pad": (lambda x, k: xp.pad(x, k), [0, 1, 2]),
    "polygamma": (lambda x, k: xp.special.polygamma(k, x), [0, 1, 2]),
    "linspace": (lambda x, k: x * xp.linspace(0.0, 1.0, 3)[k], [0, 1]),
    "arange": (lambda x, k: x * xp.sum(xp.arange(k)), [1, 3]),
    "eye": (lambda x, k: x * xp.sum(xp.eye(k)), [1, 3]),
    "branch": (lambda x, k: x if k > 1 else 2 * x, [1, 3]),
    "loop": (lambda x, k: sum((x**i for i in range(k)), 0 * x), [1, 3]),
    "min of two": (lambda x, k: x * min(k, 2), [1, 3]),
    "math": (lambda x, k: x * math.sqrt(k), [1, 3.0]),
    "method": (lambda x, k: x.sum(axis=k), AXES),
    "asked": (lambda x, k: x if k.is_integer() else 2 * x, [1.0, 2.5]),
    "np.sum": (lambda x, k: np.sum(x, axis=k), AXES),
    "np.mean": (lambda x, k: np.mean(x, axis=k), AXES),
    "np.take": (lambda x, k: np.take(x, k, axis=0), [0, 1]),
}  # fmt: skip


def written(x: Any, k: Any) -> Any:
    y = x * 1.0
    y[0] = k
    y *= k
    return y


def _x(dtype: str = "float64") -> Any:
    (x,) = arrays((3, 3), dtype=dtype)
    return x + 3 * np.eye(3, dtype=dtype)


def _same(found: Any, wanted: Any) -> None:
    a, b = (np.asarray(pb.to_numpy(y) if hasattr(y, "dtype") else y) for y in (found, wanted))
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_allclose(a, b, rtol=1e-5 if b.dtype.char in "fF" else 1e-9, atol=1e-9)


def _total(y: Any) -> Any:
    return xp.sum(xp.real(y)) if xp.isdtype(y.dtype, "complex floating") else xp.sum(y)


def _compare(f: Any, numbers: list[Any], fast: bool, dtype: str = "float64") -> Any:
    compiled = pb.compile(f, fast=fast, programs=20)
    for given in (numbers, numbers[::-1]):
        for k in given:
            with np.errstate(all="ignore"):
                _same(compiled(_x(dtype), k), f(_x(dtype), k))
    return compiled


def _gradient(f: Any) -> Any:
    return pb.grad(lambda x, k: _total(xp.asarray(f(x, k))))


def _kinds(numbers: list[Any]) -> int:
    """How many programs there are: one for each class, and one for each boolean."""
    return len({(type(k), k) if type(k) is bool else type(k) for k in numbers})


# Kernels take seconds to compile: the rows that are loops.
IN_LOOPS = ("power", "add", "multiply", "divide", "maximum", "where", "comparisons", "its parts")


TRIED = [(name, False) for name in OPERANDS] + [(name, True) for name in IN_LOOPS]
both = pytest.mark.parametrize(
    ("name", "kernels_too"), TRIED, ids=[f"{name}{' kernels' * fast}" for name, fast in TRIED]
)


@pytest.fixture(autouse=True)
def folder(monkeypatch: Any, kernels: Any) -> None:
    """Where kernels go."""
    monkeypatch.setenv("PULLBACK_CACHE", str(kernels))


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@both
def test_operands(name, dtype, kernels_too):
    if kernels_too and not native.available():
        pytest.skip("numba is not installed (extra `fast`)")
    f, numbers = OPERANDS[name]
    compiled = _compare(f, numbers, kernels_too, dtype)
    assert len(compiled._executables) == _kinds(numbers)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@both
def test_gradients_beside_operands(name, kernels_too):
    if kernels_too and not native.available():
        pytest.skip("numba is not installed (extra `fast`)")
    f, numbers = OPERANDS[name]
    compiled = _compare(_gradient(f), numbers, kernels_too)
    assert len(compiled._executables) == _kinds(numbers)


# What eager mode has no gradient of either: methods of NumPy's arrays, a number in the place of indices.
VALUES_ALONE = ("method", "take", "np.take")


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        (n, h)
        for n in SETTINGS
        for h in ("value", "gradient")
        if h == "value" or n not in VALUES_ALONE
    ],
)
def test_settings(name, how):
    f, numbers = SETTINGS[name]
    _compare(f if how == "value" else _gradient(f), numbers, fast=False)


# ── integers ──────────────────────────────────────────────────────────────────────────────────

INTEGERS = {
    "add": lambda x, k: x + k,
    "multiply": lambda x, k: k * x,
    "compare": lambda x, k: x > k,
    "chain": lambda x, k: (x + k) * 2 - k,
    "where": lambda x, k: xp.where(x > 2, x, k),
    "where of a constant": lambda x, k: xp.where(x > k, 300, x),
}


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
@pytest.mark.parametrize("name", INTEGERS)
def test_numbers_that_do_not_go_into_a_dtype(name, dtype, fast):
    """What is recorded with a small number is refused, or compared, as NumPy does it with a large one."""
    f = INTEGERS[name]
    x = np.arange(5).astype(dtype)
    compiled = pb.compile(f, fast=fast)
    for k in (3, 2, 300, -1, 2**40, 1):
        try:
            wanted = f(x, k)
        except OverflowError:
            with pytest.raises(OverflowError):
                compiled(x, k)
            continue
        _same(compiled(x, k), wanted)


def test_a_number_that_is_summed():
    """The issue's own example."""
    compiled = pb.compile(lambda a: np.sum(a) * 2)
    for a in (1.0, 2.0, 3, 4):
        assert float(compiled(a)) == 2 * a


@pytest.mark.parametrize("key", ["one", "in a tuple", "several"])
def test_writes_where_values_of_the_call_say(key):
    """Into an argument that is a NumPy array; the key is computed by functions of `pb.xp`."""

    def f(y, b):
        found = {"one": xp.argmax(b), "in a tuple": (xp.argmax(b),), "several": xp.argsort(b)[:2]}
        y[found[key]] = b[:2] if key == "several" else 3.0
        return y * 2

    compiled = pb.compile(f)
    for b in (np.asarray([0.0, 5.0, 1.0]), np.asarray([2.0, 1.0, 7.0])):
        y = np.arange(3.0)
        assert np.array_equal(compiled(y, b), f(y.copy(), b))
