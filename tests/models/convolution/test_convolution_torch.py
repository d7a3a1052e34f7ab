"""Convolution, pooling, resampling and their layers against torch: values and gradients to 1e-10 in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
F = torch.nn.functional
xp = pb.xp
M = pb.models
RNG = np.random.default_rng(21)
CONV = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
SPATIAL = ((11,), (9, 8), (5, 4, 6))


def same(ours, theirs, inputs):
    """Values, and the gradients of Σ w out by all inputs, of functions of arrays and of tensors."""
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    expected = theirs(*leaves)
    weigh = RNG.standard_normal(tuple(expected.shape))
    (expected * torch.tensor(weigh)).sum().backward()
    out = ours(*inputs)
    assert out.shape == tuple(expected.shape)
    np.testing.assert_allclose(pb.to_numpy(out), expected.detach().numpy(), rtol=1e-10, atol=1e-11)
    grads = pb.grad(lambda *xs: xp.sum(ours(*xs) * weigh), tuple(range(len(inputs))))(*inputs)
    for g, leaf in zip(grads, leaves, strict=True):
        np.testing.assert_allclose(g, leaf.grad.numpy(), rtol=1e-10, atol=1e-11)


# dims, batch, channels, outputs, kernel, stride, padding, dilation, groups
SETTINGS = [
    *((d, 2, 3, 4, 3, 1, 0, 1, 1) for d in (1, 2, 3)),
    *((d, 1, 4, 6, 2, s, p, 1, 2) for d, s, p in itertools.product((1, 2), (1, 2, 3), (0, 2))),
    *((2, 2, 4, 4, k, s, p, e, 4) for k, s, p, e in ((3, 1, 1, 1), (2, 2, 1, 2), (1, 2, 0, 1))),
    (1, 0, 3, 2, 3, 1, 1, 1, 1), (2, 3, 1, 1, 5, 1, 2, 1, 1), (2, 1, 2, 3, 3, 1, 4, 3, 1), (3, 2, 2, 2, 2, 2, 1, 1, 2),
]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_conv(setting):
    dims, batch, channels, outputs, k, stride, padding, dilation, groups = setting
    x = RNG.standard_normal((batch, channels, *SPATIAL[dims - 1]))
    W = RNG.standard_normal((outputs, channels // groups, *(k,) * dims))
    b = RNG.standard_normal(outputs)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for inputs in ((x, W, b), (x, W)):
        same(
            lambda *xs, settings=settings: M.conv(*xs, **settings),
            lambda *ts, settings=settings: CONV[dims - 1](*ts, **settings),
            inputs,
        )


@pytest.mark.filterwarnings("ignore:Using padding=.same.:UserWarning")
@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding(k, dilation):
    x, W = RNG.standard_normal((2, 2, 7, 6)), RNG.standard_normal((3, 2, k, k))
    settings = {"padding": "same", "dilation": dilation}
    same(lambda x, W: M.conv(x, W, **settings), lambda x, W: F.conv2d(x, W, **settings), (x, W))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_conv_transpose(setting):
    dims, batch, channels, outputs, k, stride, padding, dilation, groups = setting
    if batch == 0 or (SPATIAL[dims - 1][0] - 1) * stride + dilation * (k - 1) < 2 * padding:
        batch = 1
    x = RNG.standard_normal((batch, outputs, *SPATIAL[dims - 1]))
    W = RNG.standard_normal((outputs, channels // groups, *(k,) * dims))
    b = RNG.standard_normal(channels)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    settings["output_padding"] = max(stride, dilation) - 1
    same(
        lambda *xs: M.conv_transpose(*xs, **settings),
        lambda *ts: TRANSPOSED[dims - 1](*ts, **settings),
        (x, W, b),
    )


@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("output_padding", [1, 2, 3, 4])
def test_conv_transpose_by_more_than_a_stride(padding, output_padding):
    """With a dilation there may be elements that no window reaches."""
    x, W = RNG.standard_normal((1, 2, 4)), RNG.standard_normal((2, 1, 2))
    settings = {"stride": 2, "padding": padding, "dilation": 5, "output_padding": output_padding}
    same(
        lambda x, W: M.conv_transpose(x, W, **settings),
        lambda x, W: F.conv_transpose1d(x, W, **settings),
        (x, W),
    )


def test_one_image_alone():
    x, W = RNG.standard_normal((2, 7, 6)), RNG.standard_normal((3, 2, 3, 2))
    same(M.conv, F.conv2d, (x, W))
    same(lambda x: M.max_pool(x, (2, 3)), lambda x: F.max_pool2d(x, (2, 3)), (x,))
    T = RNG.standard_normal((2, 3, 2, 2))
    same(M.conv_transpose, F.conv_transpose2d, (x, T))


# dims, window, stride, padding, dilation, ceil_mode
POOLS = [
    *((d, 2, None, 0, 1, False) for d in (1, 2, 3)),
    *((2, 3, s, p, 1, c) for s, p, c in itertools.product((1, 2, 3), (0, 1), (False, True))),
    (1, 3, 2, 1, 2, True), (2, 2, 1, 0, 3, False), (3, 2, 1, 1, 1, True), (2, 2, 3, 0, 1, True), (1, 5, 4, 2, 1, True),
]  # fmt: skip


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_pools(pool):
    dims, window, stride, padding, dilation, ceil_mode = pool
    settings = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    x = RNG.standard_normal((2, 3, *SPATIAL[dims - 1]))
    same(
        lambda x: M.max_pool(x, window, dilation=dilation, **settings),
        lambda x: MAX[dims - 1](x, window, dilation=dilation, **settings),
        (x,),
    )
    if dilation > 1:
        return
    for counted in (True, False):
        same(
            lambda x, counted=counted: M.avg_pool(x, window, count_include_pad=counted, **settings),
            lambda x, counted=counted: AVG[dims - 1](
                x, window, count_include_pad=counted, **settings
            ),
            (x,),
        )


def test_ties_and_nan_of_max_pool():
    """The cotangent goes to the first of equal elements; NaN wins, the last one of several."""
    x = np.array([[[1.0, 1.0, 0.0, 2.0, 2.0, 2.0]]])
    same(lambda x: M.max_pool(x, 3, stride=1), lambda x: F.max_pool1d(x, 3, 1), (x,))
    x[0, 0, 3] = np.nan
    x[0, 0, 5] = np.nan
    same(lambda x: M.max_pool(x, 3, stride=1), lambda x: F.max_pool2d(x[None], (1, 3), 1)[0], (x,))
    low = np.full((1, 1, 2), -np.inf)
    same(lambda x: M.max_pool(x, 2), lambda x: F.max_pool1d(x, 2), (low,))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_upsample(mode, dims):
    names = ("linear", "bilinear", "trilinear")
    x = RNG.standard_normal((2, 2, 4, 3, 2)[: dims + 2])
    theirs = "nearest" if mode == "nearest" else names[dims - 1]
    for setting in (
        {"scale": 2},
        {"scale": 1.7},
        {"scale": 1},
        {"size": 5},
        {"size": 2},
        {"size": 8},
    ):
        renamed = {"scale_factor" if k == "scale" else k: v for k, v in setting.items()}
        same(
            lambda x, setting=setting: M.upsample(x, mode=mode, **setting),
            lambda x, renamed=renamed: F.interpolate(x, mode=theirs, **renamed),
            (x,),
        )


def host(t):
    return None if t is None else t.detach().numpy().copy()


nn = torch.nn
SETTINGS_OF_LAYERS = {
    "conv": (nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), groups=2), lambda t: M.Conv2d(
        host(t.weight), host(t.bias), stride=2, padding=(1, 0), groups=2)),
    "conv, same": (nn.Conv1d(4, 2, 4, padding="same", bias=False), lambda t: M.Conv1d(
        host(t.weight), padding="same")),
    "conv of volumes": (nn.Conv3d(4, 2, 2, dilation=2), lambda t: M.Conv3d(host(t.weight), host(t.bias), dilation=2)),
    "transposed": (nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1), lambda t: M.ConvTranspose2d(
        host(t.weight), host(t.bias), stride=2, padding=1, output_padding=1)),
    "transposed, one dimension": (nn.ConvTranspose1d(4, 2, 3, groups=2, dilation=2), lambda t: M.ConvTranspose1d(
        host(t.weight), host(t.bias), groups=2, dilation=2)),
    "transposed, volumes": (nn.ConvTranspose3d(4, 2, 2), lambda t: M.ConvTranspose3d(host(t.weight), host(t.bias))),
    "group norm": (nn.GroupNorm(2, 4, eps=0.1), lambda t: M.GroupNorm(host(t.weight), host(t.bias), 2, 4, 0.1)),
    "instance norm": (nn.InstanceNorm2d(4), lambda t: M.GroupNorm.init(4, 4, affine=False, dtype="float64")),
    "batch norm": (nn.BatchNorm2d(4), lambda t: M.BatchNorm2d(*map(host, (
        t.weight, t.bias, t.running_mean, t.running_var)))),
    "batch norm of volumes": (nn.BatchNorm3d(4, affine=False), lambda t: M.BatchNorm3d(
        None, None, host(t.running_mean), host(t.running_var))),
    "batch norm, one dimension": (nn.BatchNorm1d(4), lambda t: M.BatchNorm1d(*map(host, (
        t.weight, t.bias, t.running_mean, t.running_var)))),
    "max pool": (nn.MaxPool2d(3, 2, 1), lambda t: M.MaxPool2d(3, 2, 1)),
    "max pool, one dimension": (nn.MaxPool1d(2, ceil_mode=True), lambda t: M.MaxPool1d(2, ceil_mode=True)),
    "max pool of volumes": (nn.MaxPool3d(2), lambda t: M.MaxPool3d(2)),
    "avg pool": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), lambda t: M.AvgPool2d(
        3, 2, 1, count_include_pad=False)),
    "avg pool, one dimension": (nn.AvgPool1d(2), lambda t: M.AvgPool1d(2)),
    "avg pool of volumes": (nn.AvgPool3d(2), lambda t: M.AvgPool3d(2)),
    "global": (nn.AdaptiveAvgPool2d(1), lambda t: M.GlobalAvgPool(keepdims=True)),
    "flatten": (nn.Flatten(2), lambda t: M.Flatten(2)),
    "upsample": (nn.Upsample(scale_factor=2, mode="bilinear"), lambda t: M.Upsample(2, mode="bilinear")),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding=.same.:UserWarning")
@pytest.mark.parametrize("name", SETTINGS_OF_LAYERS)
def test_layers(name):
    """Training and inference, by parameters and inputs."""
    theirs, convert = SETTINGS_OF_LAYERS[name]
    dims = 3 if "volumes" in name else 1 if "one dimension" in name or "same" in name else 2
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(RNG.standard_normal(tuple(p.shape))))
    theirs = theirs.double()
    ours = convert(theirs)
    x = RNG.standard_normal((3, 4, *SPATIAL[dims - 1]))
    leaf = torch.tensor(x, requires_grad=True)
    y = theirs(leaf)
    weigh = RNG.standard_normal(tuple(y.shape))
    (y * torch.tensor(weigh)).sum().backward()

    def loss(model, x):
        out, new = model.training(x)
        return xp.sum(out * weigh), (out, new)

    (_, (out, new)), (of_model, of_x) = pb.value_and_grad(loss, (0, 1), has_aux=True)(ours, x)
    close = {"rtol": 1e-10, "atol": 1e-11}
    np.testing.assert_allclose(pb.to_numpy(out), host(y), **close)
    np.testing.assert_allclose(of_x, leaf.grad.numpy(), **close)
    wanted = [host(p.grad) for p in theirs.parameters()]
    mask = pb.tree.leaves(M.parameter_mask(ours))
    own = [g for g, chosen in zip(pb.tree.leaves(of_model), mask, strict=True) if chosen]
    for g, w in zip(own, wanted, strict=True):
        np.testing.assert_allclose(g, w, **close)
    theirs.eval()
    after = M.plain(new)(x)
    if name != "instance norm":
        np.testing.assert_allclose(pb.to_numpy(xp.asarray(after)), host(theirs(leaf)), **close)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (nn.Conv2d(8, 12, 3, groups=2), M.Conv2d.init(8, 12, 3, groups=2)),
        (nn.ConvTranspose2d(8, 12, 3, groups=2), M.ConvTranspose2d.init(8, 12, 3, groups=2)),
    ],
)
def test_initialisation_is_torchs(theirs, ours):
    """The same shapes, dtypes and bounds, which of many draws nearly all reach."""
    for mine, other in ((ours.W, theirs.weight), (ours.b, theirs.bias)):
        assert mine.shape == tuple(other.shape)
        assert mine.dtype == np.float32
    bound = np.abs(ours.W).max()
    assert abs(bound / float(theirs.weight.detach().abs().max()) - 1) < 0.05
    assert np.abs(ours.b).max() <= bound * 1.05


def test_torchs_own_tensors():
    """Arrays of torch are convolved by torch, through the formulas for any library."""

    def f(x, W):
        h = M.max_pool(M.conv(x, W, stride=2, padding=1, groups=2), 2, stride=1)
        return xp.sum(M.avg_pool(h, 2, padding=1) ** 2)

    x, W = RNG.standard_normal((2, 4, 7, 6)), RNG.standard_normal((6, 2, 3, 2))
    grads = pb.grad(f, (0, 1))(torch.tensor(x), torch.tensor(W))
    for g, wanted in zip(grads, pb.grad(f, (0, 1))(x, W), strict=True):
        assert isinstance(g, torch.Tensor)
        np.testing.assert_allclose(g.numpy(), wanted, rtol=1e-10, atol=1e-11)
