"""Tests of `autograd/compile/cpu/native/attention.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native import attention, jit
from pullback.autograd.compile.cpu.native.threads import halves
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from ....._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
pytestmark = pytest.mark.skipif(
    not jit.has_blas(), reason="NumPy's BLAS is none that kernels can call"
)
xp = pb.xp
RNG = np.random.default_rng(15)


@pytest.fixture(autouse=True)
def small_blocks_too(monkeypatch):
    monkeypatch.setattr(attention, "WORTH", 0)


def normal(*shape: int, dtype: Any = np.float64) -> Any:
    return RNG.standard_normal(shape).astype(dtype)


def primitive(name: str) -> Any:
    return function_of(find(name))


def gradients(name: str, rest: Any, settings: Any) -> Any:
    """The output and all cotangents of a primitive, of arrays and one more, the output's cotangent."""

    def run(ct: Any, *arrays: Any) -> Any:
        out, pull = pb.vjp(lambda *xs: primitive(name)(*xs, *rest, **settings), *arrays)
        return (out, *pull(ct))

    return run


def compare(name: str, ct: Any, arrays: Any, rest: Any, settings: Any, *, kernels: int = 2) -> None:
    """A program with kernels against NumPy's way."""
    run = gradients(name, rest, settings)
    expected = run(ct, *arrays)
    compiled = pb.compile(run, fast=True)
    compiled(ct, *arrays)  # the first call is recorded with NumPy's way
    got = compiled(ct, *arrays)
    listing = compiled.program(ct, *arrays)
    assert listing.count(": kernel") == kernels, listing
    double = ct.dtype == np.float64
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == ct.dtype
        np.testing.assert_allclose(
            a, b, rtol=1e-11 if double else 2e-4, atol=1e-13 if double else 1e-5
        )


MASKS = {
    "no mask": lambda T, S, dtype: (None, None),
    "bias": lambda T, S, dtype: (normal(3, T, S, dtype=dtype), None),
    "bias of keys": lambda T, S, dtype: (normal(2, 1, 1, S, dtype=dtype), None),
    "bias of rows": lambda T, S, dtype: (normal(T, 1, dtype=dtype), None),
    "padding": lambda T, S, dtype: (None, RNG.random((2, 1, 1, S)) > 0.3),
    "both": lambda T, S, dtype: (normal(1, S, dtype=dtype), RNG.random((3, T, S)) > 0.3),
    "of rows": lambda T, S, dtype: (None, RNG.random((T, 1)) > 0.3),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("causal", [False, True])
def test_masks(mask, causal):
    q, k, v = normal(2, 3, 7, 4), normal(2, 3, 9, 4), normal(2, 3, 9, 5)
    rest = MASKS[mask](7, 9, np.float64)
    settings = {"scale": 0.5, "causal": causal}
    compare("attention", normal(2, 3, 7, 5), (q, k, v), rest, settings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("T", "S", "causal"),
    [(1, 1, True), (150, 150, True), (70, 130, False), (130, 70, True), (64, 200, True)],
)
def test_lengths(T, S, causal, dtype):
    """Several blocks of rows, the last one short, more keys and fewer."""
    q, k, v, ct = (normal(5, *shape, dtype=dtype) for shape in ((T, 4), (S, 4), (S, 3), (T, 3)))
    compare("attention", ct, (q, k, v), (None, None), {"scale": 0.5, "causal": causal})


@pytest.mark.parametrize("mask", MASKS)
def test_heads_side_by_side(mask):
    rest = MASKS[mask](70, 70, np.float32)
    settings = {"heads": 3, "scale": 0.5, "causal": mask != "both"}
    ct, x = normal(2, 70, 12, dtype=np.float32), normal(2, 70, 36, dtype=np.float32)
    compare("self_attention", ct, (x,), rest, settings)


def test_operands_are_read_where_they_lie():
    """Columns of one array, every second one, reversed ones, read-only ones, and broadcast heads of keys."""
    x, ct = normal(2, 6, 3, 4, 5), normal(2, 6, 4, 5)
    settings = {"scale": 0.5, "causal": True}
    run = gradients("attention", (None, None), settings)
    compiled = pb.compile(run, fast=True)
    fresh = [
        np.ascontiguousarray(np.moveaxis(y, 1, 2)) for y in (ct, *(x[:, :, i] for i in range(3)))
    ]
    compiled(*fresh)
    views = [np.moveaxis(y, 1, 2) for y in (ct, *(x[:, :, i] for i in range(3)))]
    strided = [np.repeat(y, 2, axis=-1)[..., ::2] for y in fresh]
    turned = [y[:, ::-1] for y in fresh]
    for y in fresh:
        y.setflags(write=False)
    for inputs in (fresh, views, strided, turned, fresh, views):
        for a, b in zip(compiled(*inputs), run(*inputs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_fields_of_packed_records_lie_at_odd_steps():
    records = np.zeros(2, np.dtype([("number", "u1"), ("rows", "f8", (3, 5, 4))]))
    records["rows"] = normal(2, 3, 5, 4)
    q, k = records["rows"], normal(2, 3, 5, 4)
    assert q.strides[0] % q.itemsize
    compare(
        "attention", normal(2, 3, 5, 4), (q, k, k), (None, None), {"scale": 0.5, "causal": True}
    )


def test_broadcast_keys_run_forward():
    """Their cotangents are sums over heads, which NumPy's way takes."""
    q, k, v = normal(2, 3, 7, 4), normal(1, 7, 4), normal(2, 1, 7, 4)
    settings = {"scale": 0.5, "causal": True}
    compare("attention", normal(2, 3, 7, 4), (q, k, v), (None, None), settings, kernels=1)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_rows_without_a_key_and_not_finite_scores():
    q, k, v = normal(2, 4, 3), normal(2, 5, 3), normal(2, 5, 2)
    keep = np.ones((4, 5), bool)
    keep[1] = False
    bias = np.zeros((4, 5))
    bias[2] = -np.inf
    bias[3, 0] = np.inf
    q[1, 0, 0] = np.nan
    run = pb.compile(
        lambda q: primitive("attention")(q, k, v, bias, keep, scale=0.5, causal=False), fast=True
    )
    run(q)
    out = run(q)
    assert np.all(out[:, 1:3] == 0)
    assert np.isnan(out[:, 3]).all()
    assert np.isnan(out[1, 0]).all()
    assert np.isfinite(out[0, 0]).all()


def test_both_halves_are_the_same_numbers(monkeypatch):
    """With the helper, and one after the other."""
    q, k, v, ct = (normal(5, 70, 4, dtype=np.float32) for _ in range(4))
    run = pb.compile(
        gradients("attention", (None, None), {"scale": 0.5, "causal": True}), fast=True
    )
    run(ct, q, k, v)
    first = [np.array(x) for x in run(ct, q, k, v)]
    monkeypatch.setattr(
        attention, "halves", lambda run, n, parallel: halves(run, n, parallel=False)
    )
    for a, b in zip(first, run(ct, q, k, v), strict=True):
        np.testing.assert_array_equal(a, b)
