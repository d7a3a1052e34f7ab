"""Tests of `models/convolution/convolution.py`: against SciPy, on every library, under transforms, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(5)


def drawn(*shape, dtype="float64"):
    return RNG.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("mode", ["valid", "same"])
@pytest.mark.parametrize("shape", [(9,), (7, 8), (4, 5, 6)])
def test_one_channel_is_scipys_correlation(shape, mode):
    x, w = drawn(*shape), drawn(*(3,) * len(shape))
    expected = scipy.signal.correlate(x, w, mode=mode, method="direct")
    out = M.conv(x[None, None], w[None, None], padding=mode)
    np.testing.assert_allclose(pb.to_numpy(out)[0, 0], expected, rtol=1e-12, atol=1e-13)


def test_the_transpose_is_scipys_convolution():
    x, w = drawn(6, 5), drawn(3, 2)
    out = M.conv_transpose(x[None, None], w[None, None])
    expected = scipy.signal.convolve(x, w, method="direct")
    np.testing.assert_allclose(pb.to_numpy(out)[0, 0], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_transpose_pulls_back(stride):
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩."""
    x, W = drawn(2, 4, 8, 7), drawn(6, 2, 3, 2)
    settings = {"stride": stride, "padding": ((1, 0), (0, 2)), "groups": 2}
    y = M.conv(x, W, **settings)
    ct = drawn(*y.shape)
    full = [
        (m - 1) * stride + k - sum(p)
        for m, k, p in zip(y.shape[2:], (3, 2), ((1, 0), (0, 2)), strict=True)
    ]
    more = tuple(n - f for n, f in zip((8, 7), full, strict=True))
    back = M.conv_transpose(ct, W, output_padding=more, **settings)
    assert back.shape == x.shape
    np.testing.assert_allclose(float(xp.sum(y * ct)), float(xp.sum(back * x)), rtol=1e-12)


def test_channels_last_is_the_same_with_axes_moved():
    x, W, b = drawn(2, 3, 6, 5), drawn(4, 3, 2, 3), drawn(4)
    first = pb.to_numpy(M.conv(x, W, b, stride=2))
    last = M.conv(np.moveaxis(x, 1, -1), W, b, stride=2, channels_last=True)
    np.testing.assert_array_equal(pb.to_numpy(last), np.moveaxis(first, 1, -1))
    alone = M.conv(np.moveaxis(x, 1, -1)[0], W, b, stride=2, channels_last=True)
    np.testing.assert_allclose(pb.to_numpy(alone), np.moveaxis(first, 1, -1)[0], rtol=1e-13)
    T = drawn(3, 2, 2, 2)
    transposed = M.conv_transpose(np.moveaxis(x, 1, -1), T, channels_last=True)
    assert transposed.shape == (2, 7, 6, 2)


def test_same_padding_with_strides_makes_a_share_of_the_elements():
    for n in (5, 6, 7):
        for k, stride in ((1, 2), (2, 2), (3, 2), (3, 4), (5, 3)):
            out = M.conv(np.ones((1, 1, n)), np.ones((1, 1, k)), stride=stride, padding="same")
            assert out.shape[2] == -(-n // stride)


def test_no_image_and_no_channel():
    out = M.conv(np.ones((0, 2, 5)), np.ones((3, 2, 2)), np.ones(3))
    assert out.shape == (0, 3, 4)
    g = pb.grad(lambda W: xp.sum(M.conv(np.ones((0, 2, 5)), W)))(np.ones((3, 2, 2)))
    np.testing.assert_array_equal(g, np.zeros((3, 2, 2)))
    np.testing.assert_array_equal(
        pb.to_numpy(M.conv(np.ones((1, 0, 5)), np.ones((3, 0, 2)), np.arange(3.0)))[0, :, 0],
        [0, 1, 2],
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_float32_stays_float32_and_the_smaller_dtype_gives_way(transposed):
    f = M.conv_transpose if transposed else M.conv
    x, W, b = drawn(1, 2, 5, dtype="f"), drawn(2, 2, 2, dtype="f"), drawn(2, dtype="f")
    assert f(x, W, b).dtype == np.float32
    grads = pb.grad(lambda *a: xp.sum(f(*a) ** 2), (0, 1, 2))(x, W, b)
    assert {g.dtype for g in grads} == {np.dtype("float32")}
    wide = f(x, W.astype(float), b)
    assert wide.dtype == np.float64
    assert f(x, W, b.astype(float)).dtype == np.float64
    mixed = pb.grad(lambda *a: xp.sum(f(*a) ** 2), (0, 1, 2))(x, W.astype(float), b)
    assert [g.dtype.char for g in mixed] == ["f", "d", "f"]


def test_every_library(lib, backend):
    """Device in, device out; the numbers and gradients are NumPy's."""
    x, W, b = drawn(2, 4, 6, 5), drawn(4, 2, 3, 2), drawn(4)
    T = drawn(4, 1, 2, 3)

    def f(x, W, b, T):
        h = M.conv(x, W, b, stride=2, padding=((1, 2), (0, 1)), groups=2)
        return xp.sum(M.conv_transpose(xp.tanh(h), T, stride=(2, 1), groups=2) ** 2)

    expected = pb.grad(f, (0, 1, 2, 3))(x, W, b, T)
    grads = pb.grad(f, (0, 1, 2, 3))(*map(lib.asarray, (x, W, b, T)))
    for g, wanted in zip(grads, expected, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), wanted, rtol=1e-11, atol=1e-12)


def network(x, W, b, T):
    h = xp.tanh(M.conv(x, W, b, stride=(1, 2), padding="same"))
    return xp.sum(M.conv_transpose(h, T, stride=2, padding=1) ** 2)


ARGUMENTS = (drawn(2, 2, 4, 3), drawn(3, 2, 2, 3), drawn(3), drawn(3, 1, 2, 2))


def test_both_orders_against_central_differences():
    pb.check_grads(network, ARGUMENTS, order=2)


def test_forward_mode_checkpoint_and_compile():
    tangents = tuple(drawn(*a.shape) for a in ARGUMENTS)
    _, along = pb.jvp(network, ARGUMENTS, tangents)
    grads = pb.grad(network, (0, 1, 2, 3))(*ARGUMENTS)
    np.testing.assert_allclose(
        float(along), sum(np.sum(g * t) for g, t in zip(grads, tangents, strict=True)), rtol=1e-12
    )
    again = pb.grad(pb.checkpoint(network), (0, 1, 2, 3))(*ARGUMENTS)
    step = pb.compile(pb.grad(network, (0, 1, 2, 3)), fast=False)
    step(*(a + 1 for a in ARGUMENTS))
    compiled = step(*ARGUMENTS)
    for g, a, c in zip(grads, again, compiled, strict=True):
        np.testing.assert_array_equal(a, g)
        np.testing.assert_allclose(c, g, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "mapped", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0), (None, 0, 0)]
)
@pytest.mark.parametrize("groups", [1, 2])
def test_vmap_is_one_call_for_all_rows(mapped, groups):
    shapes = (2, 4, 5, 4), (6, 4 // groups, 2, 2), (6,)
    args = [drawn(*((3,) if m == 0 else ()), *s) for m, s in zip(mapped, shapes, strict=True)]

    def f(x, W, b):
        return xp.sum(M.conv(x, W, b, stride=2, padding=1, groups=groups) ** 3)

    rows = [[a[i] if m == 0 else a for a, m in zip(args, mapped, strict=True)] for i in range(3)]
    values, grads = pb.vmap(pb.value_and_grad(f, (0, 1, 2)), in_axes=mapped)(*args)
    for i, row in enumerate(rows):
        value, expected = pb.value_and_grad(f, (0, 1, 2))(*row)
        np.testing.assert_allclose(pb.to_numpy(values)[i], float(value), rtol=1e-12)
        for g, wanted in zip(grads, expected, strict=True):
            np.testing.assert_allclose(pb.to_numpy(g)[i], wanted, rtol=1e-11, atol=1e-12)


def test_precision_rounds_the_factors_as_those_of_matmul():
    """By one at a time the convolution is a product of matrices, and is rounded as that."""
    x, W, b = drawn(5, 4, 1, dtype="f"), drawn(3, 4, 1, dtype="f"), drawn(3, dtype="f")
    by_conv = pb.compile(lambda x, W, b: M.conv(x, W, b), precision="bfloat16", fast=False)
    by_matmul = pb.compile(
        lambda x, W, b: xp.matmul(x[:, :, 0], W[:, :, 0].T) + b, precision="bfloat16", fast=False
    )
    for _ in range(2):
        got, wanted = by_conv(x, W, b), by_matmul(x, W, b)
    np.testing.assert_allclose(pb.to_numpy(got)[:, :, 0], pb.to_numpy(wanted), rtol=1e-6, atol=1e-6)
    exact = pb.to_numpy(M.conv(x, W, b))
    assert np.abs(pb.to_numpy(got) - exact).max() > 1e-4


X, W = np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))
REFUSALS = {
    "axes of x": (lambda: M.conv(np.ones((8, 8)), W), r"conv: inputs of shape \(8, 8\); in 2 dimensions"),
    "axes of W": (lambda: M.conv(X, np.ones((3, 3))), r"conv: W of shape \(3, 3\); it is \(outputs"),
    "no kernel": (lambda: M.conv(X, np.ones((4, 3, 0, 3))), r"each at least 1"),
    "channels": (lambda: M.conv(np.ones((2, 5, 8, 8)), W), r"inputs of 5 channels, and W .* takes 3 · 1 = 3"),
    "channels last": (lambda: M.conv(np.ones((2, 8, 8, 3)), W), r"channels_last=True takes inputs"),
    "channels first": (lambda: M.conv(X, W, channels_last=True), r"channels_last=False, the default"),
    "groups of inputs": (lambda: M.conv(X, W, groups=2), r"takes 3 · 2 = 6"),
    "groups of outputs": (lambda: M.conv(X, np.ones((4, 1, 3, 3)), groups=3), r"4 outputs.* groups=3 of equal"),
    "no groups": (lambda: M.conv(X, W, groups=0), r"groups=0; it has to be an integer of at least 1"),
    "bias": (lambda: M.conv(X, W, np.ones(3)), r"b of shape \(3,\); with 4 outputs it is \(4,\)"),
    "stride": (lambda: M.conv(X, W, stride=0), r"stride=0; it has to be an integer of at least 1"),
    "a stride that is no integer": (lambda: M.conv(X, W, stride=1.5), r"stride=1.5"),
    "strides": (lambda: M.conv(X, W, stride=(1, 2, 3)), r"stride=\(1, 2, 3\) has 3 entries"),
    "dilation": (lambda: M.conv(X, W, dilation=(1, True)), r"dilation\[1\]=True"),
    "padding": (lambda: M.conv(X, W, padding="reflect"), r"padding='reflect'; it is 'valid'"),
    "negative padding": (lambda: M.conv(X, W, padding=-1), r"padding=-1; it has to be an integer of at least 0"),
    "pairs": (lambda: M.conv(X, W, padding=((1, 2, 3), 0)), r"padding=\(\(1, 2, 3\), 0\); it is"),
    "kernel": (lambda: M.conv(np.ones((1, 3, 2, 9)), W), r"a kernel of \(3, 3\) does not fit into inputs of \(2, 9\)"),
    "dilated kernel": (lambda: M.conv(X, W, dilation=4), r"\(9, 9\) with dilation=\(4, 4\)"),
    "transposed channels": (lambda: M.conv_transpose(X, W), r"inputs of 3 channels, and W .* takes 4"),
    "transposed groups": (lambda: M.conv_transpose(X, W[:3], groups=2), r"3 channels of the inputs"),
    "transposed padding": (lambda: M.conv_transpose(X, W[:3], padding="same"), r"several shapes of outputs"),
    "output_padding": (lambda: M.conv_transpose(X, W[:3], output_padding=1), r"not less than the stride"),
    "nothing left": (lambda: M.conv_transpose(X, W[:3], padding=5), r"which have no element"),
    "transposed bias": (lambda: M.conv_transpose(X, W[:3], np.ones(2)), r"with 3 outputs it is \(3,\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_dask_arrays_stay_lazy():
    """Images in chunks of the batch, with a gradient that is not computed before it is asked for."""
    da = pytest.importorskip("dask.array", reason="Dask is in the extra `test`")
    x, W = drawn(2, 1, 4), drawn(2, 1, 2)
    computed = []
    lazy = da.from_array(x, chunks=(1, 1, 4))
    lazy = lazy.map_blocks(lambda block: computed.append(1) or block, dtype=x.dtype, meta=x)
    del computed[:]

    def f(x, W):
        return xp.sum(M.max_pool(M.conv(x, W, padding=1), 2) ** 2)

    grads = pb.grad(f, (0, 1))(lazy, da.from_array(W, chunks=W.shape))
    assert all(isinstance(g, da.Array) for g in grads)
    assert not computed
    for g, wanted in zip(grads, pb.grad(f, (0, 1))(x, W), strict=True):
        np.testing.assert_allclose(np.asarray(g), wanted, rtol=1e-11, atol=1e-12)
    assert computed
